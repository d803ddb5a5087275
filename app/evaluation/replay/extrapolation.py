"""How well slices foretell final scores: what the service learnt beside curve families and a process.

Notation, of one candidate, comparable scale:
    s, y(s)     share of the steps, and the validation score there
    f           share up to which the curve is seen
    t           final score, to be foretold from all y(s) with s <= f

    last value      t = y(f)
    power law       y(s) = t - a (s^-q - 1)
    exponential     y(s) = t - a (exp(-q s) - exp(-q))
    freeze-thaw     y is a Gaussian process with covariance v + w q / (s + s' + q), plus noise n
    advisor         the belief of `app.ranking.probed`, from the slices of all candidates, without passes

Parameters are learnt on the other labelled sets: (a, q) by least squares, those of the process and its mean
by marginal likelihood; t of a curve is the mean of what its points say. Curves of four points bear no more
free parameters. Networks that were trained to extrapolate curves (LC-PFN, FT-PFN) fetch their weights from a
site of their own when they run, so they are not compared.

Sources: Domhan, Springenberg and Hutter 2015, "Speeding Up Automatic Hyperparameter Optimization of Deep
Neural Networks by Extrapolation of Learning Curves", table 1; Swersky, Snoek and Adams 2014, "Freeze-Thaw
Bayesian Optimization", section 3.1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from app.fitting.recorded_tasks import RecordedTask
from app.ranking.posterior import INTERVAL_LEVEL
from app.ranking.probe_model import SLICE, ProbeModel
from app.ranking.probed import Observation, Probed

Array = NDArray[np.float64]

Foretold = tuple[Array, Array | None]
"""Means and deviations of the final scores, shape (n,) each; None from what says nothing of its own error."""
LAST, POWER, EXPONENTIAL, FREEZE_THAW, ADVISOR = (
    "last value",
    "power law",
    "exponential",
    "freeze-thaw process",
    "advisor",
)
ROUNDED = 0.01
"""Slices end with a step, so that an eighth of 189 steps is 24 of them."""
Z = float(norm.ppf(0.5 + INTERVAL_LEVEL / 2))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Seen:
    """The curves of a task up to a share.

    Attributes:
        shares: Of the steps, increasing, shape (k,).
        y: Shape (n, k).
    """

    shares: Array
    y: Array

    @classmethod
    def of(cls, task: RecordedTask, until: float) -> "Seen":
        """From the slices of a task."""
        steps = [step for step in sorted(task.slices) if step / task.steps <= until + ROUNDED]
        y = [task.slices[step].comparable(task.metric)[0] for step in steps]
        return cls(shares=np.array(steps) / task.steps, y=np.array(y).T)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Of one way to foretell, from one share, mean over labelled sets.

    Attributes:
        way: Its name.
        until: Share of the steps that was seen.
        score: Root mean squared error of the final score, comparable scale.
        order: The same of its deviation from the mean over the candidates, which is all that an order needs.
        held: Share of the final scores in 80 % intervals; None where there are none.
    """

    way: str
    until: float
    score: float
    order: float
    held: float | None


def extrapolation_errors(
    tasks: Sequence[RecordedTask], model_without: Callable[[str], ProbeModel], shares: Iterable[float]
) -> list[Error]:
    """Every way from every share, each learnt on the other labelled sets.

    Args:
        tasks: Recorded.
        model_without: What was learnt of probes without a labelled set.
        shares: Up to which curves are seen.
    """
    datasets = sorted({t.dataset for t in tasks})
    found = []
    for until in shares:
        rows: dict[str, list[tuple[float, float, float | None]]] = {}
        for dataset in datasets:
            others = [t for t in tasks if t.dataset != dataset]
            ways = {**_families(others), ADVISOR: _advisor(model_without(dataset))}
            mine = [t for t in tasks if t.dataset == dataset]
            for way, foretell in ways.items():
                rows.setdefault(way, []).append(_missed(mine, foretell, until))
        found += [_mean(way, until, errors) for way, errors in rows.items()]
    return found


def _mean(way: str, until: float, errors: Sequence[tuple[float, float, float | None]]) -> Error:
    held = [h for _, _, h in errors if h is not None]
    return Error(
        way=way,
        until=until,
        score=float(np.sqrt(np.mean([score for score, _, _ in errors]))),
        order=float(np.sqrt(np.mean([order for _, order, _ in errors]))),
        held=float(np.mean(held)) if held else None,
    )


Foretell = Callable[[RecordedTask, float], Foretold]


