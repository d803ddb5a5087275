"""One logistic regression a label, all solved together, one strength of regularisation for all.

Notation:
    n, d, K   examples, width, labels
    C         inverse strength of the L2 penalty on standardised features, as scikit-learn has it
    Z         logits, shape (n, K);  Y  whether each label applies, shape (n, K)

    C sum_ik w_k(Y_ik) log(1 + exp(-(2 Y_ik - 1) Z_ik)) + |W|^2 / 2     is least
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from app.probes.logistic import LEAST_DEVIATION, N_FOLDS, Array, Labels, LinearClassifier, assign_folds
from app.tasks.targets import rarest

STRENGTHS = (1e-4, 1e-3, 5e-3, 2e-2, 1e-1, 1.0)
MOST_ITERATIONS = 100
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MultiValidation:
    """What cross-validation found.

    Attributes:
        inverse_regularisation: C with the least log loss; the strongest penalty of equals.
        probabilities: Of each label by the folds that did not train on the example, shape (n, K).
    """

    inverse_regularisation: float
    probabilities: Array


def cross_validate(
    features: NDArray[np.floating], labels: NDArray[np.bool_], groups: Labels, *, seed: int
) -> MultiValidation:
    """The best C and the out-of-fold probabilities it gives.

    Args:
        features: Shape (n, d).
        labels: Y.
        groups: Examples of one group share a fold, shape (n,).
        seed: Of the folds.
    """
    folds = assign_folds(rarest(labels), groups, N_FOLDS, seed)
    probabilities = np.zeros((len(STRENGTHS), *labels.shape))
    for fold in np.unique(folds):
        held_out = folds == fold
        path = _path(features[~held_out], labels[~held_out], STRENGTHS)
        for i, model in enumerate(path):
            probabilities[i, held_out] = expit(model.logits(features[held_out]))
    chosen = np.maximum(np.where(labels, probabilities, 1.0 - probabilities), _LEAST_PROBABILITY)
    losses = -np.log(chosen).mean(axis=(1, 2))
    best = int(np.argmin(np.round(losses, 6)))
    return MultiValidation(inverse_regularisation=STRENGTHS[best], probabilities=probabilities[best])


def fit(
    features: NDArray[np.floating], labels: NDArray[np.bool_], inverse_regularisation: float
) -> LinearClassifier:
    """Logits of every label at this C."""
    return _path(features, labels, (inverse_regularisation,))[0]


def _path(
    features: NDArray[np.floating], labels: NDArray[np.bool_], strengths: tuple[float, ...]
) -> list[LinearClassifier]:
    """Models for increasing C, each solved from the one before."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > LEAST_DEVIATION * np.median(deviation), deviation, 1.0)
    f = np.asarray((features - mean) / scale, dtype=np.float64)
    signs = np.where(labels, 1.0, -1.0)
    n_labels = labels.shape[1]
    shares = np.clip(labels.mean(axis=0), 1e-3, 1.0 - 1e-3)
    start = np.vstack([np.zeros((f.shape[1], n_labels)), np.log(shares / (1.0 - shares))]).ravel()
    found = []
    for strength in strengths:
        start = minimize(
            _loss,
            start,
            args=(f, signs, strength),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_ITERATIONS, "gtol": 1e-3},
        ).x
        solved = start.reshape(-1, n_labels)
        weight = solved[:-1].T / scale
        found.append(LinearClassifier(weight=weight, bias=solved[-1] - weight @ mean))
    return found


def _loss(flat: Array, f: Array, signs: Array, strength: float) -> tuple[float, Array]:
    """The penalised loss of weights and biases, shape (d + 1, K) in one row, and its gradient."""
    found = flat.reshape(-1, signs.shape[1])
    weight, bias = found[:-1], found[-1]
    margin = signs * (f @ weight + bias)
    value = strength * float(np.logaddexp(0.0, -margin).sum()) + 0.5 * float((weight**2).sum())
    slope = -strength * signs * expit(-margin)
    gradient = np.vstack([f.T @ slope + weight, slope.sum(axis=0)])
    return value, gradient.ravel()
