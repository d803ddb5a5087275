"""Texts are tokenised once a tokenizer: what comes after reads the tokens from the cache."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.probes.backbones import Backbone, TokenizedTexts
from app.probes.feature_cache import FeatureCache, TokenKey
from app.probes.messages import TrialSpec


def tokenize(spec: TrialSpec, backbone: Backbone, texts: Sequence[str], max_length: int) -> TokenizedTexts:
    """The tokens of a trial's texts, as the backbone would make them.

    Args:
        spec: Of the trial.
        backbone: Its own.
        texts: n of them.
        max_length: Tokens kept of each.
    """
    if backbone.tokenizer_sha256 is None or not texts:
        return backbone.tokenize(texts, max_length)
    cache = FeatureCache(spec.feature_cache_folder, spec.feature_cache_bytes)
    key = TokenKey(
        dataset_id=spec.dataset_id,
        texts_sha256=_digest(texts),
        tokenizer_sha256=backbone.tokenizer_sha256,
        max_length=min(max_length, backbone.max_length),
        input_prefix=spec.input_prefix,
    )
    kept = cache.get(key)
    if kept is not None:
        return _unpacked(np.asarray(kept, dtype=np.int32))
    tokenized = backbone.tokenize(texts, max_length)
    cache.put(key, _packed(tokenized))
    return tokenized


def _packed(tokenized: TokenizedTexts) -> NDArray[np.int32]:
    """Padding id, n, the n lengths, all ids."""
    head = np.array([tokenized.pad_id, len(tokenized)], dtype=np.int32)
    return np.concatenate([head, tokenized.lengths.astype(np.int32), tokenized.ids])


def _unpacked(packed: NDArray[np.int32]) -> TokenizedTexts:
    n = int(packed[1])
    lengths = packed[2 : 2 + n].astype(np.int64)
    return TokenizedTexts(
        ids=packed[2 + n :], starts=np.cumsum(lengths) - lengths, lengths=lengths, pad_id=int(packed[0])
    )


def _digest(texts: Sequence[str]) -> str:
    """SHA-256 of the texts in their order, each with its length, so that no two lists are alike."""
    found = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "little"))
        found.update(encoded)
    return found.hexdigest()
