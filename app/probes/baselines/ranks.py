"""Baselines of retrieval: no order at all, and BM25.

Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond", equation 3.15.
"""

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import is_cjk
from app.probes.data import Part

Ranks = NDArray[np.int64]
CHANCE, BM25 = "chance", "bm25"
SATURATION, LENGTH = 1.2, 0.75
"""k1 and b, as usual."""
MOST_TERMS = 200_000


def predict_chance(train: Part, asked: Part, seed: int) -> Ranks:
    """Any rank for every query, all equally likely."""
    del train
    n = len(asked.texts)
    return np.random.default_rng(seed).integers(1, n + 1, size=n)


def predict_bm25(train: Part, asked: Part, seed: int) -> Ranks:
    """Ranks by the terms that query and passage share, weighed by how rare they are among all passages."""
    from sklearn.feature_extraction.text import CountVectorizer

    passages, known = list(asked.pairs or ()), list(train.pairs or ())
    units = {"analyzer": "char", "ngram_range": (1, 2)} if is_cjk(passages) else {"token_pattern": r"(?u)\w+"}
    vectorizer = CountVectorizer(max_features=MOST_TERMS, **units)
    try:
        counts = vectorizer.fit([*known, *passages]).transform(passages).astype(np.float64)
    except ValueError:  # no text holds a single term
        return predict_chance(train, asked, seed)
    in_passages = np.asarray((vectorizer.transform([*known, *passages]) > 0).sum(axis=0)).ravel()
    n = len(known) + len(passages)
    rarity = np.log1p((n - in_passages + 0.5) / (in_passages + 0.5))
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    damping = SATURATION * (1.0 - LENGTH + LENGTH * lengths / max(lengths.mean(), 1.0))
    weighed = counts.tocoo()
    weighed.data = weighed.data * (SATURATION + 1.0) / (weighed.data + damping[weighed.row])
    queries = (vectorizer.transform(list(asked.texts)) > 0).astype(np.float64).multiply(rarity)
    scores = (queries.tocsr() @ weighed.tocsr().T).toarray()
    return ranks_of(scores, asked.targets[:, 1], asked.targets[:, 0])


def ranks_of(scores: NDArray[np.floating], passages: NDArray[np.int64], queries: NDArray[np.int64]) -> Ranks:
    """The rank of each query's own passage among those that do not answer it; ties cost half of their number.

    Copies of its passage, and passages of copies of the query, answer it too and do not count.

    Args:
        scores: Of every query and passage, shape (n, n).
        passages: Equal for equal passages, shape (n,).
        queries: Equal for equal queries, shape (n,).
    """
    own = np.diag(scores)[:, None]
    others = (passages[None, :] != passages[:, None]) & (queries[None, :] != queries[:, None])
    above = ((scores > own) & others).sum(axis=1)
    level = ((scores == own) & others).sum(axis=1)
    return np.asarray(1 + above + level // 2, dtype=np.int64)
