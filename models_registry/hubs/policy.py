"""Which files of a model may be read at all, checked without opening any of them with torch."""

import json
import struct
from collections.abc import Iterable
from pathlib import Path

from models_registry.hubs.base import ModelNotFoundError, RemoteCodeError, UnsafeWeightsError

CONFIG = "config.json"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
SAFE_POLICY = "safetensors"

SIDE_FILES = frozenset(
    {
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "sentencepiece.bpe.model",
        "spiece.model",
        "spm.model",
    }
)
"""Configuration and tokenizer files that are fetched beside the weights; nothing else is."""

_UNSAFE_SUFFIXES = (
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".pkl",
    ".pickle",
    ".h5",
    ".msgpack",
    ".joblib",
    ".npy",
    ".npz",
)
_MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself
_CONFIGS_WITH_CODE = (
    "config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
)


def choose_weights(model: str, names: Iterable[str]) -> str:
    """The weights file to fetch, or the index that names its shards.

    Args:
        model: Name of the model, for errors.
        names: Files at the root of the model.

    Raises:
        UnsafeWeightsError: There are weights, and none are safetensors.
        ModelNotFoundError: There are no weights.
    """
    offered = sorted(names)
    for name in (SINGLE, INDEX):
        if name in offered:
            return name
    unsafe = tuple(name for name in offered if name.endswith(_UNSAFE_SUFFIXES))
    if unsafe:
        raise UnsafeWeightsError(model, unsafe, SAFE_POLICY)
    raise ModelNotFoundError(model, f"it has neither {SINGLE} nor {INDEX}")


def shards_of(model: str, index: Path) -> tuple[str, ...]:
    """The shard files that an index names, each a plain file name beside the index."""
    weight_map = _read_json(model, index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise UnsafeWeightsError(model, (index.name,), "an index with a weight_map")
    shards = sorted({str(shard) for shard in weight_map.values()})
    foreign = tuple(s for s in shards if Path(s).name != s or not s.endswith(".safetensors"))
    if foreign:
        raise UnsafeWeightsError(model, foreign, SAFE_POLICY)
    return tuple(shards)


def check_configs(model: str, folder: Path) -> None:
    """Raises RemoteCodeError where a configuration names classes outside the installed libraries."""
    if not (folder / CONFIG).is_file():
        raise ModelNotFoundError(model, f"it has no {CONFIG}")
    for name in _CONFIGS_WITH_CODE:
        path = folder / name
        if path.is_file() and "auto_map" in _read_json(model, path):
            raise RemoteCodeError(model, name)


def check_folder(model: str, folder: Path) -> None:
    """Raises unless the folder holds a model in safetensors, whole, and without code of its own."""
    check_configs(model, folder)
    chosen = choose_weights(model, (path.name for path in folder.iterdir() if path.is_file()))
    for shard in (chosen,) if chosen == SINGLE else shards_of(model, folder / chosen):
        if not (folder / shard).is_file():
            raise ModelNotFoundError(model, f"its index names {shard}, which is not there")
        check_safetensors(model, folder / shard)


def check_safetensors(model: str, path: Path) -> None:
    """Raises unless the file has the layout of safetensors and exactly the bytes that its header announces.

    Source:
        Format description of safetensors: 8 bytes with the header's length, a JSON header with the
        offsets of each tensor, then the data without gaps.
    """
    refused = UnsafeWeightsError(model, (path.name,), "a whole safetensors file")
    with path.open("rb") as stream:
        prefix = stream.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else _MAX_HEADER_BYTES + 1
        if length > min(_MAX_HEADER_BYTES, path.stat().st_size - 8):
            raise refused
        try:
            header = json.loads(stream.read(length))
            ends = [int(t["data_offsets"][1]) for name, t in header.items() if name != "__metadata__"]
        except (ValueError, AttributeError, KeyError, TypeError, IndexError):
            raise refused from None
    if path.stat().st_size != 8 + length + max(ends, default=0):
        raise refused


def _read_json(model: str, path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UnsafeWeightsError(model, (path.name,), "a JSON object")
    return content
