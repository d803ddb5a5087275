"""How much wider or narrower than the model says the errors on a hidden data set are, and on which.

Notation:
    e           errors of cells whose data set was hidden (`app.ranking.hidden`), with their variances
    q_c         (80 % quantile of |error| / sd over column c, its median error taken away) / 1.28, where
                errors are those of the score on the comparable scale as it would have been predicted, spread
                of the column included

A new column is expected to be as surprising as those like it: log q is smoothed over columns by kernel
regression.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from app.ranking.columns import Column, ColumnTable, is_target
from app.ranking.prior import Prior
from app.ranking.scale import cells_by

Array = NDArray[np.float64]
Index = NDArray[np.intp]

LEVEL = 0.8
"""Of the intervals that are to hold what they promise."""
MIN_CELLS = 5
NUGGET = 4.0
"""Variance of log q of one column around what is smooth, times the number of its models."""
SMOOTH_VARIANCE = 0.15
"""Variance of log q between kinds of columns."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Calibration:
    """Log q of the columns of the table, smoothed.

    Attributes:
        table: The columns that were judged.
        numbers: Where they stand in the prior's table, shape (K,).
        centre: Mean log q.
        weights: Of the kernel regression, shape (K,).
        variances: Of the kernel's components, summing to `SMOOTH_VARIANCE`, shape (P,).
    """

    table: ColumnTable
    numbers: Index
    centre: float
    weights: Array
    variances: Array

    def factor(self, column: Column) -> float:
        """What variances on this column are to be multiplied by."""
        alike = ColumnTable([column]).similarity(self.table)[:, 0, :]
        return float(np.exp(2.0 * (self.centre + self.variances @ alike @ self.weights)))


def calibrate(
    prior: Prior, errors: tuple[Array, Array], hidden: NDArray[np.bool_] | None = None
) -> Calibration:
    """What hidden columns of the figures' own table teach.

    Args:
        prior: Fitted prior.
        errors: e and its variance of every cell, as `app.ranking.hidden` finds them.
        hidden: Columns not to learn from, shape (C,).
    """
    columns = prior.table.columns.columns
    kept, logs, counts = [], [], []
    for c, cells in enumerate(cells_by(prior.table.column, len(columns))):
        if len(cells) < MIN_CELLS or not is_target(columns[c]) or (hidden is not None and hidden[c]):
            continue
        _, _, spread = prior.level_model.predict(columns[c])
        error = prior.table.scores[cells] - spread * (prior.standard[cells] - errors[0][cells])
        deviation = spread * np.sqrt(errors[1][cells] - prior.noise[cells] + prior.expected_noise[cells])
        surprise = np.abs(error - np.median(error)) / deviation * np.sqrt(len(cells) / (len(cells) - 1))
        kept.append(c)
        logs.append(np.log(max(np.quantile(surprise, LEVEL) / ndtri(0.5 + LEVEL / 2), 0.1)))
        counts.append(len(cells))
    table = ColumnTable([columns[c] for c in kept])
    variances = prior.hyper.own + prior.hyper.family
    variances = variances / variances.sum() * SMOOTH_VARIANCE
    y, n = np.array(logs), np.array(counts, dtype=np.float64)
    centre = float(np.average(y, weights=n / (n + NUGGET / SMOOTH_VARIANCE))) if kept else 0.0
    covariance = np.tensordot(variances, table.similarity(table), axes=1) + np.diag(
        NUGGET / np.maximum(n, 1.0)
    )
    return Calibration(
        table=table,
        numbers=np.array(kept, dtype=np.intp),
        centre=centre,
        weights=np.linalg.solve(covariance, y - centre) if kept else np.empty(0),
        variances=variances,
    )
