"""Candidates that fail in a real run: each says why, and the others are ranked."""

from pathlib import Path
from typing import Any

import pytest

from app.api.models import EXAMPLE as ENTRY
from tests.e2e.conftest import Serve
from tests.e2e.serving import E5, L3, L6, WORD_LLAMA, Service, reviews_csv

pytestmark = [pytest.mark.weights, pytest.mark.slow]
UNREACHABLE = "huggingface:acme/ticket-encoder"
MEMORY_GB = 0.8
"""Room for the two small models; the largest, of 118 million parameters, needs more."""


@pytest.fixture(scope="module")
def service(serve: Serve, models_dir: Path) -> Service:
    return serve(with_models=True)


@pytest.fixture(scope="module")
def run(service: Service) -> dict[str, Any]:
    corrupt(service.data_dir / "models" / "package-index" / "sentence-transformers--all-MiniLM-L6-v2")
    entry = {**ENTRY, "hub": "huggingface", "id": "acme/ticket-encoder", "revision": "main"}
    service.ask("POST", "/models", 201, json=entry)
    dataset = service.upload(reviews_csv())
    run_id = service.probe(
        dataset["id"],
        [WORD_LLAMA, L3, L6, E5, UNREACHABLE],
        60.0,
        budget={"seconds": 60.0, "memory_gb": MEMORY_GB},
        strategies=["head"],
    )
    return service.ended(run_id)


def corrupt(folder: Path) -> None:
    """The weights are as long as they were, and nothing of them can be read."""
    (weights,) = folder.glob("*/model.safetensors")
    size = weights.stat().st_size
    weights.unlink()
    weights.write_bytes(b"\xff" * size)


def trial(run: dict[str, Any], model: str) -> dict[str, Any]:
    (found,) = [t for t in run["trials"] if t["model"].startswith(model)]
    return dict(found)


def test_the_run_goes_on_with_the_others(run: dict[str, Any]) -> None:
    ranked = {row["model"]["name"].rpartition("@")[0] for row in run["ranking"]}

    assert run["status"] == "succeeded", run["decision"]
    assert ranked == {WORD_LLAMA, L3}
    assert {trial(run, model)["status"] for model in ranked} == {"finished"}


def test_weights_that_cannot_be_fetched_are_that_models_outcome(run: dict[str, Any]) -> None:
    found = trial(run, UNREACHABLE)

    assert (found["status"], bool(found["why"])) == ("failed", True)


def test_weights_that_cannot_be_read_are_that_models_outcome(run: dict[str, Any]) -> None:
    found = trial(run, L6)

    assert (found["status"], bool(found["why"])) == ("failed", True)


def test_a_model_that_needs_more_memory_is_ended(run: dict[str, Any]) -> None:
    found = trial(run, E5)

    assert found["status"] == "out_of_memory"
    assert "0.8 GB" in found["why"]


def test_why_names_no_folder_of_the_machine(run: dict[str, Any], service: Service) -> None:
    assert not [t["why"] for t in run["trials"] if str(service.data_dir) in t["why"]]
