"""Bad input to a real service: each is a clear problem, and nothing of it is left in the data folder."""

from pathlib import Path
from typing import Any

import pytest

from app.api.models import EXAMPLE as ENTRY
from app.problems import MEDIA_TYPE
from tests.e2e.conftest import Serve
from tests.e2e.serving import Service, reviews_csv

MAX_BYTES = 50_000
BERT = "huggingface:google-bert/bert-base-uncased"


@pytest.fixture(scope="module")
def service(serve: Serve) -> Service:
    return serve(ADVISOR_MAX_UPLOAD_BYTES=str(MAX_BYTES))


@pytest.fixture(scope="module")
def dataset(service: Service) -> str:
    return str(service.upload(reviews_csv())["id"])


def files(service: Service) -> set[Path]:
    """All files of the data folder but the database and what the service says."""
    kept = {"advisor.db", "advisor.db-wal", "advisor.db-shm", "service.log"}
    return {path for path in service.data_dir.rglob("*") if path.is_file() and path.name not in kept}


def refused(service: Service, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
    """The problem document of a request that left no file."""
    before = files(service)
    response = service.client.request(method, path, **options)

    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    assert files(service) == before
    problem: dict[str, Any] = response.json()
    assert problem["title"]
    assert problem["status"] == status
    return problem


@pytest.mark.parametrize(
    ("content", "form", "pointer"),
    [
        pytest.param(b"", {}, "/file", id="empty file"),
        pytest.param(b"text,label\n", {}, "/file", id="no rows"),
        pytest.param(b"text,label\na,x\nb,x\nc,x\n", {}, "/label_column", id="one class"),
        pytest.param(b"text,label\nhello,\nworld,\n", {}, "/file", id="labels missing"),
        pytest.param(reviews_csv(), {"text_column": "nowhere"}, "/text_column", id="unknown column"),
        pytest.param(b"text,label\n\x00\x01\x02\xff\xfe\xfd,\x80\n", {}, "/file", id="no encoding"),
        pytest.param(b"PK\x03\x04" + bytes(200), {}, "/file", id="another kind of file"),
    ],
)
def test_data_that_cannot_be_used_is_refused(
    service: Service, content: bytes, form: dict[str, str], pointer: str
) -> None:
    problem = refused(
        service,
        "POST",
        "/datasets",
        422,
        files={"file": ("data.csv", content, "text/csv")},
        data={"task_type": "text-classification", **form},
    )

    assert pointer in {error["pointer"] for error in problem["errors"]}


def test_an_upload_over_the_limit_is_refused(service: Service) -> None:
    refused(
        service,
        "POST",
        "/datasets",
        413,
        files={"file": ("data.csv", b"text,label\n" + b"x" * (2 * MAX_BYTES), "text/csv")},
        data={"task_type": "text-classification"},
    )


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"candidates": ["no/such-model"]}, "/candidates/0"),
        ({"candidates": [BERT, "../../etc/passwd"]}, "/candidates/1"),
        ({"candidates": ["https://example.org/weights"]}, "/candidates/0"),
        ({"budget": {"seconds": 0}}, "/budget/seconds"),
        ({"budget": {"seconds": 1e9}}, "/budget/seconds"),
        ({"budget": {"seconds": -5}}, "/budget/seconds"),
        ({"dataset_id": "../../etc/passwd"}, "/dataset_id"),
        ({"dataset_id": "https://example.org/data.csv"}, "/dataset_id"),
        ({"dataset_id": "ds_0123456789abcdef"}, "/dataset_id"),
        ({"task": {"type": "translation"}}, "/task/type"),
    ],
)
def test_a_run_that_cannot_be_carried_out_is_refused(
    service: Service, dataset: str, changes: dict[str, Any], pointer: str
) -> None:
    body = {"dataset_id": dataset, "candidates": [BERT], "budget": {"seconds": 10}, **changes}
    problem = refused(service, "POST", "/probe-run", 422, json=body)

    assert pointer in {error["pointer"] for error in problem["errors"]}


def test_examples_that_come_with_a_refused_run_are_not_kept(service: Service) -> None:
    rows = [{"text": f"text {i}", "label": str(i % 2)} for i in range(40)]
    body = {"examples": rows, "candidates": [BERT], "recommendation_id": "rec_0", "task": {"metric": "wer"}}
    before = _examples_kept(service)
    refused(service, "POST", "/probe-run", 422, json=body)

    assert _examples_kept(service) == before


def test_a_model_of_pickled_weights_is_refused(service: Service, dataset: str) -> None:
    pickled = {**ENTRY, "id": "pickled-encoder", "weights": {"format": "pytorch", "n_bytes": 1}}
    service.ask("POST", "/models", 201, json=pickled)
    body = {"dataset_id": dataset, "candidates": ["local:pickled-encoder"], "budget": {"seconds": 10}}
    problem = refused(service, "POST", "/probe-run", 422, json=body)

    assert "safetensors" in problem["errors"][0]["detail"]


def _examples_kept(service: Service) -> set[Path]:
    return {path for path in (service.data_dir / "datasets").rglob("*") if path.is_file()}
