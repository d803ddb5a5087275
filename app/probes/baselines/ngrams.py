"""Baselines of language models: how often bytes occur, alone and behind the bytes before them.

Notation:
    c(h), c(h a)   how often a history of k bytes occurs, and how often byte a follows it
    t(h)           how many different bytes follow it

    P(a | h) = (c(h a) + t(h) P(a | h')) / (c(h) + t(h)),   h' being h without its first byte

A distribution over all bytes, so that no text is impossible and its nats compare with those of any tokenizer.

Source: Witten and Bell 1991, "The Zero-Frequency Problem", interpolated as in Chen and Goodman 1999, "An
Empirical Study of Smoothing Techniques for Language Modeling", section 2.5.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.probes.data import Part
from app.probes.writings import answers_of, unit_of

UNIGRAM, NGRAM = "byte-unigram", "byte-ngram"
HISTORY = 5
"""Bytes of the longest history: of some hundred thousand bytes longer ones say nothing more."""
MOST_BYTES = 2**20
"""That counts are made of, from the beginning of the training part."""
N_BYTES = 256

Keys = NDArray[np.uint64]
Array = NDArray[np.float64]


def predict_unigram(train: Part, asked: Part, seed: int) -> Array:
    """Nats, words and bytes by how often each byte occurs."""
    return _predicted(train, asked, seed, 0)


def predict_ngram(train: Part, asked: Part, seed: int) -> Array:
    """Nats, words and bytes by what follows the last bytes."""
    return _predicted(train, asked, seed, HISTORY)


def _predicted(train: Part, asked: Part, seed: int, history: int) -> Array:
    del seed
    known, texts = answers_of(train), answers_of(asked)
    unit = unit_of(known)
    sizes = np.array([unit.sizes(text) for text in texts], dtype=np.float64).reshape(-1, 2)
    learnt, told = _contexts(known, history)[:MOST_BYTES], _contexts(texts, history)
    probabilities = np.full(len(told), 1.0 / N_BYTES)
    for k in range(history + 1):
        probabilities = _interpolated(_last(learnt, k + 1), _last(told, k + 1), probabilities)
    ends = np.cumsum(sizes[:, 1]).astype(np.int64)
    nats = np.diff(np.concatenate([[0.0], np.cumsum(-np.log(probabilities))])[np.concatenate([[0], ends])])
    return np.column_stack([nats, sizes])


def _contexts(texts: Sequence[str], history: int) -> Keys:
    """Every byte of the texts as a number that ends with it and holds those before it; 0 before the first."""
    found = [np.empty(0, dtype=np.uint64)]
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass") or b"\0"
        padded = np.frombuffer(bytes(history) + raw, dtype=np.uint8).astype(np.uint64)
        held = np.zeros(len(raw), dtype=np.uint64)
        for i in range(history + 1):
            held = (held << np.uint64(8)) | padded[i : i + len(raw)]
        found.append(held)
    return np.concatenate(found)


def _last(contexts: Keys, n: int) -> Keys:
    """The last n bytes of each."""
    return contexts & np.uint64(2 ** (8 * n) - 1)


def _interpolated(learnt: Keys, told: Keys, shorter: Array) -> Array:
    """Probabilities of these bytes behind their histories, from those behind one byte less."""
    grams, n_grams = np.unique(learnt, return_counts=True)
    histories, starts = np.unique(grams >> np.uint64(8), return_index=True)
    n_followers = np.diff(np.append(starts, len(grams)))
    n_histories = np.add.reduceat(n_grams, starts) if len(starts) else n_grams
    followed = _looked_up(grams, n_grams, told)
    behind = told >> np.uint64(8)
    t, c = _looked_up(histories, n_followers, behind), _looked_up(histories, n_histories, behind)
    return np.where(c > 0, (followed + t * shorter) / np.maximum(c + t, 1.0), shorter)


def _looked_up(keys: Keys, values: NDArray[np.int64], wanted: Keys) -> Array:
    """The value of each wanted key, 0 where there is none."""
    if not len(keys):
        return np.zeros(len(wanted))
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0).astype(np.float64)
