"""GBC: how little the classes overlap, each taken for a Gaussian.

Notation:
    n, K, D   examples, classes that occur, principal axes (64, or the rank of the features)
    F         centred features on the first D principal axes, shape (n, D)
    m_k, v_k  mean of class k, shape (D,), and its variance a direction, a number

    B_kl = |m_k - m_l|^2 / (8 v) + (D / 2) log(v / sqrt(v_k v_l)),  v = (v_k + v_l) / 2
    GBC = -mean over pairs k != l of exp(-B_kl)

Source: Pándy et al. 2022, "Transferability Estimation using Bhattacharyya Class Separability", spherical
covariances on 64 axes. The paper sums over pairs; the mean ranks models alike and stays between
-1 and 0 whatever K is.

A class of one example has the variance within classes on average, or, where no class has two, that of all
examples. Variances are at least 1e-4 of that of all examples, so classes of equal rows stay finite, and close
to disjoint from any other. Features that are all equal score -1. Where classes are so far apart that exp(-B)
is below the smallest number, models tie at 0. Equal rows are ordinary rows.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from app.probes.transferability.base import Array, Labels, checked, class_means
from app.probes.transferability.principal_components import principal_components

N_AXES = 64
LEAST_VARIANCE = 1e-4
"""Of a class, as a share of the variance of all examples; the paper's code has it of features as they are."""


def gbc(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """Gaussian Bhattacharyya coefficient, between -1 and 0; see `Estimator`. Nothing in it is random."""
    del n_classes, seed
    f, codes = checked("gbc", features, labels)
    coordinates, variances = principal_components(f)
    if not len(variances):
        return -1.0
    f = coordinates[:, :N_AXES]
    means = class_means(f, codes)
    return -float(np.exp(-_distances(means, _class_variances(f, means, codes))).mean())


def _distances(means: Array, variances: Array) -> Array:
    """B of every pair of classes, shape (K (K - 1) / 2,)."""
    first, second = np.triu_indices(len(means), 1)
    v = 0.5 * (variances[first] + variances[second])
    logs = np.log(v) - 0.5 * (np.log(variances[first]) + np.log(variances[second]))
    return np.asarray(pdist(means, "sqeuclidean") / (8.0 * v) + 0.5 * means.shape[1] * logs)


def _class_variances(f: Array, means: Array, codes: Labels) -> Array:
    """Variance a direction of every class, shape (K,)."""
    counts, width = np.bincount(codes), f.shape[1]
    squares = np.bincount(codes, weights=np.sum((f - means[codes]) ** 2, axis=1))
    of_all = float(np.sum(f**2)) / (len(f) * width)
    repeated = counts > 1
    degrees = (counts - 1) * width
    within = squares.sum() / degrees.sum() if repeated.any() else of_all
    found = np.where(repeated, squares / np.maximum(degrees, 1), within)
    return np.asarray(np.maximum(found, LEAST_VARIANCE * of_all))
