"""Beyond the single best: a blend of what was probed and scores group by group, on real reviews."""

import csv
import io
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import L3, L6, MODELS_DIR, WORD_LLAMA

pytestmark = [pytest.mark.weights, pytest.mark.slow]
REVIEWS = MODELS_DIR.parent / "demo" / "demo" / "rotten_tomatoes.csv"
N = 1_000
LONG = 20
"""Words from which a review counts as long."""


def grouped_reviews() -> bytes:
    """Real reviews, each with a column that says whether it is long."""
    if not REVIEWS.exists():
        pytest.skip(f"no reviews at {REVIEWS}: `make weights` fetches them")
    with REVIEWS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:N]
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(["text", "label", "length"])
    table.writerows(
        [r["text"], r["label"], "long" if len(r["text"].split()) >= LONG else "short"] for r in rows
    )
    return written.getvalue().encode()


def test_a_run_tells_of_a_blend_and_of_groups(serve: Serve) -> None:
    service = serve(with_models=True)
    dataset = service.upload(grouped_reviews(), group_column="length")
    run_id = service.probe(
        dataset["id"],
        [WORD_LLAMA, L3, L6],
        60,
        strategies=["head"],
        ensemble=True,
        explain=True,
        stop={"p_best": 1.0, "expected_regret": 0.0},
    )
    run = service.ended(run_id)
    assert run["status"] == "succeeded", run["decision"]
    _assert_groups(run)
    _assert_blend(run)
    _assert_explained(service.ask("GET", f"/probe-runs/{run_id}/explanations", 200))
    page = service.client.get(f"/probe-runs/{run_id}/report").text
    assert "long" in page
    service.ask("DELETE", f"/datasets/{dataset['id']}", 204)
    service.ask("GET", f"/probe-runs/{run_id}/explanations", 404)


def _assert_explained(found: dict[str, Any]) -> None:
    assert len(found["items"]) == 6
    for item in found["items"]:
        words = [item["text"][part["start"] : part["end"]] for part in item["parts"]]
        assert words == [part["text"] for part in item["parts"]]
        total = sum(part["weight"] for part in item["parts"])
        assert total == pytest.approx(item["output"] - item["without"], abs=0.05)
    wrong, right = found["items"][:3], found["items"][3:]
    assert all(item["predicted"] != item["true"] for item in wrong)
    assert all(item["predicted"] == item["true"] for item in right)


def _assert_groups(run: dict[str, Any]) -> None:
    assert len(run["groups"]) >= 2
    first = run["groups"][0]
    assert {score["group"] for score in first["scores"]} == {"long", "short"}
    assert first["gap"] >= 0.0
    assert 0.0 < first["p_value"] <= 1.0
    assert all(comparison["p_value"] is None for comparison in run["groups"][1:])
    for score in first["scores"]:
        assert score["score"]["low"] <= score["score"]["mean"] <= score["score"]["high"]


def _assert_blend(run: dict[str, Any]) -> None:
    """Three frozen models of one kind of text: their mean is a row, or the run says that none is better."""
    assert "blend of" in run["decision"]
    assert sum(row["p_best"] for row in run["ranking"]) == pytest.approx(1.0, abs=0.002)
    rows = [row for row in run["ranking"] if row["strategy"] == "ensemble"]
    assert bool(rows) != ("no blend" in run["decision"])
    for row in rows:
        assert sum(member["weight"] for member in row["members"]) == pytest.approx(1.0)
        assert len(row["members"]) >= 2
