"""How hard a column is and how far models lie apart on it, predicted from what the column is.

Notation:
    mu_c        level of column c: where an average model scores, comparable scale
    s_c         spread of column c: what one standard unit of model quality is worth there
    psi_c       features of the column, shape (Q,)

Both are ridge regressions on psi, whose residual variance is the uncertainty about a new column.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import Column, is_target, task_group, trains_backbone
from benchmarks.figures import Protocol
from models_registry.vocabulary import TaskType

Array = NDArray[np.float64]

RIDGE = 1.0
"""Prior precision of the coefficients in units of the residual variance."""
PSEUDO_BENCHMARKS = 3.0
_METRICS = ("accuracy", "f1_macro", "f1_micro", "matthews_correlation", "spearmanr", "entity_f1", "wer")
_GROUPS = tuple(sorted({task_group(t) for t in TaskType}))


def level_features(column: Column) -> Array:
    """psi_c, shape (Q,)."""
    size = np.log10(max(column.n_train or 10_000, 10)) - 4.0
    classes = np.log10(max(column.n_classes or 2, 2)) - 0.3
    return np.array(
        [
            1.0,
            size,
            classes,
            float(column.n_classes is None),
            float("en" not in column.languages and bool(column.languages)),
            *(float(column.protocol is p) for p in Protocol),
            *(float(column.metric == m) for m in _METRICS),
            *(float(task_group(column.task_type) == g) for g in _GROUPS),
        ]
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LevelModel:
    """Fitted ridge regression of levels and log spreads.

    Attributes:
        coefficients: Of (level, log spread), shape (Q, 2).
        covariance: Of the coefficients in units of the residual variance, shape (Q, Q).
        residual_variance: Of (level, log spread), shape (2,).
        between_protocols: Correlation of what is left of the levels of one benchmark when the backbone is
            trained and when it is frozen, 0 to 1: how far knowing the one tells the other.
    """

    coefficients: Array
    covariance: Array
    residual_variance: Array
    between_protocols: float

    def predict(self, column: Column) -> tuple[float, float, float]:
        """Mean level, its variance, and the spread of a column not seen before."""
        psi = level_features(column)
        level, log_spread = psi @ self.coefficients
        inflation = 1.0 + psi @ self.covariance @ psi
        return float(level), float(self.residual_variance[0] * inflation), float(np.exp(log_spread))


def fit_levels(columns: list[Column], levels: Array, log_spreads: Array) -> LevelModel:
    """Ridge regression of fitted levels and log spreads on the features of their columns."""
    psi = np.array([level_features(c) for c in columns])
    targets = np.column_stack([levels, log_spreads])
    penalty = RIDGE * np.eye(psi.shape[1])
    penalty[0, 0] = 1e-6
    covariance = np.linalg.inv(psi.T @ psi + penalty)
    coefficients = covariance @ psi.T @ targets
    residuals = targets - psi @ coefficients
    effective = max(len(columns) - np.trace(psi @ covariance @ psi.T), 1.0)
    return LevelModel(
        coefficients=coefficients,
        covariance=covariance,
        residual_variance=np.sum(residuals**2, axis=0) / effective,
        between_protocols=_between_protocols(columns, residuals[:, 0]),
    )


def _between_protocols(columns: list[Column], residuals: Array) -> float:
    """Correlation of tuned and frozen residuals over the benchmarks that have both.

    Shrunk towards 0 as by `PSEUDO_BENCHMARKS` benchmarks without correlation.
    """
    both: dict[str, dict[bool, float]] = {}
    for column, residual in zip(columns, residuals, strict=True):
        if is_target(column):
            both.setdefault(column.benchmark, {})[trains_backbone(column.protocol)] = float(residual)
    pairs = np.array([[v[True], v[False]] for v in both.values() if len(v) == 2]).reshape(-1, 2)
    if len(pairs) < 3:
        return 0.0
    tuned, frozen = pairs.T
    product = float(np.sum(tuned * frozen))
    scale = float(np.sqrt(np.sum(tuned**2) * np.sum(frozen**2)))
    share = len(pairs) / (len(pairs) + PSEUDO_BENCHMARKS)
    return float(np.clip(share * product / max(scale, 1e-12), 0.0, 1.0))
