"""The linear probe of numbers: how well a cross-validated ridge regression on frozen features orders them.

Notation:
    n, d, t   examples, width, targets
    F         features, standardised over the training part
    c         strength of the penalty: |y - F w|^2 / n + c |w|^2

The score is the mean over targets of Spearman's rank correlation of targets and predictions out of fold, with
the c of least squared error over the same folds, one for all targets.

Source: Alain and Bengio 2017, "Understanding intermediate layers using linear classifier probes", with ridge
regression for the classifier; folds as in `app.probes.transferability.linear_probe`.

Copies of a row stay in one fold, so that no example is predicted from its duplicate. Ties have their mean
rank. A feature that is constant in a training part is left out there. Predictions that do not vary, as from
features that are all equal, score 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.probes.logistic import groups_of_equal_rows
from app.probes.ridge import cross_validate
from app.probes.transferability.base import Array, UndefinedScoreError, checked_targets

LEAST_EXAMPLES = 4


def linear_probe_regression(
    features: NDArray[np.floating],
    targets: NDArray[np.floating],
    *,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> float:
    """Rank correlation, between -1 and 1; see `RegressionEstimator`.

    Args:
        features: Shape (n, d).
        targets: Shape (n,) or (n, t).
        seed: Of the folds.
        groups: Examples that must stay together, shape (n,); None takes equal rows together.

    Raises:
        UndefinedScoreError: No target varies, fewer than four examples, or fewer than two groups.
    """
    f, y = checked_targets("linear_probe", features, targets, n_least=LEAST_EXAMPLES)
    together = groups_of_equal_rows(features) if groups is None else groups
    if len(np.unique(together)) < 2:
        raise UndefinedScoreError("linear_probe", "all examples belong together")
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    best = cross_validate(f, y, together, seed=seed).predictions
    return float(np.mean([_rank_correlation(best[:, j], y[:, j]) for j in range(y.shape[1])]))


def _rank_correlation(a: Array, b: Array) -> float:
    """Spearman's, 0 where either does not vary."""
    a, b = (rankdata(x) - 0.5 * (len(x) + 1) for x in (a, b))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0.0 else 0.0
