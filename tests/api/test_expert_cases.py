"""What an expert expects of the shipped service on everyday tasks; what does not hold yet is marked so."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "expert_cases.yaml").read_text(encoding="utf-8")
)
EVERYBODY = 100
"""Rows asked for: the order of models far down counts too."""


def _marked(case: dict[str, Any]) -> Any:
    marks = [pytest.mark.xfail(reason=case["not_yet"], strict=False)] if "not_yet" in case else []
    return pytest.param(case, id=case["name"], marks=marks)


@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_the_answer_is_what_an_expert_expects(client: TestClient, case: dict[str, Any]) -> None:
    body = {
        "task": {"description": case["description"]},
        "data": {"n_examples": case["n_examples"]},
        "budget": {"device": case["device"], "train_hours": 24},
        "top_k": EVERYBODY,
    }
    response = client.post("/recommend", json=body)
    assert response.status_code == 200, response.text
    ranking = response.json()["ranking"]
    places = {row["model"]["id"]: row["rank"] for row in ranking}
    best = {row["model"]["id"]: row for row in ranking[: case.get("first", 1)]}
    if "one_of" in case:
        assert best.keys() & set(case["one_of"])
    if "none_of" in case:
        assert not best.keys() & set(case["none_of"])
    if "strategy" in case:
        assert {row["strategy"] for row in best.values()} == {case["strategy"]}
    if "mean_at_least" in case:
        assert ranking[0]["score"]["mean"] >= case["mean_at_least"]
    for better, worse in case.get("before", ()):
        assert places[better] < places.get(worse, EVERYBODY + 1), (better, worse)
