"""Static word vectors: a table of vectors and the tokenizer that indexes it.

The result has the layout of `model_type: static-vectors`: one tensor `embedding.weight` (vocabulary, width)
and `tokenizer.json`. A text's embedding is the mean of its tokens' vectors, without special tokens.
"""

import shutil
from pathlib import Path

from safetensors.numpy import load_file

from app.probes.conversion.base import DamagedSourceError, only_file, write_model
from models_registry.entry import ModelEntry

_TABLE = "embedding.weight"


def convert(parts: Path, target: Path, entry: ModelEntry) -> None:
    """The target folder holds the table as shipped (fp16) and the tokenizer."""
    tensors = load_file(only_file(parts / "weights", ".safetensors"))
    if set(tensors) != {_TABLE}:
        raise DamagedSourceError(f"tensors {sorted(tensors)}")
    n_tokens, width = tensors[_TABLE].shape
    config = {
        "model_type": "static-vectors",
        "vocab_size": n_tokens,
        "hidden_size": width,
        "pooling": "mean",
        "add_special_tokens": False,
        "dtype": str(tensors[_TABLE].dtype),
        "_name_or_path": entry.id,
    }
    shutil.copyfile(only_file(parts / "tokenizer", ".json"), target / "tokenizer.json")
    write_model(target, config, tensors)
