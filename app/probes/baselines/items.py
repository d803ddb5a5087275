"""Baselines of what a user meets next: what is popular, what is met by the same users, what follows the last.

Notation:
    n, K   users asked about, items
    X      whether a training user met an item, shape (users, K)

Sources: Sarwar et al. 2001, "Item-Based Collaborative Filtering Recommendation Algorithms" (cosine of the
columns of X); Rendle et al. 2010, "Factorizing Personalized Markov Chains for Next-Basket Recommendation",
section 3 (transitions between consecutive items).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.probes.data import Part

POPULARITY, ITEM_KNN, MARKOV = "popularity", "item-knn", "markov-chain"
Scores = NDArray[np.floating]


def predict_popularity(train: Part, asked: Part, seed: int) -> Scores:
    """How often each item was met, the same for every user, shape (n, K)."""
    del seed
    return np.broadcast_to(_popularity(train), (len(asked.texts), len(train.names)))


def predict_item_knn(train: Part, asked: Part, seed: int) -> Scores:
    """Of each item the sum of its cosines with the items of the history, itself left out, shape (n, K)."""
    del seed
    met = _met(train.targets, len(train.names))
    norms = np.sqrt(np.asarray(met.sum(axis=0)).ravel())
    columns = met.multiply(1.0 / np.maximum(norms, 1.0)[None, :]).tocsr()
    histories = _met([sequence[:-1] for sequence in asked.targets], len(train.names))
    own = histories.multiply((norms > 0)[None, :])  # every item that was met has a cosine of 1 with itself
    return np.asarray((histories @ columns.T @ columns - own).toarray()) + _tie_breaks(train)


def predict_markov(train: Part, asked: Part, seed: int) -> Scores:
    """How often each item followed the last one of the history, shape (n, K)."""
    del seed
    n_items = len(train.names)
    before, after = (
        np.concatenate([np.empty(0, dtype=np.int64), *(s[cut] for s in train.targets)])
        for cut in (slice(None, -1), slice(1, None))
    )
    follows = csr_array((np.ones(len(before)), (before, after)), shape=(n_items, n_items))
    last = np.array([sequence[-2] for sequence in asked.targets], dtype=np.int64)
    return np.asarray(follows[last].toarray()) + _tie_breaks(train)


def _met(sequences: NDArray[np.object_] | list[NDArray[np.int64]], n_items: int) -> csr_array:
    """Whether each user met each item, shape (users, K)."""
    distinct = [np.unique(sequence) for sequence in sequences]
    ends = np.concatenate([[0], np.cumsum([len(found) for found in distinct])])
    columns = np.concatenate([np.empty(0, dtype=np.int64), *distinct])
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(distinct), n_items))


def _popularity(train: Part) -> NDArray[np.float64]:
    every = np.concatenate([np.empty(0, dtype=np.int64), *train.targets]).astype(np.int64)
    return np.bincount(every, minlength=len(train.names)).astype(np.float64)


def _tie_breaks(train: Part) -> NDArray[np.float64]:
    """Popularity, too small to overrule anything but a tie."""
    counts = _popularity(train)
    return np.asarray(1e-9 * counts / max(float(counts.max(initial=0.0)), 1.0))
