"""How well a column was predicted.

Notation:
    y           what n models reached, comparable scale, shape (n,)
    m, v        predicted mean, and variance of y given it, shape (n,)
    regret@k    points (hundredths of a bounded metric) lost by the best of the k models with the largest m
    relative    once the column's median error is known; absolute: with the variance of the level added
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import kendalltau, weightedtau

from benchmarks.metrics import Direction, metric_named

Array = NDArray[np.float64]

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Nominal levels at which coverage is counted."""
TIED = 9
"""Decimal digits to which predictions are compared."""
SERVED_LEVEL = LEVELS.index(0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How well a column was ordered; NaN where an order is undefined, as where all models tie.

    Attributes:
        tau_w: scipy's weightedtau(true, predicted) at its defaults.
        tau: Kendall's tau.
        regret_at_1: Points lost by the first instead of the best.
        regret_at_3: By the best of the first three.
    """

    tau_w: float
    tau: float
    regret_at_1: float
    regret_at_3: float

    @classmethod
    def of(cls, true: Array, predicted: Array, metric: str) -> "Order":
        """Of one column.

        Args:
            true: y, shape (n,).
            predicted: On any scale that orders, larger is better, shape (n,).
            metric: Canonical name.
        """
        if len(true) < 2:
            return cls(tau_w=np.nan, tau=np.nan, regret_at_1=0.0, regret_at_3=0.0)
        predicted = predicted.round(TIED)  # models with equal features differ in the order of summation
        return cls(
            tau_w=float(weightedtau(true, predicted).statistic),
            tau=float(kendalltau(true, predicted).statistic),
            regret_at_1=regret(true, predicted, 1, metric),
            regret_at_3=regret(true, predicted, 3, metric),
        )

    @classmethod
    def mean(cls, orders: Sequence["Order"]) -> "Order":
        """The mean over columns; an undefined tau counts as 0, for it tells nothing."""
        if not orders:
            return cls(tau_w=np.nan, tau=np.nan, regret_at_1=np.nan, regret_at_3=np.nan)
        rows = np.array([[o.tau_w, o.tau, o.regret_at_1, o.regret_at_3] for o in orders])
        tau_w, tau, first, third = np.nan_to_num(rows, nan=0.0).mean(axis=0).tolist()
        return cls(tau_w=tau_w, tau=tau, regret_at_1=first, regret_at_3=third)


def regret(true: Array, predicted: Array, k: int, metric: str) -> float:
    """Points lost by the best of the k predicted best; of tied predictions, the first.

    Args:
        true: y, shape (n,).
        predicted: On any scale that orders, larger is better, shape (n,).
        k: How many are tried.
        metric: Canonical name.
    """
    measured = metric_named(metric)
    picked = np.argsort(-predicted, kind="stable")[:k]
    best, mine = measured.from_comparable([true.max(), true[picked].max()])
    sign = 1.0 if measured.direction is Direction.HIGHER else -1.0
    return float(100.0 * sign * (best - mine))


def coverage(error: Array, variance: Array) -> tuple[float, ...]:
    """Share of errors that lie within the interval of each of `LEVELS`.

    Args:
        error: y - m, shape (n,).
        variance: v, shape (n,).
    """
    surprise = np.abs(error) / np.sqrt(variance)
    return tuple(float(np.mean(surprise <= ndtri(0.5 + level / 2))) for level in LEVELS)
