"""Recommendation over HTTP: interactions are uploaded, and runs on them are queued."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.ranking.recipe import SCRATCH_RATE
from tests.api.contracts import Contract
from tests.interactions import histories, lines

SASREC, GRU4REC = "github:kang205/SASRec", "github:hidasib/GRU4Rec"
READS_TITLES = "package-index:sentence-transformers/all-MiniLM-L6-v2"
TASK = "sequential-recommendation"


def upload(client: TestClient, *, has_titles: bool, status: int = 201, **fields: str) -> dict[str, Any]:
    text = "\n".join(lines(histories(40, 24, seed=0, follows=0.5), has_titles=has_titles))
    response = client.post("/datasets", files={"file": ("log.csv", text)}, data={"task_type": TASK, **fields})
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def create(client: TestClient, dataset: dict[str, Any], status: int, **body: Any) -> dict[str, Any]:
    response = client.post(
        "/probe-run", json={"dataset_id": dataset["id"], "budget": {"seconds": 60}, **body}
    )
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def test_interactions_are_uploaded_with_what_is_known_of_them(client: TestClient, contract: Contract) -> None:
    found = upload(
        client, has_titles=True, user_column="user_id", item_column="item_id", time_column="timestamp"
    )
    contract.holds(found, "post", "/datasets", 201)
    assert found["n_examples"] == found["profile"]["interactions"]["n_users"] == 40
    assert found["profile"]["interactions"]["n_items"] == 24
    assert found["columns"] == {
        "user": "user_id",
        "item": "item_id",
        "time": "timestamp",
        "text": "title",
    }


def test_a_column_that_is_not_there_is_pointed_at(client: TestClient) -> None:
    found = upload(client, has_titles=False, status=422, item_column="product")
    assert found["errors"][0]["pointer"] == "/item_column"


def test_a_run_on_interactions_is_queued(client: TestClient, contract: Contract) -> None:
    run = create(client, upload(client, has_titles=True), 202, candidates=[SASREC, GRU4REC, READS_TITLES])
    contract.holds(run, "post", "/probe-run", 202)
    assert {row["score"]["metric"] for row in run["ranking"]} == {"ndcg_at_10"}
    strategies = {row["model"]["id"]: row["strategy"] for row in run["ranking"]}
    assert len(strategies) == 3
    assert strategies["kang205/SASRec"] == strategies["hidasib/GRU4Rec"] == "full"


def test_without_titles_models_of_texts_are_not_tried(client: TestClient) -> None:
    dataset = upload(client, has_titles=False)
    found = create(client, dataset, 422, candidates=[SASREC, READS_TITLES])
    assert found["errors"][0]["pointer"] == "/candidates/1"
    assert "titles" in found["errors"][0]["detail"]
    run = create(client, dataset, 202)
    assert "all-MiniLM-L6-v2" not in {t["model"] for t in run["trials"]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"candidates": [SASREC], "strategies": ["head"]}, "/candidates/0"),
        ({"candidates": [SASREC], "strategies": ["lora"]}, "/strategies/0"),
        ({"candidates": ["github:FeiSun/BERT4Rec"]}, "/candidates/0"),
        ({"candidates": [SASREC], "refit": True}, "/refit"),
        ({"candidates": [SASREC], "task": {"metric": "accuracy"}}, "/task/metric"),
    ],
)
def test_what_cannot_be_done_is_refused(client: TestClient, body: dict[str, Any], pointer: str) -> None:
    found = create(client, upload(client, has_titles=False), 422, **body)
    assert pointer in {error["pointer"] for error in found["errors"]}


def test_what_is_recommended_are_networks_over_items(client: TestClient, contract: Contract) -> None:
    found = client.post("/recommend", json={"task": {"type": TASK}}).json()
    contract.holds(found, "post", "/recommend", 200)
    ids = {row["model"]["id"]: row["strategy"] for row in found["ranking"]}
    assert ids == {"kang205/SASRec": "full", "FeiSun/BERT4Rec": "full", "hidasib/GRU4Rec": "full"}
    left_out = {row["model"]: row["rule"] for row in found["excluded"]}
    assert left_out[f"{READS_TITLES}@0.1.0"] == "titles"


def test_where_items_have_titles_models_of_texts_are_recommended_too(client: TestClient) -> None:
    dataset = upload(client, has_titles=True)
    body = {"task": {"type": TASK}, "data": {"dataset_id": dataset["id"]}}
    ranking = client.post("/recommend", json=body).json()["ranking"]
    cautions = {row["model"]["family"]: row["cautions"] for row in ranking}
    assert {"sasrec", "minilm"} <= cautions.keys()
    assert any("titles" in caution for caution in cautions["minilm"])
    rates = {row["recipe"]["learning_rate"] for row in ranking if row["strategy"] == "full"}
    assert rates == {SCRATCH_RATE}
