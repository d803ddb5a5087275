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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from app.fitting.recorded_observations import slices_of
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.posterior import INTERVAL_LEVEL
from app.ranking.probe_model import ProbeModel
from app.ranking.probed import Probed

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
class Miss:
    """How far one way to foretell is off, from one share.

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


Foretell = Callable[[RecordedTask, float], Foretold]
"""From a task and the share up to which its curves are seen."""


def misses(
    tasks: Sequence[RecordedTask], model_without: Callable[[str], ProbeModel], shares: Sequence[float]
) -> list[Miss]:
    """Every way from every share, each learnt on the other labelled sets; the mean over these.

    Args:
        tasks: Recorded.
        model_without: What was learnt of probes without a labelled set.
        shares: Up to which curves are seen.
    """
    found: dict[tuple[float, str], list[Miss]] = {}
    for dataset in sorted({t.dataset for t in tasks}):
        mine = [t for t in tasks if t.dataset == dataset]
        ways = _families([t for t in tasks if t.dataset != dataset]) | {
            ADVISOR: _advisor(model_without(dataset))
        }
        for way, foretell in ways.items():
            for until in shares:
                miss = _mean([_missed(t, way, foretell, until) for t in mine])
                found.setdefault((until, way), []).append(miss)
    return [_mean(of_sets) for of_sets in found.values()]


def _missed(task: RecordedTask, way: str, foretell: Foretell, until: float) -> Miss:
    t, variance = task.final.comparable(task.metric)
    mean, deviation = foretell(task, until)
    off = mean - t
    is_held = None if deviation is None else np.abs(off) <= Z * np.sqrt(deviation**2 + variance)
    return Miss(
        way=way,
        until=until,
        score=float(np.sqrt(np.mean(off**2))),
        order=float(off.std()),
        held=None if is_held is None else float(np.mean(is_held)),
    )


def _mean(found: Sequence[Miss]) -> Miss:
    """Of misses of one way from one share: squares are averaged, and shares held."""
    held = [m.held for m in found if m.held is not None]
    return replace(
        found[0],
        score=float(np.sqrt(np.mean([m.score**2 for m in found]))),
        order=float(np.sqrt(np.mean([m.order**2 for m in found]))),
        held=float(np.mean(held)) if held else None,
    )


def _families(others: Sequence[RecordedTask]) -> dict[str, Foretell]:
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
        prior = model.joined(task.prior, task.groups)
        belief = Probed(prior, model, task.groups, slices_of(task, until)).belief
        return belief.mean[::2], np.sqrt(belief.variance[::2])

    return foretell
