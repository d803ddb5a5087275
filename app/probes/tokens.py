"""Texts are tokenised once a tokenizer: what comes after reads the tokens from the cache."""

import hashlib
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.probes.backbones import Backbone, Inputs, TokenizedTexts, is_paired
from app.probes.feature_cache import FeatureCache, TokenKey
from app.probes.messages import TrialSpec


def tokenize(spec: TrialSpec, backbone: Backbone, texts: Inputs, max_length: int) -> TokenizedTexts:
    """The tokens of a trial's texts, as the backbone would make them.

    Args:
        spec: Of the trial.
        backbone: Its own.
        texts: n of them, or n pairs.
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
    """Padding id, n, whether pairs, the n lengths, of pairs the n places of second texts, all ids."""
    seconds = tokenized.seconds
    head = np.array([tokenized.pad_id, len(tokenized), seconds is not None], dtype=np.int32)
    places = (tokenized.lengths,) if seconds is None else (tokenized.lengths, seconds)
    return np.concatenate([head, *(p.astype(np.int32) for p in places), tokenized.ids])


def _unpacked(packed: NDArray[np.int32]) -> TokenizedTexts:
    pad_id, n, paired = (int(value) for value in packed[:3])
    lengths = packed[3 : 3 + n].astype(np.int64)
    rest = packed[3 + n :]
    return TokenizedTexts(
        ids=rest[n:] if paired else rest,
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        pad_id=pad_id,
        seconds=rest[:n].astype(np.int64) if paired else None,
    )


def _digest(texts: Inputs) -> str:
    """SHA-256 of the texts in their order, each with its length, so that no two lists are alike."""
    found = hashlib.sha256(b"pairs" if is_paired(texts) else b"")
    for text in chain.from_iterable((text,) if isinstance(text, str) else text for text in texts):
        encoded = text.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "little"))
        found.update(encoded)
    return found.hexdigest()
