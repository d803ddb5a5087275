"""From a belief to what a user decides by: intervals, P(best), expected regret, ties, the Pareto front."""

from dataclasses import dataclass, field

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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contest:
    """Which of some arms is the best, over draws of all.

    Attributes:
        samples: Draws of all arms, shape (s, arms).
        p_best: Probability of each competing arm to be the best of them, shape (n,), summing to 1.
        best: Score of the best competing arm in each draw, shape (s,).
        regrets: Expected regret of the arms picked before, by arm and metric.
    """

    samples: Array
    p_best: Array
    best: Array
    regrets: dict[tuple[int, str], float] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Array, arms: Index) -> "Contest":
        """The contest of these arms, shape (n,)."""
        draws = samples[:, arms]
        return cls(samples=samples, p_best=p_best(draws), best=draws.max(axis=1))

    def regret(self, arm: int, metric: Metric) -> float:
        """Expected loss of picking this arm instead of the best, in the metric's units."""
        found = self.regrets.get((arm, metric.name))
        if found is None:
            found = expected_regret(self.best, self.samples[:, arm], metric)
            self.regrets[arm, metric.name] = found
        return found


def rank(
    belief: Belief,
    contest: Contest,
    chosen: Index,
    *,
    utilities: Array,
    costs: Array,
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
        costs: Latency and training time of the chosen, shape (2, n).
        metric: The user's.
        top_k: Rows returned.
    """
    order = np.argsort(-utilities, kind="stable")
    shown = order[:top_k]
    front = pareto_front(np.stack([-belief.mean[chosen], *costs]), shown)
    arms = chosen[shown]
    ties = tied(belief, arms)
    rows = tuple(
        RankedArm(
            arm=arm,
            score=score,
            p_best=p,
            tied=tuple(arms[ties[position]].tolist()),
            pareto=pareto,
        )
        for position, (arm, score, p, pareto) in enumerate(
            zip(
                arms.tolist(),
                intervals(belief, arms, metric),
                contest.p_best[shown].tolist(),
                front.tolist(),
                strict=True,
            )
        )
    )
    return Ranking(rows=rows, expected_regret=contest.regret(int(arms[0]), metric))


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


def pareto_front(points: Array, asked: Index) -> NDArray[np.bool_]:
    """Which of the arms asked about no other beats in one criterion without being worse in another.

    Args:
        points: Criteria of all arms, smaller is better, shape (criteria, n).
        asked: Arms, shape (k,).

    Returns:
        Shape (k,); only the rows shown are asked about, since comparing all pairs costs n^2.
    """
    mine = points[:, asked, None]
    no_worse = (points[:, None, :] <= mine).all(axis=0)
    better = (points[:, None, :] < mine).any(axis=0)
    return np.asarray(~np.any(no_worse & better, axis=1))


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
