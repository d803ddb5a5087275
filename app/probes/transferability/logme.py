"""LogME: the log evidence of a Bayesian linear model of the labels on the features.

Notation:
    n, d      examples, width
    F         features, shape (n, d);  s  squared singular values of F, shape (r,)
    y         a target: 1 for one class and 0 for the others, or a standardised number, shape (n,)
    x2        squared coordinates of y on the left singular vectors of F, shape (r,)
    e2        squared length of what is left of y outside the span of F
    a, b      precision of the weights, precision of the noise;  t = a / b
    g         sum s / (s + t), the effective number of parameters

    y | w ~ N(F w, I / b),  w ~ N(0, I / a)
    fixed point     a = g / |m|^2,  b = (n - g) / |y - F m|^2,  m the posterior mean of w

The score is the mean over targets of the log evidence at its maximum over (a, b), divided by n.

Source: You et al. 2021, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", algorithm
1; the fixed point by You et al. 2022, "Ranking and Tuning Pre-trained Models", JMLR 23, algorithm 3.

As in the paper, features are not centred. Classes that do not occur and targets that do not vary are left out
of the mean. Equal rows count as often as they occur, so duplicates raise the score: remove them beforehand.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from app.probes.transferability.base import Array, Labels, checked, checked_targets, one_hot

MOST_ITERATIONS = 100
TOLERANCE = 1e-5
"""Relative change of t at which the fixed point is reached."""
_TINY = 1e-10
"""Keeps a and b finite where the features explain nothing, or everything."""


def logme(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """LogME of the features; see `Estimator`. Nothing in it is random.

    Labels may be several an example, 0 or 1 in shape (n, K): each is a target as a class is.
    """
    del n_classes, seed
    if labels.ndim == 2:
        return _mean_evidence(*checked_targets("logme", features, labels))
    f, codes = checked("logme", features, labels)
    return _mean_evidence(f, one_hot(codes))


def logme_regression(features: NDArray[np.floating], targets: NDArray[np.floating], *, seed: int) -> float:
    """LogME of standardised targets; see `RegressionEstimator`. Nothing in it is random.

    The paper takes targets as they are; their unit would only shift the score of every model alike, but their
    origin would favour features with a constant among them.
    """
    del seed
    f, varying = checked_targets("logme", features, targets)
    return _mean_evidence(f, (varying - varying.mean(axis=0)) / varying.std(axis=0))


def _mean_evidence(f: Array, targets: Array) -> float:
    """The score, of targets of shape (n, t)."""
    s, x2 = _spectrum(f, targets)
    e2 = np.maximum((targets**2).sum(axis=0) - x2.sum(axis=0), 0.0)
    n, d = f.shape
    evidences = [_log_evidence(s, x2[:, k], float(e2[k]), n, d) for k in range(targets.shape[1])]
    return float(np.mean(evidences) / n)


def _spectrum(f: Array, targets: Array) -> tuple[Array, Array]:
    """s, shape (r,), and x2 of every target, shape (r, t), by the smaller of the two Gram matrices."""
    n, d = f.shape
    values, vectors = eigh(f @ f.T if n <= d else f.T @ f)
    kept = values > max(n, d) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    s, vectors = values[kept], vectors[:, kept]
    if n <= d:
        return s, (vectors.T @ targets) ** 2
    return s, (vectors.T @ (f.T @ targets)) ** 2 / s[:, None]


def _log_evidence(s: Array, x2: Array, e2: float, n: int, d: int) -> float:
    """Log evidence of one target at its maximum."""
    t = 1.0
    for _ in range(MOST_ITERATIONS):
        a, b = _update(s, x2, e2, n, t)
        previous, t = t, a / b
        if abs(t - previous) <= TOLERANCE * previous:
            break
    m2, residual = _moments(s, x2, e2, t)
    log_determinant = (d - len(s)) * math.log(a) + float(np.sum(np.log(a + b * s)))
    return 0.5 * (
        d * math.log(a)
        + n * math.log(b)
        - log_determinant
        - b * residual
        - a * m2
        - n * math.log(2.0 * math.pi)
    )


def _update(s: Array, x2: Array, e2: float, n: int, t: float) -> tuple[float, float]:
    effective = float(np.sum(s / (s + t)))
    m2, residual = _moments(s, x2, e2, t)
    return effective / (m2 + _TINY) + _TINY, (n - effective) / (residual + _TINY) + _TINY


def _moments(s: Array, x2: Array, e2: float, t: float) -> tuple[float, float]:
    """|m|^2 and |y - F m|^2 at t."""
    m2 = float(np.sum(s * x2 / (s + t) ** 2))
    residual = float(np.sum(x2 * (t / (s + t)) ** 2)) + e2
    return m2, residual
