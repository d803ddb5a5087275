"""A linear model on character n-grams: catches what no cue covers (misspellings, unusual wording).

Notation:
    x    hashed n-gram presences of the folded text, L2-normalised, (N_BUCKETS,)
    W    weights, (N_BUCKETS + 1, types); the last row is the bias

    score = x W[:-1] + W[-1], centred over the types

Fitted by `app.fitting.task_words`, which writes `weights.npz`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WEIGHTS_FILE = Path(__file__).parent / "weights.npz"
N_BUCKETS = 8192
_SIZES = (2, 3, 4)
_MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's multiplicative hashing, 2^32 over the golden ratio
_SHIFT = np.uint32(32 - 13)  # the top 13 bits: N_BUCKETS
MAX_CHARS = 512
"""N-grams beyond this are left out: they would only dilute the first sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordModel:
    """The fitted parameters.

    Attributes:
        weights: W of the notation, float32.
        ngram_weight: What the n-gram scores count beside the cues' log odds.
        temperature: Divides the sum before the softmax: calibration.
        none_score: Log odds that a text must beat to name a task at all.
    """

    weights: NDArray[np.float32]
    ngram_weight: float
    temperature: float
    none_score: float


def ngram_buckets(folded: str) -> NDArray[np.int64]:
    """Buckets of the distinct n-grams of the text's beginning, sorted."""
    padded = f" {folded[:MAX_CHARS]} "
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = []
    for size in _SIZES:
        n = len(codes) - size + 1
        if n < 1:
            break
        mixed = np.full(n, size, dtype=np.uint32)
        for offset in range(size):  # wraps round at 2^32, as hashing wants
            mixed = (mixed ^ codes[offset : offset + n]) * _MULTIPLIER
            mixed ^= mixed >> np.uint32(15)
        found.append((mixed * _MULTIPLIER) >> _SHIFT)
    return np.unique(np.concatenate(found)).astype(np.int64) if found else np.empty(0, dtype=np.int64)


def ngram_scores(folded: str, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score of each type, (types,), mean 0."""
    buckets = ngram_buckets(folded)
    total = weights[-1].astype(np.float64)
    if len(buckets):
        total = total + weights[buckets].sum(axis=0) / np.sqrt(len(buckets))
    return np.asarray(total - total.mean(), dtype=np.float64)


@lru_cache(maxsize=1)
def word_model() -> WordModel:
    """The shipped model, read once."""
    with np.load(WEIGHTS_FILE, allow_pickle=False) as stored:
        return WordModel(
            weights=stored["weights"].astype(np.float32),
            ngram_weight=float(stored["ngram_weight"]),
            temperature=float(stored["temperature"]),
            none_score=float(stored["none_score"]),
        )
