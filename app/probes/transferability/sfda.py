"""SFDA: how sure a Fisher discriminant analysis is of the classes after their examples were made harder.

Notation:
    n, K      examples, classes that occur
    x_i, y_i  features of example i, centred and scaled; its class
    P         class probabilities by `app.probes.transferability.fisher`, shape (n, K)
    q_i       softmax of P[i] at y_i: P again made softer, between 1 / (K - 1 + e) and e / (K - 1 + e)
    u_k       mean of the other classes' means

    x'_i = q_i x_i + (1 - q_i) u_{y_i}
    SFDA = mean over examples of P'[i, y_i],  P' the probabilities from x', regularised as the first ones

Source: Shao et al. 2022, "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging
Fisher Space", in two points as in their code. Without the second softmax an analysis that is sure
of every example challenges none. And the paper's mean of log P' is of few examples only, those that a shrunk
analysis is wrong and sure of: on 300 sentences of SST-2 it puts the best of four encoders last.

Between 0 and 1; the classes are predicted from themselves, so few examples of wide features score high.
Features that are all equal score the chance of drawing two examples of one class. Equal rows are ordinary
rows. A class of one example is its own mean.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from app.probes.transferability.base import Array, Labels, checked, class_means
from app.probes.transferability.fisher import log_probabilities, regularisation, scaled_components


def sfda(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """Mean probability of the classes, between 0 and 1; see `Estimator`. Nothing in it is random."""
    del n_classes, seed
    values, codes = checked("sfda", features, labels)
    f, width = scaled_components(values), values.shape[1]
    a = regularisation(f, codes)
    own = np.arange(len(codes)), codes
    q = softmax(np.exp(log_probabilities(f, codes, a, width)), axis=1)[own]
    return float(np.exp(log_probabilities(_challenged(f, codes, q), codes, a, width)[own]).mean())


def _challenged(f: Array, codes: Labels, q: Array) -> Array:
    """x', shape (n, r)."""
    means = class_means(f, codes)
    others = (means.sum(axis=0) - means) / (len(means) - 1)
    return np.asarray(q[:, None] * f + (1.0 - q[:, None]) * others[codes])
