"""Regularised Fisher discriminant analysis: class probabilities of the examples that it is fitted to.

Notation:
    n, d, K   examples, width, classes that occur
    F         centred features, scaled to a mean squared length of 1, shape (n, d)
    m_k, p_k  mean of class k, shape (d,), and its share of the examples
    W         covariance within classes, shape (d, d)
    a         intensity of regularisation, exp(-5 x largest eigenvalue of W)
    W_a       (1 - a) W + a (tr W / d) I

    logit_k(x) = m_k^T W_a^-1 x - m_k^T W_a^-1 m_k / 2 + log p_k

What logits leave out of x, the directions in which no class means differ, is the same for all classes: these
are the probabilities in the Fisher space, and its eigenvectors are not needed.

Source: Shao et al. 2022, "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging
Fisher Space", with the trace of their code. Their F has the scale that the model gives it, and a
depends on it: features of length 1 would be regularised nearly whole and those of length 20 not at all. Of
scaled features the largest eigenvalue is a share of the variance, and the model's unit does not matter.

Without variance within classes the probabilities are 0 and 1; features that are all equal give p_k.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigvalsh
from scipy.special import log_softmax

from app.probes.transferability.base import Array, Labels, class_means
from app.probes.transferability.principal_components import principal_components

INTENSITY_RATE = 5.0
_LEAST_VARIANCE = 1e-10
"""Of W_a in any direction, as a share of the mean variance of a feature."""


def scaled_components(features: Array) -> Array:
    """F on the axes that it spans, shape (n, r), r < n; no columns where all features are constant."""
    coordinates, variances = principal_components(features)
    return coordinates / np.sqrt(variances.sum()) if len(variances) else coordinates


def regularisation(f: Array, codes: Labels) -> float:
    """Intensity a for F on its axes, shape (n, r)."""
    if not f.shape[1]:
        return 1.0
    within = _covariance_within(f, class_means(f, codes), codes)
    last = len(within) - 1
    largest = float(eigvalsh(within, subset_by_index=[last, last])[0])
    return float(np.exp(-INTENSITY_RATE * max(largest, 0.0)))


def log_probabilities(f: Array, codes: Labels, a: float, width: int) -> Array:
    """Log probabilities of the classes that occur, shape (n, K).

    Args:
        f: F on the axes that it spans, shape (n, r); it need not be centred.
        codes: Classes from 0, shape (n,).
        a: Intensity of regularisation, between 0 and 1.
        width: d, directions in which F does not vary included.
    """
    means, log_shares = class_means(f, codes), np.log(np.bincount(codes) / len(codes))
    within = _covariance_within(f, means, codes)
    total = float(np.sum((f - f.mean(axis=0)) ** 2)) / len(f)
    if total == 0.0:
        return np.tile(log_shares, (len(f), 1))
    ridge = max(a * float(np.trace(within)), _LEAST_VARIANCE * total) / width
    within *= 1.0 - a
    within[np.diag_indices_from(within)] += ridge
    weights = cho_solve(cho_factor(within, lower=True), means.T)  # (r, K)
    logits = f @ weights - 0.5 * np.sum(means.T * weights, axis=0) + log_shares
    return np.asarray(log_softmax(logits, axis=1))


def _covariance_within(f: Array, means: Array, codes: Labels) -> Array:
    """W, shape (r, r)."""
    deviations = f - means[codes]
    return np.asarray(deviations.T @ deviations / len(f))
