"""LogME: the log evidence of a Bayesian linear model of the labels on the features.

Notation:
    n, d      examples, width
    F         features, shape (n, d);  s  squared singular values of F, shape (r,)
    y         1 for one class, 0 for the others, shape (n,)
    x2        squared coordinates of y on the left singular vectors of F, shape (r,)
    e2        squared length of what is left of y outside the span of F
    a, b      precision of the weights, precision of the noise;  t = a / b
    g         sum s / (s + t), the effective number of parameters

    y | w ~ N(F w, I / b),  w ~ N(0, I / a)
    fixed point     a = g / |m|^2,  b = (n - g) / |y - F m|^2,  m the posterior mean of w

The score is the mean over classes of the log evidence at its maximum over (a, b), divided by n.

Source: You et al. 2021, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", algorithm
1; the fixed point by You et al. 2022, "Ranking and Tuning Pre-trained Models", JMLR 23, algorithm 3.

As in the paper, features are not centred. Classes that do not occur are left out of the mean. Equal rows
count as often as they occur, so duplicates raise the score: remove them beforehand.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from app.probes.transferability.base import Array, Labels, checked

MOST_ITERATIONS = 100
TOLERANCE = 1e-5
"""Relative change of t at which the fixed point is reached."""
_TINY = 1e-10
"""Keeps a and b finite where the features explain nothing, or everything."""


def logme(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """LogME of the features; see `Estimator`. Nothing in it is random."""
    del n_classes, seed
    f, codes = checked("logme", features, labels)
    targets = np.eye(int(codes.max()) + 1)[codes]  # (n, K)
    s, x2 = _spectrum(f, targets)
    e2 = np.maximum((targets**2).sum(axis=0) - x2.sum(axis=0), 0.0)
    n, d = f.shape
    evidences = [_log_evidence(s, x2[:, k], float(e2[k]), n, d) for k in range(targets.shape[1])]
    return float(np.mean(evidences) / n)


def _spectrum(f: Array, targets: Array) -> tuple[Array, Array]:
    """s, shape (r,), and x2 of every class, shape (r, K), by the smaller of the two Gram matrices."""
    n, d = f.shape
    values, vectors = eigh(f @ f.T if n <= d else f.T @ f)
    kept = values > max(n, d) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    s, vectors = values[kept], vectors[:, kept]
    if n <= d:
        return s, (vectors.T @ targets) ** 2
    return s, (vectors.T @ (f.T @ targets)) ** 2 / s[:, None]


def _log_evidence(s: Array, x2: Array, e2: float, n: int, d: int) -> float:
    """Log evidence of one class at its maximum."""
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
