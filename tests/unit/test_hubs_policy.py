"""What may be read of a model, and what is refused."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.hubs.base import ModelNotFoundError, RemoteCodeError, UnsafeWeightsError
from models_registry.hubs.policy import check_folder, check_safetensors, choose_weights, shards_of
from tests.contract.hub_server import small_model

WEIGHTS = small_model()["model.safetensors"]


def write(folder: Path, **replaced: bytes | None) -> Path:
    files: dict[str, bytes | None] = {
        **small_model(),
        **{k.replace("__", "."): v for k, v in replaced.items()},
    }
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def test_a_whole_model_passes(tmp_path: Path) -> None:
    check_folder("m", write(tmp_path))


def test_single_weights_are_preferred_to_shards() -> None:
    assert choose_weights("m", ["model.safetensors.index.json", "model.safetensors"]) == "model.safetensors"


def test_safetensors_are_preferred_to_pickles() -> None:
    assert choose_weights("m", ["pytorch_model.bin", "model.safetensors"]) == "model.safetensors"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth", "tf_model.h5", "model.pkl"])
def test_a_model_with_unsafe_weights_only_is_refused(name: str) -> None:
    with pytest.raises(UnsafeWeightsError) as caught:
        choose_weights("m", ["config.json", name])
    assert caught.value.found == (name,)


def test_a_model_without_weights_is_not_found() -> None:
    with pytest.raises(ModelNotFoundError):
        choose_weights("m", ["config.json"])


def test_a_folder_without_configuration_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        check_folder("m", write(tmp_path, config__json=None))


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_classes_outside_the_libraries_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    (tmp_path / name).write_text(json.dumps({"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(RemoteCodeError) as caught:
        check_folder("m", tmp_path)
    assert caught.value.file == name


def test_a_configuration_that_is_no_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeWeightsError):
        check_folder("m", write(tmp_path, config__json=b"[1]"))


def test_a_shard_that_is_missing_is_found_out(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"t": "a.safetensors"}}).encode()
    write(tmp_path, model__safetensors=None, model__safetensors__index__json=index)
    with pytest.raises(ModelNotFoundError):
        check_folder("m", tmp_path)


@pytest.mark.parametrize("shard", ["../a.safetensors", "/a.safetensors", "sub/a.safetensors", "a.bin"])
def test_an_index_names_only_safetensors_beside_it(tmp_path: Path, shard: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"t": shard}}))
    with pytest.raises(UnsafeWeightsError):
        shards_of("m", index)


@given(cut=st.integers(0, len(WEIGHTS) - 1))
def test_a_cut_file_is_never_taken_for_whole(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "model.safetensors"
    path.write_bytes(WEIGHTS[:cut])
    with pytest.raises(UnsafeWeightsError):
        check_safetensors("m", path)


@given(content=st.binary(max_size=64))
def test_other_bytes_are_never_taken_for_safetensors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(content) + 1) + content)
    with pytest.raises(UnsafeWeightsError):
        check_safetensors("m", path)