def _missed(
    tasks: Sequence[RecordedTask], foretell: Foretell, until: float
) -> tuple[float, float, float | None]:
    """Mean squared errors of scores and of deviations, and the share held, over the samples of a set."""
    score, order, held = [], [], []
    for task in tasks:
        t, variance = task.final.comparable(task.metric)
        mean, deviation = foretell(task, until)
        miss = mean - t
        score.append(np.mean(miss**2))
        order.append(np.mean((miss - miss.mean()) ** 2))
        if deviation is not None:
            held.append(np.mean(np.abs(miss) <= Z * np.sqrt(deviation**2 + variance)))
    return float(np.mean(score)), float(np.mean(order)), float(np.mean(held)) if held else None


def _families(others: Sequence[RecordedTask]) -> Mapping[str, Foretell]:
    """Everything but the advisor, learnt on these tasks."""
    whole = [(Seen.of(task, 1.0), task.final.comparable(task.metric)[0]) for task in others]

    def last(task: RecordedTask, until: float) -> Foretold:
        return Seen.of(task, until).y[:, -1], None

    return {
        LAST: last,
        POWER: _fitted(whole, lambda s, q: s**-q - 1.0),
        EXPONENTIAL: _fitted(whole, lambda s, q: np.exp(-q * s) - np.exp(-q)),
        FREEZE_THAW: _freeze_thaw(whole),
    }


def _fitted(whole: Sequence[tuple[Seen, Array]], missing: Callable[[Array, float], Array]) -> Foretell:
    """A family t - a missing(s, q) of curves, a and q by least squares of what is missing to the end."""

    def loss(parameters: Array) -> float:
        a, q = np.exp(parameters)
        rest = [t[:, None] - seen.y - a * missing(seen.shares, q) for seen, t in whole]
        return float(np.mean([np.mean(r**2) for r in rest]))

    a, q = np.exp(minimize(loss, np.log([0.3, 1.0]), method="Nelder-Mead").x)

    def foretell(task: RecordedTask, until: float) -> Foretold:
        seen = Seen.of(task, until)
        return (seen.y + a * missing(seen.shares, q)).mean(axis=1), None

    return foretell


def _freeze_thaw(whole: Sequence[tuple[Seen, Array]]) -> Foretell:
    """A Gaussian process over shares whose covariance decays as an exponential mixture does."""

    def covariance(parameters: Array, s: Array, others: Array) -> Array:
        v, w, q, _ = np.exp(parameters)
        return np.asarray(v + w * q / (s[:, None] + others + q))

    def surprise(parameters: Array) -> float:
        total = 0.0
        for seen, t in whole:
            k = covariance(parameters[1:], seen.shares, seen.shares)
            k += np.exp(parameters[4]) * np.eye(len(seen.shares))
            rest = (seen.y - parameters[0]).T
            _, log_determinant = np.linalg.slogdet(k)
            total += 0.5 * (np.sum(rest * np.linalg.solve(k, rest)) + len(t) * log_determinant) / len(t)
        return total / len(whole)

    start = np.array([np.mean([t.mean() for _, t in whole]), *np.log([0.3, 0.3, 0.3, 0.03])])
    found = np.asarray(minimize(surprise, start, method="Powell").x)
    mean, rest, noise = found[0], found[1:], np.exp(found[4])

    def foretell(task: RecordedTask, until: float) -> Foretold:
        seen, end = Seen.of(task, until), np.ones(1)
        k = covariance(rest, seen.shares, seen.shares) + noise * np.eye(len(seen.shares))
        crossed = covariance(rest, end, seen.shares)
        weights = np.linalg.solve(k, crossed.T)[:, 0]
        variance = float(covariance(rest, end, end)[0, 0] - crossed[0] @ weights)
        deviations = np.full(len(seen.y), np.sqrt(max(variance, 0.0)))
        return mean + (seen.y - mean) @ weights, deviations

    return foretell


def _advisor(model: ProbeModel) -> Foretell:
    """What the scheduler believes once it has seen every candidate up to a share."""

    def foretell(task: RecordedTask, until: float) -> Foretold:
        step = max(s for s in task.slices if s / task.steps <= until + ROUNDED)
        values, variances = task.slices[step].comparable(task.metric)
        observations = tuple(
            Observation(candidate=m, kind=SLICE, share=step / task.steps, value=float(y), variance=float(v))
            for m, (y, v) in enumerate(zip(values, variances, strict=True))
        )
        prior = model.joined(task.prior, task.groups)
        belief = Probed(prior, model, task.groups, observations).belief
        return belief.mean[::2], np.sqrt(belief.variance[::2])

    return foretell
