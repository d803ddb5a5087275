"""Scores as documents show them, compared."""

from collections.abc import Mapping, Sequence
from typing import Any

from scipy.special import ndtr

from app.ranking.posterior import DEVIATIONS
from benchmarks.metrics import Direction, metric_named

Score = Mapping[str, Any]


def best_score(named: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Whichever of these has the best score; None of none."""
    return max(named, key=lambda found: signed_mean(found["score"]), default=None)


def signed_mean(score: Score) -> float:
    """The mean, turned so that larger is better."""
    sign = 1.0 if metric_named(score["metric"]).direction is Direction.HIGHER else -1.0
    return sign * float(score["mean"])


def probability_better(one: Score, other: Score) -> float:
    """That the first is the better, both being normal and independent."""
    variance = sum(((s["high"] - s["low"]) / (2.0 * DEVIATIONS)) ** 2 for s in (one, other))
    gap = signed_mean(one) - signed_mean(other)
    return float(ndtr(gap / max(variance, 1e-18) ** 0.5))
