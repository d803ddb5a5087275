"""Whether two samples of texts come from one distribution: a classifier tries to tell them apart.

Notation:
    m, n    held-out texts of the earlier and of the later sample
    A       area under the ROC curve of a classifier that tells later from earlier, on texts it was not fitted
            to: the probability that it ranks a later text above an earlier one; 1/2 where they are alike

The classifier is fitted to one half of the texts and tried on the other. Under the hypothesis of one
distribution the scores of the other half do not depend on their sample, whatever was learnt, so that A has
the mean and variance of Mann and Whitney's statistic. Cross-validation would try every text, but its folds
share what was learnt: on halves of real sets A varied 1.2 to 1.5 times as much as independent folds let it.

Source: Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests"; A instead of accuracy, since it
needs no threshold and no samples of equal size. Rabanser, Günnemann and Lipton 2019, "Failing Loudly",
compare such tests. The interval is that of DeLong, DeLong and Clarke-Pearson 1988.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit, ndtr, ndtri
from scipy.stats import rankdata

LEAST_TEXTS = 10
"""Of either sample: five to fit to, five to try."""
INVERSE_REGULARISATION = 1.0
"""C of the logistic regression on rows of length 1; it tells real pairs apart no worse than 10 does."""
MOST_ITERATIONS = 50
TOLERANCE = 1e-4
"""Of the loss, relatively: more of it changes no order of scores that matters."""
LEVEL = 0.95

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well a classifier tells two samples apart.

    Attributes:
        auc: A.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Of one distribution, one-sided: a classifier that errs more than chance is no sign of change.
        deviation: Standard deviation of A if there is one distribution.
    """

    auc: float
    low: float
    high: float
    p_value: float
    deviation: float


def separation(features: csr_array, is_later: Mask, hashes: NDArray[np.uint64], *, seed: int) -> Separation:
    """How well texts of the later sample are told from those of the earlier.

    Args:
        features: Shape (texts, B), each text once in its sample.
        is_later: Which are of the later sample, at least `LEAST_TEXTS` of either, shape (texts,).
        hashes: Equal for a text that is in both samples, shape (texts,): it stays in one half, else what was
            learnt of it would be wrong of its copy.
        seed: Of the halves.
    """
    is_fitted = _half(is_later, hashes, np.random.default_rng(seed))
    weights = _fitted(features[is_fitted], is_later[is_fitted])
    return _tried(features[~is_fitted] @ weights, is_later[~is_fitted])


def _half(is_later: Mask, hashes: NDArray[np.uint64], rng: np.random.Generator) -> Mask:
    """Half of the texts that are in the earlier sample, and half of those that are in the later one alone."""
    _, first, text = np.unique(hashes, return_index=True, return_inverse=True)
    chosen = np.zeros(len(first), dtype=bool)
    for side in (False, True):
        mine = rng.permutation(np.flatnonzero(is_later[first] == side))
        chosen[mine[: len(mine) // 2]] = True
    return chosen[text]


def _fitted(features: csr_array, is_later: Mask) -> Array:
    """Weights of a logistic regression; its intercept is left out, since it changes no order."""
    signs, transposed = np.where(is_later, 1.0, -1.0), features.T.tocsr()

    def loss(parameters: Array) -> tuple[float, Array]:
        weights = parameters[:-1]
        margins = signs * (features @ weights + parameters[-1])
        slopes = -INVERSE_REGULARISATION * signs * expit(-margins)
        value = INVERSE_REGULARISATION * np.logaddexp(0.0, -margins).sum() + weights @ weights / 2.0
        return float(value), np.append(transposed @ slopes + weights, slopes.sum())

    found = minimize(
        loss,
        np.zeros(features.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_ITERATIONS, "ftol": TOLERANCE},
    )
    return np.asarray(found.x[:-1], dtype=np.float64)


def _tried(scores: Array, is_later: Mask) -> Separation:
    """A with its interval and its chances, from the scores of held-out texts."""
    later, earlier = scores[is_later], scores[~is_later]
    m, n = len(earlier), len(later)
    ranks = rankdata(scores)
    below = (ranks[is_later] - rankdata(later)) / m  # of each later text the share of earlier ones below it
    above = 1.0 - (ranks[~is_later] - rankdata(earlier)) / n
    auc = float(below.mean())
    half = float(ndtri((1 + LEVEL) / 2) * np.sqrt(below.var(ddof=1) / n + above.var(ddof=1) / m))
    deviation = float(np.sqrt((m + n + 1) / (12 * m * n)))  # ties would only make it smaller
    return Separation(
        auc=auc,
        low=max(0.0, auc - half),
        high=min(1.0, auc + half),
        p_value=float(ndtr((0.5 - auc) / deviation)),
        deviation=deviation,
    )
