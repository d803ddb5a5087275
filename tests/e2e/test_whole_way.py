"""Recommend, upload, probe, recommend again: a real service, its worker and real pretrained weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.probes.transferability import ESTIMATORS
from tests.e2e.conftest import Serve
from tests.e2e.serving import L3, L6, WORD_LLAMA, Service, reviews_csv

pytestmark = [pytest.mark.weights, pytest.mark.slow]
CANDIDATES = [WORD_LLAMA, L3, L6]
BUDGET_SECONDS = 30.0
ALLOWANCE_SECONDS = 5.0
"""What a budget may be overrun by: the end of the slice that is at work."""


@dataclass(frozen=True)
class Way:
    """One run, with what was asked before and after it, and its events as they came while it worked."""

    service: Service
    dataset: dict[str, Any]
    run: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    live: list[tuple[int, str]]


def recommend(service: Service, dataset: dict[str, Any]) -> dict[str, Any]:
    body = {
        "task": {"type": "text-classification", "metric": "accuracy"},
        "data": {"dataset_id": dataset["id"]},
        "budget": {"device": "cpu"},
        "constraints": {"include": CANDIDATES},
    }
    found: dict[str, Any] = service.ask("POST", "/recommend", 200, json=body)
    return found


@pytest.fixture(scope="module")
def way(serve: Serve, models_dir: Path) -> Way:
    service = serve(with_models=True)
    dataset = service.upload(reviews_csv())
    before = recommend(service, dataset)
    run_id = service.probe(dataset["id"], CANDIDATES, BUDGET_SECONDS)
    live = stream(service, run_id)  # lasts as long as the run
    run = service.ended(run_id)
    assert run["status"] == "succeeded", run["decision"]
    return Way(service, dataset, run, before, recommend(service, dataset), live)


def measured(way: Way) -> list[dict[str, Any]]:
    return [trial for trial in way.run["trials"] if trial["points"]]


def test_the_answer_was_measured_and_whoever_was_not_says_why(way: Way) -> None:
    models = {trial["model"] for trial in measured(way)}
    assert way.run["ranking"][0]["model"]["name"] in models, way.run["decision"]
    assert all(trial["why"] for trial in way.run["trials"] if trial["model"] not in models)


def test_the_probabilities_of_being_best_sum_to_one(way: Way) -> None:
    assert sum(row["p_best"] for row in way.run["ranking"]) == pytest.approx(1.0, abs=1e-3)


def test_every_point_is_a_score_of_the_metric(way: Way) -> None:
    points = [point for trial in measured(way) for point in trial["points"]]

    assert points
    assert all(0.0 <= point["metric"] <= 1.0 and point["examples_seen"] > 0 for point in points)


def test_measured_models_have_every_transferability_score(way: Way) -> None:
    assert {frozenset(trial["transferability"]) for trial in measured(way)} == {frozenset(ESTIMATORS)}


def test_the_classical_baselines_are_shown(way: Way) -> None:
    assert {baseline["name"] for baseline in way.run["baselines"]} == {"majority", "tfidf-logistic"}


def test_the_best_measured_model_beats_the_majority(way: Way) -> None:
    majority = next(b["score"]["mean"] for b in way.run["baselines"] if b["name"] == "majority")

    assert max(p["metric"] for trial in measured(way) for p in trial["points"]) > majority + 0.2


def test_the_charge_keeps_to_the_budget(way: Way) -> None:
    assert 0.0 < way.run["spent"]["charged_seconds"] <= BUDGET_SECONDS + ALLOWANCE_SECONDS


def test_the_time_beside_downloads_and_warm_up_keeps_to_the_budget(way: Way) -> None:
    spent = way.run["spent"]
    beside = spent["download_seconds"] + spent["warmup_seconds"]

    assert spent["wall_seconds"] - beside <= BUDGET_SECONDS + ALLOWANCE_SECONDS


def test_the_charge_is_at_least_what_trials_took(way: Way) -> None:
    trained = sum(trial["seconds"] for trial in way.run["trials"] if trial["strategy"] == "full")
    passes = sum(trial["seconds"] for trial in way.run["trials"] if trial["strategy"] == "head")

    assert way.run["spent"]["charged_seconds"] >= trained + passes - 0.01


def test_an_ended_run_names_its_reason(way: Way) -> None:
    assert way.run["decision"]
    assert way.run["progress"]["now"] == ""


def test_events_arrive_in_order_while_the_run_works_and_end_with_done(way: Way) -> None:
    assert [number for number, _ in way.live] == list(range(1, len(way.live) + 1))
    assert [kind for _, kind in way.live].index("done") == len(way.live) - 1
    assert {"progress", "point", "ranking"} <= {kind for _, kind in way.live}


def test_a_stream_that_broke_off_is_resumed_without_loss(way: Way) -> None:
    middle = len(way.live) // 2
    rest = stream(way.service, way.run["id"], **{"Last-Event-ID": str(middle)})

    assert rest == way.live[middle:]


def stream(service: Service, run_id: str, **headers: str) -> list[tuple[int, str]]:
    text = service.client.get(f"/probe-runs/{run_id}/events", headers=headers).text
    blocks = [block.splitlines() for block in text.replace("\r\n", "\n").split("\n\n") if "data:" in block]
    fields = [dict(line.split(": ", 1) for line in block) for block in blocks]
    return [(int(f["id"]), f["event"]) for f in fields]


def test_the_next_recommendation_says_what_the_probe_measured(way: Way) -> None:
    reasons = {row["model"]["name"]: " ".join(row["reasons"]) for row in way.after["ranking"]}
    finished = {t["model"] for t in measured(way) if t["status"] == "finished"}

    assert finished
    assert all("measured on your own data" in reasons[name] for name in finished)
    assert "measured on your own data" not in str(way.before["ranking"])


def test_the_next_recommendation_is_another_version_of_the_database(way: Way) -> None:
    assert way.after["database"]["version"] != way.before["database"]["version"]


def test_another_data_set_is_answered_as_if_nothing_had_been_measured(way: Way) -> None:
    other = way.service.upload(reviews_csv(opening="Honestly, "))

    assert "measured on your own data" not in str(recommend(way.service, other)["ranking"])


def test_adapters_are_probed_beside_a_head_on_real_weights(way: Way) -> None:
    dataset = way.service.upload(reviews_csv(60, opening="Adapted: "))
    body = {"strategies": ["head", "lora", "bitfit"], "stop": {"p_best": 1.0, "expected_regret": 0.0}}
    run = way.service.ended(way.service.probe(dataset["id"], [L3, L6], 25.0, **body))
    trained = [t for t in run["trials"] if t["strategy"] != "head" and t["points"]]

    assert run["status"] == "succeeded", run["decision"]
    assert {t["strategy"] for t in run["trials"]} == {"head", "lora", "bitfit"}
    assert trained, run["decision"]
    assert all(t["status"] != "failed" and t["peak_memory_bytes"] > 0 for t in trained)
    assert {row["strategy"] for row in run["ranking"]} <= {"head", "lora", "bitfit"}


def test_a_budget_of_a_second_is_kept_and_answered(way: Way) -> None:
    dataset = way.service.upload(reviews_csv(opening="In short, "))
    run = way.service.ended(way.service.probe(dataset["id"], [L3, L6], 1.0))

    assert run["status"] == "succeeded"
    assert run["decision"]
    assert len(run["ranking"]) == 2
    assert run["spent"]["charged_seconds"] <= 1.0 + ALLOWANCE_SECONDS


def test_deleting_the_data_set_removes_its_features_and_figures(way: Way) -> None:
    dataset = way.service.upload(reviews_csv(40, opening="To be deleted: "))
    run = way.service.ended(way.service.probe(dataset["id"], [WORD_LLAMA], 20.0, strategies=["head"]))
    features = way.service.data_dir / "features"
    before = set(features.iterdir())
    way.service.ask("DELETE", f"/datasets/{dataset['id']}", 204)
    again = way.service.upload(reviews_csv(40, opening="To be deleted: "))

    assert {trial["status"] for trial in run["trials"]} == {"finished"}
    assert before - set(features.iterdir()) == {features / dataset["id"]}
    assert again["id"] == dataset["id"]
    assert "measured on your own data" not in str(recommend(way.service, again)["ranking"])
