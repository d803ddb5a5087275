"""N-LEEP: LEEP with the clusters of the features for source classes.

Notation:
    n, K      examples, classes that occur
    F         centred features on the principal axes that hold 80 per cent of their variance, shape (n, r)
    Z         components of a Gaussian mixture fitted to F
    P         probabilities of components given features, shape (n, Z)

    N-LEEP = LEEP of P and the labels, the mean over three fits

Source: Li et al. 2021, "Ranking Neural Checkpoints"; five components a class as in the code of Shao et al.
2022, "Not All Models Are Equal".

Covariances are diagonal, on axes along which the features are uncorrelated: the few examples of a component
do not tell r x r numbers. For the same reason Z is at most a fifth of n. A fit starts from k-means++ and ends
at a local optimum, so the order of the examples and the seed matter: by about 0.03 a fit on 300 sentences, as
much as models differ, which is why there are three. Each is to 2,000 examples at most, drawn evenly from the
classes; all are scored.

Features that are all equal have no clusters and score minus the entropy of the labels. Equal rows are in one
cluster, and count as often as they occur.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from app.probes.transferability.base import Array, Labels, checked, evenly_drawn
from app.probes.transferability.leep import leep
from app.probes.transferability.principal_components import principal_components

SHARE_OF_VARIANCE = 0.8
COMPONENTS_A_CLASS = 5
LEAST_EXAMPLES_A_COMPONENT = 5
MOST_FITTED = 2_000
N_FITS = 3
MOST_ITERATIONS = 50
"""Of expectation maximisation; the likelihood is then within a few thousandths of its optimum."""
_LEAST_VARIANCE = 1e-4
"""Of a component, as a share of the features' mean variance: components of equal rows stay finite."""


def nleep(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """N-LEEP of the features, at most 0; see `Estimator`."""
    del n_classes
    f, codes = checked("nleep", features, labels)
    coordinates, variances = principal_components(f)
    if not len(variances):
        return leep(np.ones((len(codes), 1)), codes)
    shares = np.cumsum(variances) / variances.sum()
    n_axes = int(np.searchsorted(shares, SHARE_OF_VARIANCE)) + 1
    scaled = coordinates[:, :n_axes] / np.sqrt(variances[:n_axes].mean())
    seeds = np.random.SeedSequence(seed).generate_state(N_FITS)
    return float(np.mean([leep(_cluster_probabilities(scaled, codes, int(s)), codes) for s in seeds]))


def _cluster_probabilities(f: Array, codes: Labels, seed: int) -> Array:
    """P."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    fitted = f[evenly_drawn(codes, MOST_FITTED, seed)]
    n_components = min(COMPONENTS_A_CLASS * (int(codes.max()) + 1), len(fitted) // LEAST_EXAMPLES_A_COMPONENT)
    mixture = GaussianMixture(
        n_components=max(n_components, 2),
        covariance_type="diag",
        reg_covar=_LEAST_VARIANCE,
        max_iter=MOST_ITERATIONS,
        init_params="k-means++",  # k-means proper adds up its threads' sums in the order that they end in
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(fitted)
    return np.asarray(mixture.predict_proba(f), dtype=np.float64)
