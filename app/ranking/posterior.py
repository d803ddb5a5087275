"""From a belief to what a user decides by: intervals, P(best), expected regret, ties, the Pareto front."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from app.ranking.belief import Belief
from benchmarks.metrics import Metric

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Weights = tuple[float, float, float]
"""Of quality, latency and cost."""

TIE_PROBABILITY = 0.25
"""Two models are tied where the lower one is the better with at least this probability."""
INTERVAL_LEVEL = 0.8
DEVIATIONS = 1.2816
"""On either side; they hold this share of a normal distribution."""
KEPT_PLACED = 64
"""Orders of the shown arms remembered of one contest."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
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


def measured_interval(metric: Metric, value: float, std_error: float) -> ScoreInterval:
    """Of a measured score, from its standard error."""
    half = DEVIATIONS * std_error
    return ScoreInterval(
        metric=metric.name,
        mean=value,
        low=max(value - half, metric.low),
        high=min(value + half, metric.high),
    )


class RankedArm(NamedTuple):
    """One row of a ranking.

    Attributes:
        place: Where it stands among the chosen.
        arm: Index into the belief.
        score: Predicted, with its interval.
        p_best: Probability to be the best of all ranked.
        tied: Arms that cannot be told from it.
        pareto: Whether no other is better without being slower or dearer.
    """

    place: int
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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Placed:
    """What the belief alone says of the arms that are shown.

    Attributes:
        scores: Interval of each.
        p_best: Of each.
        tied: Which others cannot be told from it.
    """

    scores: tuple[ScoreInterval, ...]
    p_best: tuple[float, ...]
    tied: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contest:
    """Which of some arms is the best, over draws of all.

    Attributes:
        samples: Draws of all arms, shape (s, arms).
        p_best: Probability of each competing arm to be the best, shape (n,), summing to 1 without others.
        best: Score of the best of all in each draw, shape (s,).
        regrets: Expected regret of the arms picked before, by arm and metric.
        placed: What was said of the arms shown before, by those and the metric.
    """

    samples: Array
    p_best: Array
    best: Array
    regrets: dict[tuple[int, str], float] = field(default_factory=dict)
    placed: dict[tuple[bytes, str], Placed] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Array, arms: Index, others: Array | None = None) -> "Contest":
        """The contest of these arms, shape (n,), and of others, given as draws of the best one's score."""
        draws = samples[:, arms]
        if others is not None:
            draws = np.column_stack([draws, others.astype(samples.dtype)])
        return cls(samples=samples, p_best=p_best(draws)[: len(arms)], best=np.maximum.reduce(draws, axis=1))

    def regret(self, arm: int, metric: Metric) -> float:
        """Expected loss of picking this arm instead of the best, in the metric's units."""
        found = self.regrets.get((arm, metric.name))
        if found is None:
            found = expected_regret(self.best, self.samples[:, arm], metric)
            self.regrets[arm, metric.name] = found
        return found

    def place(self, belief: Belief, arms: Index, shown: Index, metric: Metric) -> Placed:
        """What the belief says of the arms shown: the same for every request that they answer.

        Args:
            belief: Over all arms.
            arms: The competing ones, shape (n,).
            shown: Which of them are shown, in the order of their rank, shape (k,).
            metric: The user's.
        """
        key = (shown.tobytes(), metric.name)
        found = self.placed.get(key)
        if found is None:
            if len(self.placed) >= KEPT_PLACED:
                self.placed.clear()
            found = self.placed[key] = _placed(belief, arms[shown], self.p_best[shown], metric)
        return found


def _placed(belief: Belief, arms: Index, shares: Array, metric: Metric) -> Placed:
    return Placed(
        scores=tuple(intervals(belief, arms, metric)),
        p_best=tuple(shares.tolist()),
        tied=tuple(tuple(arms[row].tolist()) for row in tied(belief, arms)),
    )


