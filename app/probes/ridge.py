"""Ridge regression on features, its strength chosen by cross-validation: the head of numbers.

Notation:
    n, d, t   examples, width, targets
    c         strength of the penalty: |y - F w|^2 / n + c |w|^2, F standardised over the training part

Features are standardised with the training part's mean and deviation; what comes out takes raw features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from app.probes.logistic import LEAST_DEVIATION, N_FOLDS, Array, Labels, LinearClassifier, assign_folds

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0)
"""c from almost no penalty to almost the mean, at unit deviations and widths of 100 to 4,000."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RidgeValidation:
    """What cross-validation found.

    Attributes:
        strength: c of the least squared error; the strongest of equals.
        predictions: Of each example by the fold that did not train on it, at that c, shape (n, t).
    """

    strength: float
    predictions: Array


def cross_validate(
    features: NDArray[np.floating], targets: Array, groups: Labels, *, seed: int
) -> RidgeValidation:
    """The best c and the out-of-fold predictions it gives.

    Args:
        features: Shape (n, d).
        targets: Shape (n, t).
        groups: Examples of one group share a fold, shape (n,).
        seed: Of the folds.
    """
    folds = assign_folds(np.zeros(len(features), dtype=np.int64), groups, N_FOLDS, seed)
    predictions = np.zeros((len(STRENGTHS), *targets.shape))
    for fold in np.unique(folds):
        held_out = folds == fold
        path = solve(features[~held_out], targets[~held_out])
        predictions[:, held_out] = [model.logits(features[held_out]) for model in path]
    errors = ((predictions - targets) ** 2).mean(axis=(1, 2))
    best = len(STRENGTHS) - 1 - int(np.argmin(np.round(errors[::-1], 9)))
    return RidgeValidation(strength=STRENGTHS[best], predictions=predictions[best])


def fit(features: NDArray[np.floating], targets: Array, strength: float) -> LinearClassifier:
    """The linear map at this c; one of `STRENGTHS`."""
    return solve(features, targets)[STRENGTHS.index(strength)]


def solve(features: NDArray[np.floating], targets: Array) -> list[LinearClassifier]:
    """A linear map for every c, by the smaller Gram matrix.

    Args:
        features: Shape (n, d).
        targets: Shape (n, t).
    """
    f = np.asarray(features, dtype=np.float64)
    mean, deviation = f.mean(axis=0), f.std(axis=0)
    varies = deviation > LEAST_DEVIATION * np.median(deviation)
    scale = np.where(varies, deviation, 1.0)
    f = (f - mean) / scale * varies
    origin = targets.mean(axis=0)
    n, d = f.shape
    values, vectors = eigh(f @ f.T if n <= d else f.T @ f)
    left = f.T @ vectors if n <= d else vectors
    right = vectors.T @ (targets - origin) if n <= d else vectors.T @ (f.T @ (targets - origin))
    found = []
    for strength in STRENGTHS:
        weight = (left @ (right / (np.maximum(values, 0.0) + n * strength)[:, None])).T / scale
        found.append(LinearClassifier(weight=weight, bias=origin - weight @ mean))
    return found
