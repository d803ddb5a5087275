"""Vocabularies: what decides a model's tokens, where words begin among them, and tables cut to those in use.

Notation:
    V, d   tokens of the vocabulary, width of their vectors
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.probes.inputs import Words

_NAMES_ONLY = frozenset({"name_or_path", "model_max_length", "special_tokens_map_file", "tokenizer_class"})
"""Settings of a tokenizer that change none of its tokens: the longest input is asked for apart."""


def tokenizer_digest(folder: Path) -> str | None:
    """SHA-256 of what decides a model's tokens; None where it is not in files that are known."""
    try:
        found = hashlib.sha256((folder / "tokenizer.json").read_bytes())
    except FileNotFoundError:
        return None
    for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        path = folder / name
        settings = json.loads(path.read_bytes()) if path.exists() else {}
        decisive = {key: value for key, value in settings.items() if key not in _NAMES_ONLY}
        found.update(json.dumps(decisive, sort_keys=True).encode())
    config = json.loads((folder / "config.json").read_bytes())
    found.update(json.dumps([config.get("add_special_tokens"), config.get("pad_token_id")]).encode())
    return found.hexdigest()


def words_of(texts: Sequence[list[str]], encodings: Sequence[Any]) -> Words:
    """First token of each word; words without a token, or behind the end, have none."""
    places = []
    for words, encoding in zip(texts, encodings, strict=True):
        first = dict[int, int]()
        for place, word in enumerate(encoding.word_ids):
            if word is not None:
                first.setdefault(word, place)
        places.append([first.get(i, -1) for i in range(len(words))])
    return Words.of(places)


def second_words_of(texts: Sequence[list[str]], encodings: Sequence[Any]) -> Words:
    """Of pairs the first token of all, then that of each word of the second text, as `words_of` has it.

    The first token is where BERT and its kin look for what is of the pair as a whole, such as that the second
    text holds no answer (Devlin et al. 2019, section 4.3).
    """
    places = []
    for words, encoding in zip(texts, encodings, strict=True):
        first = dict[int, int]()
        for place, (word, sequence) in enumerate(zip(encoding.word_ids, encoding.sequence_ids, strict=True)):
            if sequence == 1:
                first.setdefault(word, place)
        places.append([0, *(first.get(i, -1) for i in range(len(words)))])
    return Words.of(places)


def kept_ids(
    used: NDArray[np.int32], pad_id: int, n_tokens: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Old ids that stay, ascending, and new id by old id (0 for those that go).

    Ids up to a small padding id keep their number: XLM-R tells padding, and thus positions, by it.
    """
    low = range(pad_id + 1) if pad_id < 1_000 else (pad_id,)
    kept = np.union1d(used.astype(np.int64), np.fromiter(low, dtype=np.int64))
    new_ids = np.zeros(n_tokens, dtype=np.int32)
    new_ids[kept] = np.arange(len(kept), dtype=np.int32)
    return kept, new_ids


def restricted(table: nn.Module, kept: NDArray[np.int64], pad_id: int | None) -> nn.Embedding:
    """The vectors of these ids alone, in their order."""
    return embedding(table.get_parameter("weight").detach()[torch.from_numpy(kept)], pad_id)


def embedding(weight: Tensor, pad_id: int | None) -> nn.Embedding:
    """A table of these vectors, shape (V, d), of which that of padding is not trained."""
    n_tokens, width = weight.shape
    return nn.Embedding(n_tokens, width, padding_idx=pad_id, _weight=weight.clone())
