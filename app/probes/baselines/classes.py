"""Baselines of one class an example.

`majority` predicts the commonest class. `tfidf-logistic` is logistic regression on weighted n-grams: words
and pairs of words, for Chinese and Japanese runs of one to three characters, which need no word boundaries.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.probes.data import Part
from app.probes.logistic import assign_folds

MAJORITY, TFIDF = "majority", "tfidf-logistic"
STRENGTHS = (1.0, 5.0, 25.0)
"""C of rows of unit length: from nearly counting to nearly separating."""
N_FOLDS = 3
MOST_TERMS = 50_000
CJK_SHARE = 0.2
"""Share of Chinese, Japanese and Korean signs from which a text is cut into characters."""
_CJK = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF))

Labels = NDArray[np.int64]


def predict_majority(train: Part, asked: Part, seed: int) -> Labels:
    """The commonest class for every example; of equally common ones the first."""
    del seed
    return np.full(len(asked.texts), np.bincount(train.labels).argmax(), dtype=np.int64)


def predict_tfidf(train: Part, asked: Part, seed: int) -> Labels:
    """Classes by n-grams, C chosen by cross-validated accuracy; the majority where there is one class."""
    if len(np.unique(train.labels)) < 2:
        return predict_majority(train, asked, seed)
    vectorizer = fitted_vectorizer(train)
    if vectorizer is None:
        return predict_majority(train, asked, seed)
    terms = terms_of(vectorizer, train)
    strength = _best_strength(terms, train, seed)
    model = _fitted(terms, train.labels, strength)
    return np.asarray(model.predict(terms_of(vectorizer, asked)), dtype=np.int64)


def fitted_vectorizer(train: Part) -> Any:  # noqa: ANN401  (scikit-learn is untyped)
    """Of the terms of these texts; None where they hold none."""
    vectorizer = vectorizer_for(train.texts)
    try:
        return vectorizer.fit([*train.texts, *(train.pairs or ())])
    except ValueError:
        return None


def terms_of(vectorizer: Any, part: Part) -> Any:  # noqa: ANN401  (scikit-learn is untyped)
    """Weights of the texts' terms; of pairs how these differ and which are shared, and how alike they are."""
    from scipy.sparse import csr_array, hstack

    first = vectorizer.transform(part.texts)
    if part.pairs is None:
        return first
    second = vectorizer.transform(part.pairs)
    shared = first.multiply(second)
    return hstack([abs(first - second), shared, csr_array(shared.sum(axis=1).reshape(-1, 1))], format="csr")


def is_cjk(texts: Sequence[str]) -> bool:
    """Whether these texts are Chinese, Japanese or Korean."""
    sample = "".join(text[:500] for text in texts[:500])
    signs = np.frombuffer(sample.encode("utf-32-le", errors="replace"), dtype="<u4")
    hits = sum(int(((signs >= low) & (signs <= high)).sum()) for low, high in _CJK)
    return hits > CJK_SHARE * max(len(sample), 1)


def vectorizer_for(texts: Sequence[str]) -> Any:  # noqa: ANN401  (scikit-learn is untyped)
    """Weighted n-grams: of words, or of the characters of Chinese, Japanese and Korean."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    units = {"analyzer": "char", "ngram_range": (1, 3)} if is_cjk(texts) else {"ngram_range": (1, 2)}
    return TfidfVectorizer(sublinear_tf=True, max_features=MOST_TERMS, dtype=np.float64, **units)


def _best_strength(terms: Any, train: Part, seed: int) -> float:  # noqa: ANN401
    folds = assign_folds(train.labels, train.groups, N_FOLDS, seed)
    hits = np.zeros(len(STRENGTHS))
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds != fold)
        outside = np.flatnonzero(folds == fold)
        if len(np.unique(train.labels[inside])) < 2:
            continue
        for i, strength in enumerate(STRENGTHS):
            model = _fitted(terms[inside], train.labels[inside], strength)
            hits[i] += np.sum(model.predict(terms[outside]) == train.labels[outside])
    return STRENGTHS[int(hits.argmax())]


def _fitted(terms: Any, labels: Labels, strength: float) -> Any:  # noqa: ANN401
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=100, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged to the last digit: a baseline all the same
        return model.fit(terms, labels)
