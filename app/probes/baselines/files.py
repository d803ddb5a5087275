"""Baselines of files: logistic regression on a few numbers that summarise each."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import Labels, predict_majority
from app.probes.data import Part
from app.probes.logistic import cross_validate, fit

Summary = Callable[[Path], NDArray[np.float32]]
"""From a file to its numbers, shape (d,)."""
LEAST_DEVIATION = 1e-3
"""Of a number over the training part, so that one that never changes stays finite."""


def predict_by(summary: Summary, train: Part, asked: Part, seed: int) -> Labels:
    """Classes by the standardised summaries; the majority where there is one class.

    Args:
        summary: Of one file.
        train: Learnt from.
        asked: Classified.
        seed: Of the folds by which the strength is chosen.
    """
    if len(np.unique(train.labels)) < 2:
        return predict_majority(train, asked, seed)
    n_classes = int(train.labels.max()) + 1
    seen, wanted = (np.stack([summary(path) for path in part.paths]) for part in (train, asked))
    mean, std = seen.mean(axis=0), seen.std(axis=0) + LEAST_DEVIATION
    seen, wanted = (seen - mean) / std, (wanted - mean) / std
    chosen = cross_validate(seen, train.labels, train.groups, n_classes=n_classes, seed=seed)
    found = fit(
        seen,
        train.labels,
        n_classes=n_classes,
        inverse_regularisation=chosen.inverse_regularisation,
    )
    return np.asarray(found.predict(wanted), dtype=np.int64)
