"""Baselines of a number an example: the mean, and ridge regression on weighted n-grams."""

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import fitted_vectorizer, terms_of
from app.probes.data import Part

Array = NDArray[np.float64]
MEAN, RIDGE = "mean", "tfidf-ridge"
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Penalties of rows of unit length; scikit-learn chooses among them by leave-one-out."""


def predict_mean(train: Part, asked: Part, seed: int) -> Array:
    """The mean of the training part for every example."""
    del seed
    return np.full(len(asked.texts), float(train.targets.mean()))


def predict_tfidf_ridge(train: Part, asked: Part, seed: int) -> Array:
    """Numbers by n-grams; of pairs by which they share and which not."""
    from sklearn.linear_model import RidgeCV

    vectorizer = fitted_vectorizer(train)
    if vectorizer is None:
        return predict_mean(train, asked, seed)
    model = RidgeCV(alphas=STRENGTHS).fit(terms_of(vectorizer, train), train.targets)
    return np.asarray(model.predict(terms_of(vectorizer, asked)), dtype=np.float64)
