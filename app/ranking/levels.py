"""How hard a column is and how far models lie apart on it, predicted from what the column is.

Notation:
    mu_c        level of column c: where an average model scores, comparable scale
    s_c         spread of column c: what one standard unit of model quality is worth there
    psi_c       features of the column, shape (Q,)
    k_p         components of likeness of two columns (`app.ranking.columns`)

Both are Gaussian regressions: ridge regression on psi plus a deviation that columns share as far as they are
alike, with covariance sum_p level_p k_p. What is known of reviews tells about reviews.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from app.ranking.columns import COMPONENTS, Column, ColumnTable, is_target, task_group, trains_backbone
from benchmarks.figures import Protocol
from models_registry.vocabulary import TaskType

Array = NDArray[np.float64]

LIKENESS = (*COMPONENTS, "features", "own")
"""What levels vary by: the components of likeness, psi, and what is the column's alone."""
PSEUDO_BENCHMARKS = 3.0
INTERVAL = 0.8
_METRICS = ("accuracy", "f1_macro", "f1_micro", "matthews_correlation", "spearmanr", "entity_f1", "wer")
_GROUPS = tuple(sorted({task_group(t) for t in TaskType}))
_OTHERS = (Protocol.ZERO_SHOT, Protocol.PRETRAINED)


def level_features(column: Column) -> Array:
    """psi_c, shape (Q,)."""
    size = np.log10(max(column.n_train or 10_000, 10)) - 4.0
    classes = np.log10(max(column.n_classes or 2, 2)) - 0.3
    tuned = trains_backbone(column.protocol)
    return np.array(
        [
            1.0,
            size,
            classes,
            float(column.n_classes is None),
            float("en" not in column.languages and bool(column.languages)),
            float(tuned),  # how many examples it was tuned on is said by the size
            float(not tuned and is_target(column)),
            *(float(column.protocol is p) for p in _OTHERS),
            *(float(column.metric == m) for m in _METRICS),
            *(float(task_group(column.task_type) == g) for g in _GROUPS),
        ]
    )


@lru_cache(maxsize=8)
def _features(table: ColumnTable) -> Array:
    """Features psi of every column, shape (C, Q)."""
    return np.array([level_features(c) for c in table.columns])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LevelVariances:
    """Variances of levels by `LIKENESS`, comparable units, learnt in `app.fitting.levels`, shape (P + 2,)."""

    values: Array

    def covariance(self, first: ColumnTable, second: ColumnTable) -> Array:
        """Of levels of two tables, what is a column's alone left out, (len(first), len(second))."""
        alike = np.tensordot(self.values[: len(COMPONENTS)], first.similarity(second), axes=1)
        return np.asarray(alike + self.values[-2] * _features(first) @ _features(second).T)

    @property
    def own(self) -> float:
        """Of a column's own level."""
        return float(self.values[-1])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LevelModel:
    """Fitted regressions of levels and log spreads.

    Attributes:
        columns: The columns they were fitted to.
        variances: Of levels.
        centre: Mean of (level, log spread), shape (2,).
        inverse: (covariance of the columns)^-1, shape (K, K).
        weights: inverse times what lies off the centre, shape (K, 2).
        inflation: What variances of levels are multiplied by, for intervals to hold what they promise.
        between_protocols: Correlation of what is left of the levels of one benchmark when the backbone is
            trained and when it is frozen, 0 to 1: how far knowing the one tells the other.
    """

    columns: ColumnTable
    variances: LevelVariances
    centre: Array
    inverse: Array
    weights: Array
    inflation: float
    between_protocols: float

    def predict(self, column: Column) -> tuple[float, float, float]:
        """Mean level, its variance, and the spread of a column not seen before."""
        table = ColumnTable([column])
        across = self.variances.covariance(table, self.columns)[0]
        level, log_spread = self.centre + across @ self.weights
        before = float(self.variances.covariance(table, table)[0, 0]) + self.variances.own
        variance = max(before - float(across @ self.inverse @ across), self.variances.own / 4)
        return float(level), self.inflation * variance, float(np.exp(log_spread))

    def spreads_apart(self, numbers: NDArray[np.intp]) -> Array:
        """Spreads of columns it was fitted to, each as the others tell it (leave-one-out, in closed form).

        Args:
            numbers: Where they stand among its columns, shape (n,).
        """
        mine = ColumnTable([self.columns.columns[int(c)] for c in numbers])
        across, weights = self.variances.covariance(mine, self.columns), self.weights[numbers, 1]
        fitted = self.centre[1] + across @ self.weights[:, 1] + self.variances.own * weights
        return np.asarray(np.exp(fitted - weights / np.diag(self.inverse)[numbers]))


def fit_levels(
    columns: Sequence[Column], levels: Array, log_spreads: Array, variances: LevelVariances
) -> LevelModel:
    """Fit both to columns with known levels and log spreads, each of shape (K,)."""
    table = ColumnTable(columns)
    targets = np.column_stack([levels, log_spreads])
    centre = targets.mean(axis=0)
    covariance = variances.covariance(table, table) + variances.own * np.eye(len(columns))
    inverse: Array = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    weights = inverse @ (targets - centre)
    variance = 1.0 / np.diag(inverse)
    left = weights[:, 0] * variance  # of each column, the others known (leave-one-out, in closed form)
    asked = np.array([is_target(c) for c in columns])
    asked = asked if asked.any() else ~asked
    surprise = np.quantile(np.abs(left[asked]) / np.sqrt(variance[asked]), INTERVAL)
    return LevelModel(
        columns=table,
        variances=variances,
        centre=centre,
        inverse=inverse,
        weights=weights,
        inflation=float(max(surprise / ndtri(0.5 + INTERVAL / 2), 0.1) ** 2),
        between_protocols=_between_protocols(columns, left),
    )


def _between_protocols(columns: Sequence[Column], residuals: Array) -> float:
    """Correlation of tuned and frozen residuals over the benchmarks that have both.

    Shrunk towards 0 as by `PSEUDO_BENCHMARKS` benchmarks without correlation.
    """
    both: dict[str, dict[bool, float]] = {}
    for column, residual in zip(columns, residuals, strict=True):
        if is_target(column):
            both.setdefault(column.dataset, {})[trains_backbone(column.protocol)] = float(residual)
    pairs = np.array([[v[True], v[False]] for v in both.values() if len(v) == 2]).reshape(-1, 2)
    if len(pairs) < 3:
        return 0.0
    tuned, frozen = pairs.T
    product = float(np.sum(tuned * frozen))
    scale = float(np.sqrt(np.sum(tuned**2) * np.sum(frozen**2)))
    share = len(pairs) / (len(pairs) + PSEUDO_BENCHMARKS)
    return float(np.clip(share * product / max(scale, 1e-12), 0.0, 1.0))
