"""From a belief to what a user decides by: intervals, P(best), expected regret, ties, the Pareto front."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from app.ranking.belief import Belief
from benchmarks.metrics import Metric

Array = NDArray[np.float64]
Index = NDArray[np.intp]

TIE_PROBABILITY = 0.25
"""Two models are tied where the lower one is the better with at least this probability."""
INTERVAL_LEVEL = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInterval:
    """A predicted score on the metric's own scale.

    Attributes:
        metric: Canonical name.
        mean: Median of the prediction mapped to the metric, which the mapping keeps.
        low: Lower end of the central interval.
        high: Upper end.
        level: Probability that the interval holds the truth.
    """

    metric: str
    mean: float
    low: float
    high: float
    level: float = INTERVAL_LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedArm:
    """One row of a ranking.

    Attributes:
        arm: Index into the belief.
        score: Predicted, with its interval.
        p_best: Probability to be the best of all ranked.
        tied: Arms that cannot be told from it.
        pareto: Whether no other is better without being slower or dearer.
    """

    arm: int
    score: ScoreInterval
    p_best: float
    tied: tuple[int, ...]
    pareto: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All ranked arms, the best first, and what choosing the first is expected to lose (metric units)."""

    rows: tuple[RankedArm, ...]
    expected_regret: float


def rank(
    belief: Belief,
    samples: Array,
    chosen: Index,
    *,
    utilities: Array,
    costs: Array,
    names: list[str],
    metric: Metric,
    top_k: int,
) -> Ranking:
    """Rank the chosen arms, one a model, by utility; P(best) is over all of them, before `top_k` cuts.

    Args:
        belief: Over all arms.
        samples: Draws of all arms, shape (s, len(belief)).
        chosen: Arms to rank, at least one, shape (n,).
        utilities: Of the chosen, shape (n,).
        costs: Latency and training time of the chosen, shape (2, n).
        names: Of the chosen; break ties.
        metric: The user's.
        top_k: Rows returned.
    """
    draws = samples[:, chosen]
    best = p_best(draws)
    order = sorted(range(len(chosen)), key=lambda i: (-utilities[i], names[i]))
    shown = order[:top_k]
    front = pareto_front(belief.mean[chosen], *costs)
    scores = intervals(belief, chosen[shown], metric)
    rows = tuple(
        RankedArm(
            arm=int(chosen[i]),
            score=score,
            p_best=float(best[i]),
            tied=tuple(int(a) for a in chosen[shown][tied(belief, chosen[shown], position)]),
            pareto=bool(front[i]),
        )
        for position, (i, score) in enumerate(zip(shown, scores, strict=True))
    )
    return Ranking(rows=rows, expected_regret=expected_regret(draws, order[0], metric))


def intervals(belief: Belief, arms: Index, metric: Metric) -> list[ScoreInterval]:
    """Central intervals of these arms, the level's uncertainty included, on the metric's own scale."""
    variance = belief.covariance[arms, arms] + belief.level_variance
    half = float(ndtri(0.5 + INTERVAL_LEVEL / 2)) * np.sqrt(np.maximum(variance, 0.0))
    middle = belief.mean[arms]
    values = np.sort(metric.from_comparable(np.stack([middle - half, middle, middle + half])), axis=0)
    return [
        ScoreInterval(metric=metric.name, mean=float(m), low=float(low), high=float(high))
        for low, m, high in values.T
    ]


def p_best(draws: Array) -> Array:
    """Probability of each arm to be the best, shape (n,), summing to 1.

    Args:
        draws: Of the scores, larger is better, shape (s, n).
    """
    counts = np.bincount(np.argmax(draws, axis=1), minlength=draws.shape[1])
    return np.asarray(counts / draws.shape[0])


def expected_regret(draws: Array, picked: int, metric: Metric) -> float:
    """Expected loss of picking one arm instead of the best, in the metric's units, at least 0.

    Args:
        draws: On the comparable scale, shape (s, n).
        picked: Position of the arm picked.
        metric: The user's metric.
    """
    best = metric.from_comparable(draws.max(axis=1))
    mine = metric.from_comparable(draws[:, picked])
    return float(np.mean(np.abs(best - mine)))


def tied(belief: Belief, arms: Index, position: int) -> NDArray[np.bool_]:
    """Which of these arms cannot be told from the one at `position`, itself excluded, shape (n,)."""
    covariance, arm = belief.covariance, arms[position]
    variance = covariance[arm, arm] + covariance[arms, arms] - 2.0 * covariance[arm, arms]
    gap = np.abs(belief.mean[arms] - belief.mean[arm])
    worse_is_better = ndtr(-gap / np.sqrt(np.maximum(variance, 1e-12)))
    result = np.asarray(worse_is_better >= TIE_PROBABILITY)
    result[position] = False
    return result


def pareto_front(quality: Array, *costs: Array) -> NDArray[np.bool_]:
    """Which arms no other beats in quality without being worse in some cost, shape (n,)."""
    points = np.column_stack([-quality, *costs])
    no_worse = np.all(points[:, None, :] <= points[None, :, :], axis=2)
    better = np.any(points[:, None, :] < points[None, :, :], axis=2)
    return np.asarray(~np.any(no_worse & better, axis=0))


def utility(
    quality: Array, latency_ms: Array, train_seconds: Array, weights: tuple[float, float, float]
) -> Array:
    """Expected weighted utility on the comparable scale, shape (n,).

    At equal weights a factor of ten in latency or training time counts as much as one unit of the
    comparable scale (about what separates 0.80 from 0.92 accuracy); at the default ones only quality counts.

    Args:
        quality: Mean score, comparable scale.
        latency_ms: Of one prediction.
        train_seconds: Of the fine-tune.
        weights: Of quality, latency and cost.
    """
    of_quality, of_latency, of_cost = weights
    slow = np.log10(np.maximum(latency_ms, 1e-3))
    dear = np.log10(np.maximum(train_seconds, 1e-3))
    return np.asarray(of_quality * quality - of_latency * slow - of_cost * dear)
