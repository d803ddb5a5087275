"""The cache folder: atomic, locked, and clean after a failure."""

import json
from pathlib import Path

import pytest

from models_registry.hubs.base import (
    Deadline,
    GatedModelError,
    HashMismatchError,
    HubError,
    HubTimeoutError,
    HubUnavailableError,
    ModelNotFoundError,
    ModelTooLargeError,
    UnknownHubError,
    UnsafeWeightsError,
)
from models_registry.hubs.cache import claimed, model_folder, publish, published
from tests.contract.hub_server import entry_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return model_folder(tmp_path, entry_of())


def fill(root: Path, folder: Path, content: bytes = b"weights") -> None:
    with claimed(root, folder, "m", Deadline.after(5)) as scratch:
        scratch.mkdir(parents=True, exist_ok=True)
        (scratch / "model.safetensors").write_bytes(content)
        publish(root, scratch, folder, revision="r1", facts={"source": "test"})


def test_a_published_folder_is_found_with_its_revision(tmp_path: Path, folder: Path) -> None:
    fill(tmp_path, folder)
    found = published(folder)
    assert found is not None
    assert (found.revision, found.files, found.n_bytes) == ("r1", ("model.safetensors",), 7)


def test_publishing_leaves_no_scratch_folder(tmp_path: Path, folder: Path) -> None:
    fill(tmp_path, folder)
    assert not (tmp_path / ".partial").exists()


def test_a_folder_without_provenance_is_not_taken_for_a_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"half")
    assert published(folder) is None


def test_a_folder_whose_file_was_cut_is_not_taken_for_a_model(tmp_path: Path, folder: Path) -> None:
    fill(tmp_path, folder)
    (folder / "model.safetensors").write_bytes(b"we")
    assert published(folder) is None


def test_a_folder_with_damaged_provenance_is_not_taken_for_a_model(tmp_path: Path, folder: Path) -> None:
    fill(tmp_path, folder)
    (folder / "provenance.json").write_text(json.dumps({"revision": "r1"}))
    assert published(folder) is None


def test_a_broken_folder_is_replaced(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "leftover").write_bytes(b"x")
    fill(tmp_path, folder)
    assert not (folder / "leftover").exists()


def download_half_then(root: Path, folder: Path, error: HubError) -> None:
    with claimed(root, folder, "m", Deadline.after(5)) as scratch:
        scratch.mkdir(parents=True)
        (scratch / "model.safetensors.incomplete").write_bytes(b"half")
        raise error


def test_a_refusal_discards_what_was_downloaded(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        download_half_then(tmp_path, folder, ModelNotFoundError("m", "gone"))
    assert not (tmp_path / ".partial").exists()


@pytest.mark.parametrize("error", [HubUnavailableError("m", "cut"), HubTimeoutError("m", 1.0)])
def test_a_lost_connection_keeps_what_was_downloaded(tmp_path: Path, folder: Path, error: HubError) -> None:
    with pytest.raises(type(error)):
        download_half_then(tmp_path, folder, error)
    assert [p.read_bytes() for p in tmp_path.rglob("*.incomplete")] == [b"half"]


@pytest.mark.parametrize(
    "error",
    [
        GatedModelError("m"),
        HashMismatchError("m", "f", "0", "1"),
        HubTimeoutError("m", 1.5),
        ModelTooLargeError("m", 2, 1),
        UnknownHubError("m", "h"),
        UnsafeWeightsError("m", ("a.bin",), "safetensors"),
    ],
)
def test_an_error_can_be_made_again_from_its_arguments(error: HubError) -> None:
    again = type(error)(*error.args)
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_claim_that_is_held_elsewhere_is_waited_for_no_longer_than_the_deadline(
    tmp_path: Path, folder: Path
) -> None:
    with (
        claimed(tmp_path, folder, "m", Deadline.after(5)),
        pytest.raises(HubTimeoutError),
        claimed(tmp_path, folder, "m", Deadline.after(0.05)),
    ):
        pass
