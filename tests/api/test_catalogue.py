"""Models, benchmarks, figures, tasks and health over HTTP."""

from typing import Any

from fastapi.testclient import TestClient

from app.api.models import EXAMPLE
from app.problems import MEDIA_TYPE
from tests.api.contracts import HOTEL, Contract


def every(client: TestClient, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(path, params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def figure(benchmark: str, **changes: object) -> dict[str, object]:
    return {
        "model": "huggingface:google-bert/bert-base-uncased",
        "benchmark": benchmark,
        "metric": "acc",
        "value": 0.9,
        "protocol": "fine-tuned",
        "source": "https://example.org",
        "as_of": "2026-01-01",
        **changes,
    }


def test_pages_hold_every_model_once(client: TestClient, contract: Contract) -> None:
    contract.holds(client.get("/models").json(), "get", "/models", 200)
    names = [model["name"] for model in every(client, "/models", 33)]

    assert len(names) == len(set(names)) >= 80
    assert names == sorted(names)


def test_a_model_is_found_by_any_name_that_leaves_no_doubt(client: TestClient, contract: Contract) -> None:
    full = client.get("/models/huggingface:google-bert/bert-base-uncased").json()

    contract.holds(full, "get", "/models/{name}", 200)
    assert client.get(f"/models/{full['name']}").json() == full
    assert client.get("/models/google-bert/bert-base-uncased").json() == full


def test_a_filter_shows_models_of_that_task(client: TestClient) -> None:
    items = client.get("/models", params={"task_type": "image-classification"}).json()["items"]

    assert items
    assert all("image-classification" in item["task_types"] for item in items)


def test_a_registered_model_takes_part_in_the_next_answer(client: TestClient, contract: Contract) -> None:
    entry = {**EXAMPLE, "id": "our-own-encoder"}
    before = client.post("/recommend", json=HOTEL).json()["database"]
    response = client.post("/models", json=entry)
    after = client.post("/recommend", json=HOTEL).json()["database"]
    body = {
        "task": {"type": "text-classification", "languages": ["en"]},
        "constraints": {"include": ["local:our-own-encoder"]},
    }
    ranking = client.post("/recommend", json=body).json()["ranking"]

    assert response.status_code == 201
    contract.holds(response.json(), "post", "/models", 201)
    assert [row["model"]["id"] for row in ranking] == ["our-own-encoder"]
    assert after["n_models"] == before["n_models"] + 1
    assert after["version"] != before["version"]


def test_registering_the_same_model_twice_changes_nothing(client: TestClient) -> None:
    entry = {**EXAMPLE, "id": "twice-encoder"}

    assert [client.post("/models", json=entry).status_code for _ in range(2)] == [201, 201]


def test_a_taken_name_with_another_description_conflicts(client: TestClient) -> None:
    entry = {**EXAMPLE, "id": "taken-encoder"}
    client.post("/models", json=entry)
    response = client.post("/models", json={**entry, "n_layers": 7})

    assert response.status_code == 409
    assert response.headers["content-type"] == MEDIA_TYPE


def test_a_model_with_an_own_converter_is_refused(client: TestClient) -> None:
    weights = {"format": "onnx", "n_bytes": 1, "sha256": "0" * 64, "converter": "onnx-minilm"}
    response = client.post("/models", json={**EXAMPLE, "id": "own-converter", "weights": weights})

    assert response.status_code == 422
    assert "/weights" in {error["pointer"] for error in response.json()["errors"]}


def test_an_inconsistent_model_is_refused(client: TestClient) -> None:
    response = client.post("/models", json={**EXAMPLE, "id": "odd", "n_embedding_parameters": 10**12})

    assert response.status_code == 422


def test_imported_figures_are_listed_with_their_source(client: TestClient, contract: Contract) -> None:
    report = client.post("/figures", json={"figures": [figure("listed-benchmark")]})
    page = client.get("/figures", params={"benchmark": "listed-benchmark"}).json()

    contract.holds(report.json(), "post", "/figures", 200)
    contract.holds(page, "get", "/figures", 200)
    assert report.json() == {"inserted": 1, "unchanged": 0}
    assert [(f["metric"], f["value"], f["source"]) for f in page["items"]] == [
        ("accuracy", 0.9, "https://example.org")
    ]


def test_importing_the_same_figures_again_changes_nothing(client: TestClient) -> None:
    body = {"figures": [figure("again-benchmark"), figure("again-benchmark", value=0.91)]}
    client.post("/figures", json=body)

    assert client.post("/figures", json=body).json() == {"inserted": 0, "unchanged": 2}


def test_one_bad_figure_keeps_all_out_and_is_pointed_at(client: TestClient) -> None:
    body = {"figures": [figure("half-benchmark"), figure("half-benchmark", value=91.2)]}
    response = client.post("/figures", json=body)

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/figures/1/value"
    assert client.get("/figures", params={"benchmark": "half-benchmark"}).json()["items"] == []


def test_figures_page_in_order_of_arrival(client: TestClient) -> None:
    first = client.get("/figures", params={"limit": 3}).json()
    second = client.get("/figures", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    ids = [f["id"] for f in first["items"] + second["items"]]

    assert ids == sorted(set(ids))
    assert len(ids) == 6


def test_pages_hold_every_benchmark_once(client: TestClient, contract: Contract) -> None:
    contract.holds(client.get("/benchmarks").json(), "get", "/benchmarks", 200)
    names = [benchmark["name"] for benchmark in every(client, "/benchmarks", 40)]

    assert len(names) == len(set(names)) > 40


def test_every_task_type_is_listed_with_its_metrics(client: TestClient, contract: Contract) -> None:
    document = client.get("/tasks").json()

    contract.holds(document, "get", "/tasks", 200)
    assert len(document["items"]) == 26
    assert all(task["metrics"] for task in document["items"])


def test_the_service_is_healthy_and_ready(client: TestClient, contract: Contract) -> None:
    contract.holds(client.get("/healthz").json(), "get", "/healthz", 200)
    contract.holds(client.get("/readyz").json(), "get", "/readyz", 200)
