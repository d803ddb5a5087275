"""Probe runs over HTTP, without a worker: what is queued, listed, cancelled and streamed."""

import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.dependencies import Services
from app.api.schemas.probe_runs import EXAMPLE
from app.probes.repository import LeaseRepository
from app.probes.states import RunStatus
from app.probes.tables import ProbeRunRow
from app.problems import MEDIA_TYPE
from tests.api.contracts import Contract

MODEL = "huggingface:google-bert/bert-base-uncased"
WORDS = "package-index:dleemiller/word-llama-l2-supercat"


def create(client: TestClient, status: int = 202, /, **changes: object) -> dict[str, Any]:
    response = client.post("/probe-run", json={**EXAMPLE, **changes})
    assert response.status_code == status, response.text
    document: dict[str, Any] = response.json()
    return document


def append(services: Services, run_id: str, kind: str, data: dict[str, Any]) -> None:
    with services.database.write() as session:
        row = session.get_one(ProbeRunRow, run_id)
        LeaseRepository(session).append_event(row, kind, data, services.now())
        if kind == "done":
            row.status = RunStatus.SUCCEEDED


def events(client: TestClient, run_id: str, **headers: str) -> list[tuple[int, str]]:
    text = client.get(f"/probe-runs/{run_id}/events", headers=headers).text
    blocks = [block.splitlines() for block in text.replace("\r\n", "\n").split("\n\n") if "data:" in block]
    parsed = [dict(line.split(": ", 1) for line in block) for block in blocks]
    return [(int(p["id"]), p["event"]) for p in parsed]


def test_a_run_is_queued_as_documented_with_a_ranking_from_the_start(
    client: TestClient, contract: Contract
) -> None:
    response = client.post("/probe-run", json={**EXAMPLE, "candidates": [MODEL]})
    run = response.json()

    contract.holds(run, "post", "/probe-run", 202)
    assert response.headers["location"] == f"/probe-runs/{run['id']}"
    assert run["status"] == "queued"
    assert [row["model"]["id"] for row in run["ranking"]] == ["google-bert/bert-base-uncased"]


def test_without_candidates_the_likeliest_are_recalled(client: TestClient, services: Services) -> None:
    run = create(client)
    with services.database.read() as session:
        request = session.get_one(ProbeRunRow, run["id"]).request

    assert len(request["candidates"]) == len(run["ranking"]) > 1
    assert request["task"] == {"type": "text-classification", "metric": "accuracy"}


def test_a_run_advises_what_its_data_call_for(client: TestClient, contract: Contract) -> None:
    rows = [{"text": f"text number {i}", "label": "ab"[i % 2]} for i in range(20)]
    conflicting = [{"text": "the same text", "label": label} for label in "ab"]
    run = create(client, examples=[*rows, *conflicting], candidates=[MODEL])
    found = client.get(f"/probe-runs/{run['id']}").json()
    steps = {step["kind"]: step["why"] for step in found["steps"]}

    contract.holds(found, "get", "/probe-runs/{run_id}", 200)
    assert set(steps) == {"few-shot-contrastive", "augmentation", "label-noise"}
    assert "1 texts (4.5% of 22 examples)" in steps["label-noise"]
    assert steps["augmentation"] in client.get(f"/probe-runs/{run['id']}/report").text


def test_a_recommendations_probe_list_becomes_the_candidates(client: TestClient, services: Services) -> None:
    description = "sentiment of English film reviews, two classes"
    body = {"task": {"description": description}, "data": {"n_examples": 500}}
    recommendation = client.post("/recommend", json=body).json()
    run = create(client, recommendation_id=recommendation["id"])
    with services.database.read() as session:
        request = session.get_one(ProbeRunRow, run["id"]).request

    if recommendation["advice"]["probe"]:
        assert request["candidates"] == recommendation["advice"]["probe"]
    else:
        assert request["candidates"]


def test_a_run_over_an_uploaded_data_set_takes_its_task(client: TestClient, reviews_csv: bytes) -> None:
    dataset = client.post(
        "/datasets",
        files={"file": ("r.csv", reviews_csv, "text/csv")},
        data={"task_type": "text-classification"},
    ).json()
    body = {"dataset_id": dataset["id"], "candidates": [MODEL], "budget": {"seconds": 5}}
    run = client.post("/probe-run", json=body).json()

    assert run["dataset_id"] == dataset["id"]
    assert run["progress"] == {"charged_seconds": 0.0, "budget_seconds": 5.0, "fraction": 0.0, "now": ""}


