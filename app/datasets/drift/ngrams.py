"""Texts as counts of hashed character n-grams, whatever the language: no words, no vocabulary, no model.

Notation:
    n    texts;  B  buckets
    c_j  code point of the j-th character;  h  hash of an n-gram, a polynomial in its code points

Source: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"; character n-grams tell
topic, style and language alike (Cavnar and Trenkle 1994, "N-Gram-Based Text Categorization").
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array

from app.datasets.folding import fold

SIZES = (1, 2, 3, 4)
"""Characters of an n-gram: Chinese words are of one or two, European roots and endings of three or four."""
N_BUCKETS = 2**16
MOST_CHARACTERS = 1_000
"""Of a text; bounds the work on long documents."""
_FACTOR = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - 16)


def hashed_ngrams(texts: Sequence[str]) -> csr_array:
    """Counts of each text's n-grams by bucket, weighted, rows of length 1, shape (n, B).

    Counts enter as 1 + log, buckets weigh by their rarity (inverse document frequency). The weights follow
    from all texts together, so they know nothing of which text is from which sample.
    """
    counts = _counted([f" {fold(text)[:MOST_CHARACTERS]} " for text in texts])
    counts.data = 1.0 + np.log(counts.data)
    n_texts_with = np.bincount(counts.indices, minlength=N_BUCKETS)
    counts.data *= np.log((1.0 + len(texts)) / (1.0 + n_texts_with))[counts.indices] + 1.0
    rows = np.repeat(np.arange(len(texts)), np.diff(counts.indptr))
    counts.data /= np.sqrt(np.bincount(rows, counts.data**2, minlength=len(texts)))[rows]
    return counts


def _counted(texts: Sequence[str]) -> csr_array:
    """How often each bucket occurs in each text, shape (n, B)."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    rows, columns = [], []
    hashes = np.zeros(len(points), dtype=np.uint64)
    for size in range(1, max(SIZES) + 1):
        n_grams = len(points) - size + 1
        hashes = hashes[:n_grams] * _FACTOR + points[size - 1 :] + np.uint64(1)
        if size in SIZES:
            is_whole = owners[:n_grams] == owners[size - 1 :]  # none reaches into the next text
            rows.append(owners[:n_grams][is_whole])
            columns.append(((hashes[is_whole] * _MIX) >> _SHIFT).astype(np.int64))
    places = np.concatenate(rows), np.concatenate(columns)
    return coo_array((np.ones(len(places[0])), places), shape=(len(texts), N_BUCKETS)).tocsr()
