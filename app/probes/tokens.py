"""Texts are tokenised once a tokenizer: what comes after reads the tokens from the cache."""

import hashlib
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.probes.backbones import TextBackbone
from app.probes.feature_cache import FeatureCache, TokenKey
from app.probes.inputs import Inputs, TokenizedTexts, Words, is_cut, is_cut_pair, is_paired
from app.probes.messages import TrialSpec


def tokenize(spec: TrialSpec, backbone: TextBackbone, texts: Inputs, max_length: int) -> TokenizedTexts:
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
    """Padding id, n, whether pairs, words in all or -1; then arrays, and all ids.

    These are the n lengths, of pairs the n places of second texts, of words the n counts and all places.
    """
    seconds, words = tokenized.seconds, tokenized.words
    n_words = -1 if words is None else len(words.places)
    head = np.array([tokenized.pad_id, len(tokenized), seconds is not None, n_words], dtype=np.int32)
    parts = [tokenized.lengths]
    parts += [] if seconds is None else [seconds]
    parts += [] if words is None else [words.counts, words.places]
    return np.concatenate([head, *(p.astype(np.int32) for p in parts), tokenized.ids])


def _unpacked(packed: NDArray[np.int32]) -> TokenizedTexts:
    pad_id, n, paired, n_words = (int(value) for value in packed[:4])
    sizes = [n, n if paired else 0, *((0, 0) if n_words < 0 else (n, n_words))]
    lengths, seconds, counts, places, ids = np.split(packed[4:], np.cumsum(sizes))
    wide = lengths.astype(np.int64)
    cut = Words(places=places.astype(np.int64), counts=counts.astype(np.int64)) if n_words >= 0 else None
    return TokenizedTexts(
        ids=ids,
        starts=np.cumsum(wide) - wide,
        lengths=wide,
        pad_id=pad_id,
        seconds=seconds.astype(np.int64) if paired else None,
        words=cut,
    )


def _flat(texts: Inputs) -> Sequence[str] | Sequence[tuple[str, str]]:
    """Words are told by the space between them, which no word holds."""
    if is_cut_pair(texts):
        return [(f"words {' '.join(first)}", " ".join(second)) for first, second in texts]
    return [f"words {' '.join(words)}" for words in texts] if is_cut(texts) else texts  # type: ignore[return-value]


def _digest(texts: Inputs) -> str:
    """SHA-256 of the texts in their order, each with its length, so that no two lists are alike."""
    found = hashlib.sha256(b"pairs" if is_paired(texts) or is_cut_pair(texts) else b"")
    for text in chain.from_iterable((text,) if isinstance(text, str) else text for text in _flat(texts)):
        encoded = text.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "little"))
        found.update(encoded)
    return found.hexdigest()