@pytest.mark.parametrize(("n_rare", "metric"), [(60, "accuracy"), (6, "f1_macro")])
def test_rare_classes_count_where_no_metric_was_named(
    client: TestClient, services: Services, n_rare: int, metric: str
) -> None:
    examples = [{"text": f"a fine film, part {i}", "label": "good"} for i in range(60)]
    examples += [{"text": f"a dull film, part {i}", "label": "bad"} for i in range(n_rare)]
    run = create(client, examples=examples, task={"type": "text-classification"})
    with services.database.read() as session:
        request = session.get_one(ProbeRunRow, run["id"]).request

    assert request["task"]["metric"] == metric
    assert {row["score"]["metric"] for row in run["ranking"]} == {metric}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"candidates": ["no/such-model"]}, "/candidates/0"),
        ({"candidates": [MODEL, "/etc/passwd"]}, "/candidates/1"),
        ({"candidates": ["https://example.org/model"]}, "/candidates/0"),
        ({"candidates": ["openai-community/../x"]}, "/candidates/0"),
        ({"candidates": []}, "/candidates"),
        ({"candidates": ["facebook/wav2vec2-base"]}, "/candidates/0"),
        ({"strategies": ["distillation"]}, "/strategies/0"),
        ({"candidates": [WORDS], "strategies": ["lora"]}, "/candidates/0"),
        ({"strategies": []}, "/strategies"),
        ({"budget": {"seconds": 0}}, "/budget/seconds"),
        ({"budget": {"seconds": 1e9}}, "/budget/seconds"),
        ({"budget": {"seconds": 60, "device": "abacus"}}, "/budget/device"),
        ({"budget": {"seconds": 60, "device": "CPU", "n_devices": 2}}, "/budget/n_devices"),
        ({"budget": {"seconds": 60, "device": "cuda", "n_devices": 17}}, "/budget/n_devices"),
        ({"stop": {"p_best": 1.5}}, "/stop/p_best"),
        (
            {
                "ensemble": True,
                "task": {"type": "text-retrieval"},
                "examples": [{"text": f"what is {i}?", "text_pair": f"{i} is {i}."} for i in range(9)],
            },
            "/ensemble",
        ),
        ({"webhook_url": "https://example.org/hook"}, "/webhook_url"),
        ({"dataset_id": "ds_0123456789abcdef"}, ""),
        ({"examples": None}, ""),
        ({"examples": None, "dataset_id": "ds_0123456789abcdef"}, "/dataset_id"),
        ({"examples": None, "dataset_id": "../secrets"}, "/dataset_id"),
        ({"examples": [{"text": "one", "label": "a"}]}, "/examples"),
        ({"examples": []}, "/examples"),
        ({"examples": [{"text": "one", "label": "a"}] * 2001}, "/examples"),
        ({"task": {"type": "object-detection"}}, "/task/type"),
        ({"task": {"metric": "wer"}}, "/task/metric"),
        ({"recommendation_id": "rec_0"}, "/recommendation_id"),
        ({"seed": -1}, "/seed"),
    ],
)
def test_what_cannot_be_probed_is_pointed_at(
    client: TestClient, contract: Contract, changes: dict[str, Any], pointer: str
) -> None:
    problem = create(client, 422, **changes)

    contract.holds(problem, "post", "/probe-run", 422)
    assert pointer in {error["pointer"] for error in problem["errors"]}


def test_pickled_weights_are_refused_with_what_would_be_right(client: TestClient) -> None:
    from app.api.models import EXAMPLE as ENTRY

    pickled = {**ENTRY, "id": "pickled-encoder", "weights": {"format": "pytorch", "n_bytes": 1}}
    assert client.post("/models", json=pickled).status_code == 201
    problem = create(client, 422, candidates=["local:pickled-encoder"])

    assert "safetensors" in problem["errors"][0]["detail"]


def test_a_model_that_does_not_read_the_language_is_refused_and_nothing_is_left(
    client: TestClient, services: Services
) -> None:
    folder = services.settings.data_dir / "datasets"
    before = set(folder.iterdir())
    good, bad = "房间很干净，服务也非常好，下次还会再来住", "房间又脏又吵，前台态度恶劣，再也不会来了"
    examples = [
        {"text": f"{text}，第{i}次入住", "label": label}
        for i in range(12)
        for text, label in ((good, "1"), (bad, "0"))
    ]
    problem = create(client, 422, examples=examples, candidates=["huggingface:FacebookAI/roberta-base"])

    assert problem["errors"][0]["pointer"] == "/candidates/0"
    assert "language" in problem["errors"][0]["detail"]
    assert set(folder.iterdir()) == before


def test_a_candidate_named_twice_runs_once(client: TestClient, services: Services) -> None:
    run = create(client, candidates=[MODEL, "google-bert/bert-base-uncased"])
    with services.database.read() as session:
        request = session.get_one(ProbeRunRow, run["id"]).request

    assert len(request["candidates"]) == 1


def test_the_same_key_and_body_give_the_same_run(client: TestClient) -> None:
    first, second = (
        client.post("/probe-run", json=EXAMPLE, headers={"Idempotency-Key": "k1"}) for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]


