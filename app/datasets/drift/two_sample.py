"""Whether two samples of texts come from one distribution: a classifier tries to tell them apart.

Notation:
    m, n    texts of the earlier and of the later sample
    A       area under the ROC curve of a classifier that tells later from earlier, on texts it was not fitted
            to: the probability that it ranks a later text above an earlier one; 1/2 where they are alike
    U       Mann-Whitney statistic, summed over folds: A = U / (pairs within folds)

Under the hypothesis of one distribution scores of held-out texts do not depend on their sample, whatever the
classifier learnt, so that U has its known mean and variance.

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

N_FOLDS = 5
LEAST_TEXTS = 10
"""Of either sample: two a fold."""
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
        auc: A, on held-out texts.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Of one distribution, one-sided: a classifier that errs on purpose is no sign of change.
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
        features: Shape (m + n, B).
        is_later: Which are of the later sample, shape (m + n,).
        hashes: Equal for copies, which stay in one fold, shape (m + n,).
        seed: Of the folds.
    """
    folds = _folds(is_later, hashes, np.random.default_rng(seed))
    held_out = []
    for fold in range(N_FOLDS):
        inside = folds == fold
        weights = _fitted(features[~inside], is_later[~inside])
        held_out.append(_Fold.of(features[inside] @ weights, is_later[inside]))
    return _joined([fold for fold in held_out if fold.n_pairs])


def _folds(is_later: Mask, hashes: NDArray[np.uint64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A fold for each text: both samples in proportion, copies together."""
    _, first, text = np.unique(hashes, return_index=True, return_inverse=True)
    of_text = np.empty(len(first), dtype=np.int64)
    for side in (False, True):
        mine = rng.permutation(np.flatnonzero(is_later[first] == side))
        of_text[mine] = np.arange(len(mine)) % N_FOLDS
    return of_text[text]


def _fitted(features: csr_array, is_later: Mask) -> Array:
    """Weights of a logistic regression; its intercept is left out, since it changes no order."""
    signs, transposed = np.where(is_later, 1.0, -1.0), features.T.tocsr()

    def loss(parameters: Array) -> tuple[float, Array]:
        weights = parameters[:-1]
        margins = signs * (features @ weights + parameters[-1])
        slopes = -INVERSE_REGULARISATION * signs * expit(-margins)
        value = INVERSE_REGULARISATION * np.logaddexp(0.0, -margins).sum() + weights @ weights / 2.0
        return float(value), np.append(transposed @ slopes + weights, slopes.sum())

    options = {"maxiter": MOST_ITERATIONS, "ftol": TOLERANCE}
    start = np.zeros(features.shape[1] + 1)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x[:-1])


@dataclass(frozen=True, eq=False, slots=True)
class _Fold:
    """What is needed of one fold.

    Attributes:
        later: Of each later text the share of earlier ones below it, ties half.
        earlier: Of each earlier text the share of later ones above it, ties half.
    """

    later: Array
    earlier: Array

    @classmethod
    def of(cls, scores: Array, is_later: Mask) -> "_Fold":
        later, earlier = scores[is_later], scores[~is_later]
        if not len(later) or not len(earlier):
            return cls(np.empty(0), np.empty(0))
        ranks = rankdata(scores)
        below = (ranks[is_later] - rankdata(later)) / len(earlier)
        above = 1.0 - (ranks[~is_later] - rankdata(earlier)) / len(later)
        return cls(below, above)

    @property
    def n_pairs(self) -> int:
        return len(self.later) * len(self.earlier)


def _joined(folds: list[_Fold]) -> Separation:
    n_pairs = sum(fold.n_pairs for fold in folds)
    auc = sum(float(fold.later.mean()) * fold.n_pairs for fold in folds) / n_pairs
    # The variance of U by fold; ties would only make it smaller.
    variance = sum(fold.n_pairs * (len(fold.later) + len(fold.earlier) + 1) / 12 for fold in folds)
    deviation = float(np.sqrt(variance)) / n_pairs
    parts = [np.concatenate([getattr(fold, side) for fold in folds]) for side in ("later", "earlier")]
    half = float(ndtri((1 + LEVEL) / 2) * np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))
    return Separation(
        auc=auc,
        low=max(0.0, auc - half),
        high=min(1.0, auc + half),
        p_value=float(ndtr((0.5 - auc) / deviation)),
        deviation=deviation,
    )
