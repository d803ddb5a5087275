"""How much wider or narrower than the model says the errors on a hidden data set are, and on which.

Notation as in `app.ranking.regression`; for the cells d of one family on one data set:
    P_dd        block of the inverse covariance of the family's cells
    e_d         P_dd^-1 alpha_d: how far they lie from what all other data sets say (Rasmussen and Williams, 2006,
                section 5.4.2, for groups instead of single cells)
    diag P_dd^-1  the variance that the model gives to e_d
    q_c         (80 % quantile of |error| / sd over column c, its median error taken away) / 1.28, where errors are
                those of the score on the comparable scale as it would have been predicted, spread of the column
                included

A new column is expected to be as surprising as those like it: log q is smoothed over columns by kernel regression.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from app.ranking.columns import Column, ColumnTable, is_target
from app.ranking.prior import Prior
from app.ranking.regression import Family
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


def calibrate(prior: Prior, errors: tuple[Array, Array], hidden: NDArray[np.bool_] | None = None) -> Calibration:
    """What hidden columns of the figures' own table teach.

    Args:
        prior: Fitted prior.
        errors: e and its variance of every cell, as `hidden_errors` finds them.
        hidden: Columns not to learn from, shape (C,).
    """
    columns = prior.table.columns.columns
    kept, logs, counts = [], [], []
    for c, cells in enumerate(cells_by(prior.table.column, len(columns))):
        if len(cells) < MIN_CELLS or not is_target(columns[c]) or (hidden is not None and hidden[c]):
            continue
        _, _, spread = prior.level_model.predict(columns[c])
        error = prior.table.scores[cells] - spread * (prior.standard[cells] - errors[0][cells])
        deviation = spread * np.sqrt(errors[1][cells])
        surprise = np.abs(error - np.median(error)) / deviation * np.sqrt(len(cells) / (len(cells) - 1))
        kept.append(c)
        logs.append(np.log(max(np.quantile(surprise, LEVEL) / ndtri(0.5 + LEVEL / 2), 0.1)))
        counts.append(len(cells))
    table = ColumnTable([columns[c] for c in kept])
    variances = prior.hyper.own + prior.hyper.family
    variances = variances / variances.sum() * SMOOTH_VARIANCE
    y, n = np.array(logs), np.array(counts, dtype=np.float64)
    centre = float(np.average(y, weights=n / (n + NUGGET / SMOOTH_VARIANCE))) if kept else 0.0
    covariance = np.tensordot(variances, table.similarity(table), axes=1) + np.diag(NUGGET / np.maximum(n, 1.0))
    return Calibration(
        table=table,
        numbers=np.array(kept, dtype=np.intp),
        centre=centre,
        weights=np.linalg.solve(covariance, y - centre) if kept else np.empty(0),
        variances=variances,
    )


def hidden_errors(prior: Prior) -> tuple[Array, Array]:
    """e and its variance of every cell, its family's cells on the same data set hidden, each of shape (N,).

    Shifts and coefficients of the traits are held.
    """
    dataset = np.unique([c.dataset for c in prior.table.columns.columns], return_inverse=True)[1]
    errors, variances = np.zeros(len(prior.alpha)), np.ones(len(prior.alpha))
    for family in prior.families.values():
        within = prior.shared[np.ix_(family.columns, family.columns)]
        common = within - within @ family.known @ within
        for cells, precision in _blocks(family, dataset[prior.table.column], common):
            covariance = np.linalg.inv(precision)
            errors[cells] = covariance @ prior.alpha[cells]
            variances[cells] = np.maximum(np.diag(covariance), prior.hyper.noise)
    return errors, variances


def _blocks(family: Family, dataset: Index, common: Array) -> list[tuple[Index, Array]]:
    """The family's cells on each data set with P_dd.

    Args:
        family: Solved.
        dataset: Of every cell of the table, shape (N,).
        common: (F^-1 + A)^-1, shape (C_f, C_f).
    """
    cells = np.concatenate([m.cells for m in family.members.values()])
    spread = np.zeros((len(cells), len(family.columns)))
    alone: dict[int, tuple[Index, Array]] = {}
    start = 0
    for number, member in family.members.items():
        rows = slice(start, start + len(member.cells))
        spread[rows, member.places] = member.inverse
        alone[number] = (np.arange(rows.start, rows.stop), member.inverse)
        start = rows.stop
    shared = spread @ common
    owner = np.repeat(np.arange(len(alone)), [len(rows) for rows, _ in alone.values()])
    inverses = [inverse for _, inverse in alone.values()]
    starts = np.array([rows[0] for rows, _ in alone.values()])
    result = []
    for rows in cells_by(np.unique(dataset[cells], return_inverse=True)[1], len(np.unique(dataset[cells]))):
        precision = -shared[rows] @ spread[rows].T
        for m in np.unique(owner[rows]):
            mine = np.flatnonzero(owner[rows] == m)
            places = rows[mine] - starts[m]
            precision[np.ix_(mine, mine)] += inverses[m][np.ix_(places, places)]
        result.append((cells[rows], precision))
    return result
