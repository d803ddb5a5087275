"""H-score with a shrunk covariance.

Notation:
    n, d, K   examples, width, classes
    F         centred features, shape (n, d)
    S         F^T F / n, covariance of the features, shape (d, d)
    a         shrinkage intensity of Ledoit and Wolf 2004, between 0 and 1
    S_a       (1 - a) S + a (tr S / d) I
    Z         covariance of the features' class means, sum_k (n_k / n) m_k m_k^T, shape (d, d)

    H = tr(S_a^-1 (1 - a) Z)

Source: Bao et al. 2019, "An Information-Theoretic Approach to Transferability", for H;
Ibrahim, Ponomareva and Mazumder 2022, "Newer is not always better", equation 5, for the shrinkage.

H is about the number of directions that tell classes apart: between 0 and min(K - 1, d). Features that are
all equal tell nothing apart and score 0. Equal rows are ordinary rows.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from app.probes.transferability.base import Labels, centred, checked, class_means


def h_score(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """H-score of the features; see `Estimator`. Nothing in it is random."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    del n_classes, seed
    f, codes = checked("h_score", features, labels)
    f = centred(f)
    covariance = f.T @ f / len(f)
    scale = float(np.trace(covariance)) / f.shape[1]
    if scale <= np.finfo(np.float64).tiny:
        return 0.0
    intensity = float(ledoit_wolf_shrinkage(f, assume_centered=True))
    # Wholly shrunk, S_a is a multiple of the identity and (1 - a) Z is nothing.
    shrunk = (1.0 - intensity) * covariance
    shrunk[np.diag_indices_from(shrunk)] += max(intensity, 1e-10) * scale
    means = _weighted_means(f, codes)
    solved = cho_solve(cho_factor(shrunk, lower=True), means.T)
    return float((1.0 - intensity) * np.sum(means.T * solved))


def _weighted_means(f: NDArray[np.float64], codes: Labels) -> NDArray[np.float64]:
    """Rows sqrt(n_k / n) m_k, shape (K, d), so that Z is their Gram matrix."""
    return class_means(f, codes) * np.sqrt(np.bincount(codes) / len(codes))[:, None]
