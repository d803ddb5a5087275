"""Models in a folder of this machine."""

from pathlib import Path

import pytest

from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    HashMismatchError,
    HubTimeoutError,
    ModelNotFoundError,
    RemoteCodeError,
    UnknownHubError,
    UnsafeWeightsError,
)
from models_registry.hubs.local import LocalHub
from models_registry.hubs.registry import hub_for
from tests.contract.hub_server import entry_of, small_model


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "offered"
    folder.mkdir()
    return folder


def put(root: Path, files: dict[str, bytes], name: str = "tiny") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


def fetch(root: Path, name: str = "tiny", seconds: float = 30.0, **weights: object) -> FetchedModel:
    entry = entry_of(name, hub="local", revision="1", **weights)
    return LocalHub(root).fetch(entry, root.parent / "models", deadline=Deadline.after(seconds))


def nothing_is_left(root: Path) -> bool:
    models = root.parent / "models"
    return not (models / "local").exists() and not (models / ".partial").exists()


def test_a_model_is_copied_as_it_is(root: Path) -> None:
    put(root, small_model())
    fetched = fetch(root)
    assert (fetched.folder / "model.safetensors").read_bytes() == small_model()["model.safetensors"]


def test_other_files_are_not_copied(root: Path) -> None:
    put(root, small_model() | {"train.py": b"", "optimizer.bin": b"x"})
    assert fetch(root).files == ("config.json", "model.safetensors", "tokenizer.json")


def test_a_second_fetch_needs_the_source_no_more(root: Path) -> None:
    folder = put(root, small_model())
    first = fetch(root)
    (folder / "model.safetensors").unlink()
    assert fetch(root) == first


def test_a_folder_that_is_not_there_is_not_found(root: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        fetch(root)
    assert nothing_is_left(root)


@pytest.mark.parametrize("name", ["a/..", "..", "../outside", "/outside", "a/b/c"])
def test_names_that_are_paths_make_no_entry(name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        entry_of(name, hub="local", revision="1")


@pytest.mark.parametrize("revision", ["..", ".", "a/b", ""])
def test_revisions_that_are_paths_make_no_entry(revision: str) -> None:
    with pytest.raises(ValueError, match="revision"):
        entry_of("tiny", hub="local", revision=revision)


def test_a_link_to_a_folder_outside_is_not_followed(root: Path) -> None:
    (root / "tiny").symlink_to(put(root.parent, small_model(), "outside"))
    with pytest.raises(ModelNotFoundError):
        fetch(root)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_link_to_a_file_outside_is_not_followed(root: Path, name: str) -> None:
    outside = put(root.parent, small_model(), "outside")
    inside = put(root, small_model())
    (inside / name).unlink()
    (inside / name).symlink_to(outside / name)
    with pytest.raises(UnsafeWeightsError) as caught:
        fetch(root)
    assert caught.value.found == (name,)
    assert nothing_is_left(root)


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    shared = put(root, small_model(), "shared")
    inside = put(root, small_model())
    (inside / "tokenizer.json").unlink()
    (inside / "tokenizer.json").symlink_to(shared / "tokenizer.json")
    assert "tokenizer.json" in fetch(root).files


def test_pickles_are_refused(root: Path) -> None:
    files = small_model()
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    put(root, files)
    with pytest.raises(UnsafeWeightsError):
        fetch(root)
    assert nothing_is_left(root)


def test_remote_code_is_refused(root: Path) -> None:
    put(root, small_model(auto_map={"AutoModel": "x.Y"}))
    with pytest.raises(RemoteCodeError):
        fetch(root)
    assert nothing_is_left(root)


def test_a_pinned_hash_is_kept(root: Path) -> None:
    put(root, small_model())
    with pytest.raises(HashMismatchError):
        fetch(root, sha256="0" * 64)
    assert nothing_is_left(root)


def test_a_deadline_that_is_over_copies_nothing(root: Path) -> None:
    put(root, small_model())
    with pytest.raises(HubTimeoutError):
        fetch(root, seconds=0.0)
    assert not (root.parent / "models" / "local").exists()


def test_without_a_root_there_is_no_local_hub() -> None:
    with pytest.raises(UnknownHubError):
        hub_for(entry_of("tiny", hub="local", revision="1"))
