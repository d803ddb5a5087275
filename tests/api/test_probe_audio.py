"""Runs on recordings, from the upload to the queued run."""

import io
import zipfile
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.contracts import Contract
from tests.recordings import PITCHES, recording_bytes

N_EACH = 12


@pytest.fixture(scope="module")
def dataset(client: TestClient) -> dict[str, Any]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind in range(len(PITCHES)):
            for i in range(N_EACH):
                archive.writestr(f"{'ab'[kind]}/{i}.wav", recording_bytes(kind, 2 * i + kind, seconds=0.1))
    response = client.post(
        "/datasets",
        files={"file": ("tones.zip", content.getvalue(), "application/zip")},
        data={"task_type": "audio-classification"},
    )
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def create(client: TestClient, status: int, **body: Any) -> dict[str, Any]:
    response = client.post("/probe-run", json={"budget": {"seconds": 60}, **body})
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def test_recordings_are_profiled_in_seconds(
    client: TestClient, contract: Contract, dataset: dict[str, Any]
) -> None:
    contract.holds(dataset, "post", "/datasets", 201)
    profile = dataset["profile"]
    assert (profile["length_unit"], profile["mean_length"]) == ("seconds", pytest.approx(0.1))
    assert profile["class_counts"] == {"a": N_EACH, "b": N_EACH}


def test_a_run_on_recordings_is_queued(
    client: TestClient, contract: Contract, dataset: dict[str, Any]
) -> None:
    run = create(client, 202, dataset_id=dataset["id"])
    contract.holds(run, "post", "/probe-run", 202)
    assert run["ranking"]
    assert {row["score"]["metric"] for row in run["ranking"]} == {"accuracy"}


def test_the_speaker_encoder_may_be_named(client: TestClient, dataset: dict[str, Any]) -> None:
    run = create(client, 202, dataset_id=dataset["id"], candidates=["resemblyzer"], strategies=["head"])
    assert [row["model"]["id"] for row in run["ranking"]] == ["resemblyzer"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"strategies": ["lora"]}, "/strategies/0"),
        ({"refit": True}, "/refit"),
        ({"task": {"metric": "eer"}}, "/task/metric"),
        ({"candidates": ["sentence-transformers/all-MiniLM-L6-v2"]}, "/candidates/0"),
    ],
)
def test_what_is_not_done_with_recordings_is_refused(
    client: TestClient, contract: Contract, dataset: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    problem = create(client, 422, dataset_id=dataset["id"], **body)
    contract.holds(problem, "post", "/probe-run", 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