def test_the_same_key_with_another_body_is_refused(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k2"}
    client.post("/probe-run", json=EXAMPLE, headers=headers)
    response = client.post("/probe-run", json={**EXAMPLE, "seed": 7}, headers=headers)

    assert response.status_code == 422
    assert response.json()["type"].endswith("idempotency-conflict")


def test_without_a_key_each_call_makes_a_run(client: TestClient) -> None:
    assert create(client)["id"] != create(client)["id"]


def test_concurrent_calls_with_one_key_make_one_run(client: TestClient) -> None:
    found: list[str] = []

    def call() -> None:
        response = client.post("/probe-run", json=EXAMPLE, headers={"Idempotency-Key": "k3"})
        found.append(response.json()["id"])

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_run_is_found_as_documented(client: TestClient, contract: Contract) -> None:
    run = create(client)
    found = client.get(f"/probe-runs/{run['id']}").json()

    contract.holds(found, "get", "/probe-runs/{run_id}", 200)
    assert found == run


def test_pages_hold_every_run_once_newest_first(client: TestClient, contract: Contract) -> None:
    made = [create(client, candidates=[MODEL])["id"] for _ in range(3)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = client.get("/probe-runs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        contract.holds(page, "get", "/probe-runs", 200)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen[:3] == made[::-1]
    assert len(seen) == len(set(seen))


def test_a_queued_run_is_cancelled_at_once_and_again_without_effect(
    client: TestClient, contract: Contract
) -> None:
    run = create(client)
    first = client.post(f"/probe-runs/{run['id']}/cancel")
    second = client.post(f"/probe-runs/{run['id']}/cancel")

    contract.holds(first.json(), "post", "/probe-runs/{run_id}/cancel", 200)
    assert first.json()["status"] == "cancelled"
    assert first.json() == second.json()


def test_a_finished_run_is_not_cancelled(client: TestClient, services: Services) -> None:
    run = create(client)
    append(services, run["id"], "done", {"status": "succeeded"})
    response = client.post(f"/probe-runs/{run['id']}/cancel")

    assert response.status_code == 409
    assert response.headers["content-type"] == MEDIA_TYPE


def test_events_are_streamed_up_to_the_end(client: TestClient, services: Services) -> None:
    run = create(client)
    for kind in ("progress", "point", "ranking", "done"):
        append(services, run["id"], kind, {"kind": kind})

    assert events(client, run["id"]) == [(1, "progress"), (2, "point"), (3, "ranking"), (4, "done")]


def test_last_event_id_resumes_behind_that_event(client: TestClient, services: Services) -> None:
    run = create(client)
    for kind in ("progress", "point", "done"):
        append(services, run["id"], kind, {})

    assert events(client, run["id"], **{"Last-Event-ID": "1"}) == [(2, "point"), (3, "done")]


def test_a_client_that_has_seen_the_end_is_told_not_to_come_back(
    client: TestClient, services: Services
) -> None:
    run = create(client)
    append(services, run["id"], "done", {})
    response = client.get(f"/probe-runs/{run['id']}/events", headers={"Last-Event-ID": "1"})

    assert response.status_code == 204


def test_events_that_happen_while_streaming_arrive_once_and_in_order(
    client: TestClient, services: Services
) -> None:
    run = create(client)
    append(services, run["id"], "progress", {})

    def happen() -> None:
        for kind in ("point", "ranking", "point", "done"):
            time.sleep(0.05)
            append(services, run["id"], kind, {})

    thread = threading.Thread(target=happen)
    thread.start()
    seen = events(client, run["id"])
    thread.join()

    assert [number for number, _ in seen] == [1, 2, 3, 4, 5]
    assert seen[-1] == (5, "done")


def test_the_report_of_a_run_names_its_candidates_and_escapes(client: TestClient, services: Services) -> None:
    run = create(client, candidates=[MODEL])
    with services.database.write() as session:
        session.get_one(ProbeRunRow, run["id"]).decision = "<script>alert(1)</script>"
    page = client.get(f"/probe-runs/{run['id']}/report").text

    assert "google-bert/bert-base-uncased" in page
    assert "<script>" not in page


def test_only_files_of_the_trained_winner_are_served(
    client: TestClient, services: Services, contract: Contract
) -> None:
    examples = [{"text": f"refitted on part {i}", "label": str(i % 2)} for i in range(20)]
    run_id = create(client, refit=True, examples=examples)["id"]
    folder = services.settings.data_dir / "artifacts" / run_id
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text("{}")
    (folder / "other.json").write_text("not named by the run")
    with services.database.write() as session:
        row = session.get_one(ProbeRunRow, run_id)
        row.status = RunStatus.SUCCEEDED
        row.refit = {"artifacts": [{"path": "model/config.json", "bytes": 2, "sha256": "0" * 64}]}

    path = f"/probe-runs/{run_id}/artifacts"
    contract.holds(client.get(path).json(), "get", "/probe-runs/{run_id}/artifacts", 200)
    assert client.get(f"{path}/model/config.json").text == "{}"
    for name in ("other.json", "model", "..%2F..%2Fadvisor.db", "%2e%2e/%2e%2e/advisor.db", "/etc/passwd"):
        assert client.get(f"{path}/{name}").status_code == 404

    dataset_id = client.get(f"/probe-runs/{run_id}").json()["dataset_id"]
    assert client.delete(f"/datasets/{dataset_id}").status_code == 204
    assert client.get(path).json() == {"items": []}
    assert not folder.exists()
