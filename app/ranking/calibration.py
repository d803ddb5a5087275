"""How much wider or narrower than the model says the errors on a hidden data set are, and on which.

Notation:
    e           errors of cells whose data set was hidden (`app.ranking.hidden`), with their variances
    q_c         (80 % quantile of |error| / sd over column c, its median error taken away) / 1.28, where
                errors are those of the score on the comparable scale as it would have been predicted, spread
                of the column included

A new column is expected to be as surprising as those like it: log q is smoothed over columns by kernel
regression. What is smooth misses each column by a little either way, and an interval too narrow loses more
than one too wide gains; so all are widened until, each column told by the others (leave-one-out), intervals
hold what they promise over the columns together (as in conformal prediction; Vovk et al., 2005).
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
LEAST_SURPRISE = 0.1
"""Of a column whose errors are next to nothing: by luck, not for being known that well."""
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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Surprises:
    """Log q of every column of a table that can be judged.

    Attributes:
        table: The columns that were judged.
        numbers: Where they stand in the prior's table, shape (K,).
        logs: Log q, shape (K,).
        counts: Models of each, shape (K,).
        errors: Log(|error| / sd) / 1.28 of every cell, column after column.
        variances: Of the kernel's components, summing to `SMOOTH_VARIANCE`, shape (P,).
        covariance: Of what is smooth in log q, shape (K, K).
    """

    table: ColumnTable
    numbers: Index
    logs: Array
    counts: Array
    errors: Array
    variances: Array
    covariance: Array

    @classmethod
    def of(cls, prior: Prior, errors: tuple[Array, Array]) -> "Surprises":
        """What hidden columns of the figures' own table show.

        A column is judged as the new one that it would have been: without the noise that its figures were
        found to have, and with the spread that other columns tell, for nobody knows either of a new column.

        Args:
            prior: Fitted prior to all columns of its table.
            errors: e and its variance of every cell, as `app.ranking.hidden` finds them.
        """
        columns = prior.table.columns.columns
        cells_of = cells_by(prior.table.column, len(columns))
        kept = [c for c, cells in enumerate(cells_of) if len(cells) >= MIN_CELLS and is_target(columns[c])]
        table = ColumnTable([columns[c] for c in kept])
        spreads = prior.level_model.spreads_apart(np.array(kept, dtype=np.intp)) if kept else np.empty(0)
        expected = errors[1] - prior.noise + prior.expected_noise
        logs, surprises = np.empty(len(kept)), [np.empty(0)]
        for k, c in enumerate(kept):
            cells = cells_of[c]
            error = prior.table.scores[cells] - spreads[k] * (prior.standard[cells] - errors[0][cells])
            deviation = spreads[k] * np.sqrt(expected[cells] * (len(cells) - 1) / len(cells))
            surprise = np.abs(error - np.median(error)) / deviation / ndtri(0.5 + LEVEL / 2)
            logs[k] = np.log(max(float(np.quantile(surprise, LEVEL)), LEAST_SURPRISE))
            surprises.append(np.log(np.maximum(surprise, LEAST_SURPRISE)))
        variances = prior.hyper.own + prior.hyper.family
        variances = variances / variances.sum() * SMOOTH_VARIANCE
        return cls(
            table=table,
            numbers=np.array(kept, dtype=np.intp),
            logs=logs,
            counts=np.array([len(cells_of[c]) for c in kept], dtype=np.float64),
            errors=np.concatenate(surprises),
            variances=variances,
            covariance=np.tensordot(variances, table.similarity(table), axes=1),
        )

    def calibration(self, hidden: NDArray[np.bool_] | None = None) -> Calibration:
        """What they teach, columns of the prior's table that are hidden, shape (C,), left out."""
        used = np.flatnonzero(~hidden[self.numbers]) if hidden is not None else np.arange(len(self.numbers))
        logs, counts, weights = self.logs[used], self.counts[used], np.zeros(len(self.numbers))
        centre = (
            float(np.average(logs, weights=counts / (counts + NUGGET / SMOOTH_VARIANCE)))
            if len(used)
            else 0.0
        )
        inverse = np.linalg.inv(self.covariance[np.ix_(used, used)] + np.diag(NUGGET / counts))
        weights[used] = inverse @ (logs - centre)
        missed = weights[used] / np.diag(inverse)  # by what the others tell of each
        return Calibration(
            table=self.table,
            numbers=self.numbers,
            centre=centre + self._widening(used, logs - missed),
            weights=weights,
            variances=self.variances,
        )

    def _widening(self, used: Index, expected: Array) -> float:
        """What is to be added to log q for intervals of `LEVEL` to hold over all of these columns.

        Args:
            used: The columns, shape (n,).
            expected: Log q of each as the others tell it, shape (n,).
        """
        if not len(used):
            return 0.0
        column = np.repeat(np.arange(len(self.logs)), self.counts.astype(np.intp))
        told = np.full(len(self.logs), np.nan)
        told[used] = expected
        left, share = self.errors - told[column], 1.0 / self.counts[column]
        known = ~np.isnan(left)
        order = np.argsort(left[known])
        held = np.cumsum(share[known][order])
        return float(left[known][order][np.searchsorted(held, LEVEL * held[-1])])


def calibrate(prior: Prior, errors: tuple[Array, Array]) -> Calibration:
    """What hidden columns of the figures' own table teach.

    Args:
        prior: Fitted prior.
        errors: e and its variance of every cell, as `app.ranking.hidden` finds them.
    """
    return Surprises.of(prior, errors).calibration()