def rank(
    belief: Belief,
    contest: Contest,
    chosen: Index,
    *,
    utilities: Array,
    costs: tuple[Array, Array],
    metric: Metric,
    top_k: int,
) -> Ranking:
    """Rank the chosen arms, one a model, by utility, the first of equals first.

    P(best) and the Pareto front are over all of them, before `top_k` cuts.

    Args:
        belief: Over all arms.
        contest: Of the chosen.
        chosen: Arms to rank, at least one, shape (n,).
        utilities: Of the chosen, shape (n,).
        costs: Latency and training time of the chosen, shape (n,) each.
        metric: The user's.
        top_k: Rows returned.
    """
    shown = (-utilities).argsort(kind="stable")[:top_k]
    placed = contest.place(belief, chosen, shown, metric)
    front = pareto_front((-belief.mean[chosen], *costs), shown)
    arms = chosen[shown].tolist()
    columns = (shown.tolist(), arms, placed.scores, placed.p_best, placed.tied, front.tolist())
    rows = tuple(map(RankedArm._make, zip(*columns, strict=True)))
    return Ranking(rows=rows, expected_regret=contest.regret(arms[0], metric))


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
    # Comparing with the best is ten times faster than finding its place; arms that are equal share the draw.
    wins = np.count_nonzero(draws == np.maximum.reduce(draws, axis=1)[:, None], axis=0)
    return np.asarray(wins / wins.sum())


def expected_regret(best: Array, picked: Array, metric: Metric) -> float:
    """Expected loss of picking one arm instead of the best, in the metric's units, at least 0.

    Args:
        best: Draws of the best arm's score, comparable scale, shape (s,).
        picked: The same draws of the picked arm's score, shape (s,).
        metric: The user's metric.
    """
    return float(np.mean(np.abs(metric.from_comparable(best) - metric.from_comparable(picked))))


def tied(belief: Belief, arms: Index) -> NDArray[np.bool_]:
    """Which of these arms cannot be told from which other, shape (n, n)."""
    mean, covariance = belief.mean[arms], belief.covariance[np.ix_(arms, arms)]
    own = np.diag(covariance)
    variance = own[:, None] + own - 2.0 * covariance
    gap = np.abs(mean - mean[:, None])
    worse_is_better = ndtr(-gap / np.sqrt(np.maximum(variance, 1e-12)))
    result = np.asarray(worse_is_better >= TIE_PROBABILITY)
    np.fill_diagonal(result, val=False)
    return result


def pareto_front(points: Sequence[Array], asked: Index) -> NDArray[np.bool_]:
    """Which of the arms asked about no other beats in one criterion without being worse in another.

    Args:
        points: Criteria of all arms, smaller is better, shape (n,) each.
        asked: Arms, shape (k,).

    Returns:
        Shape (k,); only the rows shown are asked about, since comparing all pairs costs n^2.
    """
    shape = len(asked), len(points[0])
    no_worse, better = np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for criterion in points:
        mine = criterion[asked, None]
        no_worse &= criterion <= mine
        better |= criterion < mine
    no_worse &= better
    return np.asarray(~np.logical_or.reduce(no_worse, axis=1))


def utility(quality: Array, latency_ms: Array, train_seconds: Array, weights: Weights) -> Array:
    """Expected weighted utility on the comparable scale, in the shape of the arguments.

    At equal weights a factor of ten in latency or training time counts as much as one unit of the
    comparable scale (about what separates 0.80 from 0.92 accuracy); at the default ones only quality counts.

    Args:
        quality: Mean score, comparable scale.
        latency_ms: Of one prediction.
        train_seconds: Of the fine-tune.
        weights: Of quality, latency and cost.
    """
    of_quality, of_latency, of_cost = weights
    result = of_quality * quality
    if of_latency:
        result = result - of_latency * np.log10(np.maximum(latency_ms, 1e-3))
    if of_cost:
        result = result - of_cost * np.log10(np.maximum(train_seconds, 1e-3))
    return np.asarray(result)
