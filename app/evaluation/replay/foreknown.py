"""What a file of curves tells of one of its data sets beforehand: the other data sets, and what things cost.

In the service figures say before a run which candidates are strong. A file of curves has no figures, but
its other data sets play their part, and so does the price: what costs more to train tends to reach more.

Notation, of n arms on one data set (an arm is a model, a strategy and a learning rate), comparable scale:
    x~          log2 of the arms' seconds, less its mean over them, shape (n,)
    r           final scores, less their mean and what the price foretells, b x~, shape (n,)
    K           correlation of r: 1 on the diagonal, `alike` between arms of one model, else 0, shape (n, n)
    v, p        variance of r, and the share of it that an arm shows on every data set alike

    r_d = u + e_d,      u ~ N(0, p v K),    e_d ~ N(0, (1 - p) v K)

All are learnt from the recorded tasks of this project and from the other data sets of the file, v and p by
moments: the mean of r over D data sets varies by (p + (1 - p) / D) v K, r around it by (1 - p) v K.

Source: Searle, Casella and McCulloch 1992, "Variance Components", section 3.6, for the moments.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from app.evaluation.replay.world import World
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.belief import Belief
from app.ranking.probe_model import ProbeModel
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]
Arm = tuple[str, str, str]
"""Model, strategy and learning rate."""

LEAST_VARIANCE = 1e-3
"""As for what probes leave unexplained: below it no two scores of ours are told apart."""
LEAST_PRICE = 1e-3
"""Share of the dearest arm's seconds: what costs less, such as nothing, counts as so much."""
MOST_LASTING = 0.95
"""Share of the deviations that may be the same everywhere: no two data sets order arms quite alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sums from which v and p follow; those of two sources add up.

    Attributes:
        within: Squared deviations from the arms' means over data sets.
        within_degrees: Of freedom.
        between: Squared means over data sets, times the number of data sets.
        between_degrees: Of freedom.
        n_datasets: On average, behind each mean.
    """

    within: float = 0.0
    within_degrees: float = 0.0
    between: float = 0.0
    between_degrees: float = 0.0
    n_datasets: float = 1.0

    def __add__(self, other: "Moments") -> "Moments":
        degrees = self.between_degrees + other.between_degrees
        share = self.between_degrees / degrees if degrees else 1.0
        return Moments(
            within=self.within + other.within,
            within_degrees=self.within_degrees + other.within_degrees,
            between=self.between + other.between,
            between_degrees=degrees,
            n_datasets=share * self.n_datasets + (1.0 - share) * other.n_datasets,
        )

    @property
    def passing(self) -> float:
        """What passes: (1 - p) v."""
        return max(self.within / max(self.within_degrees, 1.0), LEAST_VARIANCE)

    @property
    def lasting(self) -> float:
        """What lasts: p v."""
        found = (self.between / max(self.between_degrees, 1.0) - self.passing) / self.n_datasets
        return float(np.clip(found, 0.0, self.passing * MOST_LASTING / (1.0 - MOST_LASTING)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outcomes:
    """Final scores of arms on one data set, mean over its seeds.

    Attributes:
        y: Comparable scale, by arm.
        cost: Log2 of the seconds, by arm.
    """

    y: Mapping[Arm, float]
    cost: Mapping[Arm, float]

    def priced(self) -> tuple[float, float]:
        """Covariance of scores and prices over the arms, and the variance of the prices."""
        arms = sorted(self.y)
        x = np.array([self.cost[a] for a in arms])
        x = x - x.mean()
        return float(x @ self.rest(arms, 0.0)) / len(arms), float(x @ x) / len(arms)

    def rest(self, arms: Sequence[Arm], price: float) -> Array:
        """The r of these arms."""
        y = np.array([self.y[a] for a in arms]) - price * np.array([self.cost[a] for a in arms])
        return np.asarray(y - y.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreknown:
    """What is known of scores before anything is seen, comparable scale.

    Attributes:
        mean: Of all.
        shared: Variance of what the arms on one data set have in common.
        priced: Covariance of scores and prices on a recorded task, and variance of prices; b is their ratio.
        alike: Correlation of two arms of one model.
        moments: Of recorded tasks.
    """

    mean: float
    shared: float
    priced: tuple[float, float]
    alike: float
    moments: Moments

    @classmethod
    def of(cls, tasks: Sequence[RecordedTask], model: ProbeModel) -> "Foreknown":
        """As recorded tasks show it.

        Args:
            tasks: Of full fine-tunes.
            model: What was learnt of probes: what strategies reach beside the full fine-tune.
        """
        found = list(outcomes_by_dataset(_finished(t) for t in tasks).values())
        means = np.array([np.mean(list(o.y.values())) for o in found])
        priced = np.mean([o.priced() for o in found], axis=0)
        moments = moments_of(found, float(priced[0] / priced[1]), alike=0.0)
        total = moments.lasting + moments.passing
        apart = float(np.mean([r.own for r in model.adapted.values()])) if model.adapted else total
        return cls(
            mean=float(means.mean()),
            shared=float(means.var(ddof=1)),
            priced=(float(priced[0]), float(priced[1])),
            alike=float(np.clip(1.0 - apart / total, 0.0, 0.99)),
            moments=moments,
        )

    def believe(self, arms: Sequence[Arm], cost: Array, others: Sequence[Outcomes]) -> Belief:
        """Over the final scores of n arms, after what the other data sets show of them.

        Args:
            arms: That are to be tried.
            cost: Log2 of their seconds, shape (n,).
            others: Data sets with some of the arms.
        """
        price = self.price_after(others)
        moments = self._told_by(others, price)
        k = _alike(arms, arms, self.alike)
        mean = self.mean + price * (cost - cost.mean())
        covariance = (moments.lasting + moments.passing) * k
        told = [o for o in others if len(o.y.keys() & set(arms)) > 1]
        if told and moments.lasting > 0.0:
            step, less = self._learnt(arms, told, moments, price)
            mean, covariance = mean + step, covariance - less
        return Belief(mean=mean, covariance=covariance, level_variance=self.shared)

    def price_after(self, others: Sequence[Outcomes]) -> float:
        """What b is where recorded tasks count as one data set beside the others."""
        covariance, variance = np.sum([self.priced, *(o.priced() for o in others)], axis=0)
        return float(covariance / variance)

    def _told_by(self, others: Sequence[Outcomes], price: float) -> Moments:
        """The moments of recorded tasks, which count as one data set more, and of those of the file."""
        mine = self.moments
        weight = 1.0 / max(mine.within_degrees / max(mine.between_degrees, 1.0), 1.0)
        prior = replace(
            mine,
            within=mine.within * weight,
            within_degrees=mine.within_degrees * weight,
            between=mine.between * weight,
            between_degrees=mine.between_degrees * weight,
        )
        return prior + moments_of(others, price, self.alike)

    def _learnt(
        self, arms: Sequence[Arm], others: Sequence[Outcomes], moments: Moments, price: float
    ) -> tuple[Array, Array]:
        """By how much the mean moves and the covariance shrinks, having seen the others."""
        seen = sorted({a for o in others for a in o.y})
        index = {a: i for i, a in enumerate(seen)}
        total, together = np.zeros(len(seen)), np.zeros((len(seen), len(seen)))
        for outcomes in others:
            mine = sorted(outcomes.y)
            places = np.array([index[a] for a in mine])
            total[places] += outcomes.rest(mine, price)
            together[np.ix_(places, places)] += 1.0
        n = np.diag(together)
        k = _alike(seen, seen, self.alike)
        noise = moments.passing * k * together / np.outer(n, n)
        crossed = moments.lasting * _alike(seen, arms, self.alike)
        system = moments.lasting * k + noise + LEAST_VARIANCE * np.eye(len(seen))
        factor = cho_factor(system, lower=True)
        return crossed.T @ cho_solve(factor, total / n), crossed.T @ cho_solve(factor, crossed)


def moments_of(found: Sequence[Outcomes], price: float, alike: float) -> Moments:
    """Of the arms that all of these data sets have; none where there are too few."""
    arms = sorted(set.intersection(*(set(o.y) for o in found))) if found else []
    if len(found) < 2 or len(arms) < 2:
        return Moments()
    factor = cho_factor(_alike(arms, arms, alike), lower=True)
    rest = np.array([o.rest(arms, price) for o in found])  # (D, n)
    middle = rest.mean(axis=0)

    def size(r: Array) -> float:
        return float(r @ cho_solve(factor, r))

    return Moments(
        within=sum(size(r - middle) for r in rest),
        within_degrees=float((len(found) - 1) * (len(arms) - 1)),
        between=len(found) * size(middle),
        between_degrees=float(len(arms) - 1),
        n_datasets=float(len(found)),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Finished:
    """Whole curves of n arms on one sample of a data set.

    Attributes:
        dataset: Its name.
        arms: n of them.
        scores: Final ones, comparable scale, shape (n,).
        seconds: Shape (n,).
    """

    dataset: str
    arms: Sequence[Arm]
    scores: Array
    seconds: Array


def outcomes_by_dataset(samples: Iterable[Finished]) -> dict[str, Outcomes]:
    """What arms came to on each data set, mean over its samples."""
    found: dict[str, dict[Arm, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for s in samples:
        for arm, score, cost in zip(s.arms, s.scores.tolist(), cost_of(s.seconds).tolist(), strict=True):
            found[s.dataset][arm].append((score, cost))
    means = {d: {arm: np.mean(rows, axis=0) for arm, rows in arms.items()} for d, arms in found.items()}
    return {
        d: Outcomes(
            y={arm: float(mean[0]) for arm, mean in arms.items()},
            cost={arm: float(mean[1]) for arm, mean in arms.items()},
        )
        for d, arms in means.items()
    }


def cost_of(seconds: Array) -> Array:
    """Log2 of seconds, of which the dearest are not more than 1 / `LEAST_PRICE` times the cheapest."""
    return np.asarray(np.log2(np.maximum(seconds, LEAST_PRICE * seconds.max())))


def _finished(task: RecordedTask) -> Finished:
    return Finished(
        dataset=task.dataset,
        arms=[(m, Strategy.FULL.value, "") for m in task.models],
        scores=task.final.comparable(task.metric)[0],
        seconds=World.of(task).train_seconds,
    )


def _alike(some: Sequence[Arm], others: Sequence[Arm], alike: float) -> Array:
    """The K between two lists of arms."""
    same_model = np.equal.outer(np.array([a[0] for a in some]), np.array([a[0] for a in others]))
    same = np.array([[a == b for b in others] for a in some])
    return np.where(same, 1.0, alike * same_model)
