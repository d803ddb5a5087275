"""Baselines of several labels an example: how often each occurs, and one logistic regression a label."""

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import fitted_vectorizer, terms_of
from app.probes.data import Part

Array = NDArray[np.float64]
STRENGTH = 5.0
"""C of rows of unit length, which cross-validation chooses most often for one class an example."""


def predict_frequent(train: Part, asked: Part, seed: int) -> Array:
    """The share of each label as its probability, shape (n, K): those of more than half of the examples."""
    del seed
    return np.tile(train.targets.mean(axis=0), (len(asked.texts), 1))


def predict_tfidf(train: Part, asked: Part, seed: int) -> Array:
    """Probabilities by n-grams, shape (n, K); the share of a label that all or no examples have."""
    from sklearn.linear_model import LogisticRegression

    found, vectorizer = predict_frequent(train, asked, seed), fitted_vectorizer(train)
    if vectorizer is None:
        return found
    terms, new = terms_of(vectorizer, train), terms_of(vectorizer, asked)
    for label in np.flatnonzero(train.targets.any(axis=0) & ~train.targets.all(axis=0)):
        model = LogisticRegression(C=STRENGTH, max_iter=100, tol=1e-3).fit(terms, train.targets[:, label])
        found[:, label] = model.predict_proba(new)[:, 1]
    return found
