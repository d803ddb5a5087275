"""Any file of learning curves as worlds that the scheduler can be replayed on.

A candidate here is one curve: a model, a strategy and a learning rate. Nothing is known of it beforehand but
what labelled sets of this project showed of differences between models: such a file has no figures.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.evaluation.replay.world import World
from app.fitting.recorded_tasks import RecordedTask, Scores
from app.probes.plan import OUTCOME_FINISHED, SLICE_FRACTIONS, Action, Kind, Record, RunPlan
from app.ranking.belief import Belief
from app.ranking.probe_model import FiguresWorth, Group, ProbeModel
from benchmarks.metrics import Metric
from models_registry.catalogue import load_catalogue

Array = NDArray[np.float64]

COLUMNS = ("dataset", "model", "strategy", "learning_rate", "seed", "step", "seconds", "metric")
STEPS = round(1 / SLICE_FRACTIONS[0])
"""Every curve is read at the ends of slices; its own steps are scaled to so many."""
LEAST_CURVES = 2
Sample: TypeAlias = tuple[str, str]
"""Data set and seed."""
Arm: TypeAlias = tuple[str, str, str]
"""Model, strategy and learning rate."""


class UnusableCurvesError(ValueError):
    """A file of curves cannot be replayed; the message says where and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One row of such a file: a validation score after so many steps and seconds."""

    step: int
    seconds: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreknown:
    """What is known of scores before anything is seen, comparable scale.

    Attributes:
        mean: Of all.
        shared: Variance of what the models on one data set have in common.
        own: Variance of differences between them.
    """

    mean: float
    shared: float
    own: float

    @classmethod
    def of(cls, tasks: Sequence[RecordedTask]) -> "Foreknown":
        """As recorded tasks show it."""
        found = [t.final.comparable(t.metric)[0] for t in tasks]
        means = np.array([y.mean() for y in found])
        return cls(
            mean=float(means.mean()),
            shared=float(means.var(ddof=1)),
            own=float(np.mean([y.var(ddof=1) for y in found])),
        )


@dataclass(frozen=True, eq=False)
class CurveWorld(World):
    """The curves of one data set and seed. Passes over the data cost nothing and show nothing."""

    seconds: Array

    @cached_property
    def train_seconds(self) -> Array:
        """Of the whole curves, shape (n,)."""
        return self.seconds

    def cost_of_pass(self, n_examples: int) -> Array:
        """None was recorded."""
        del n_examples
        return np.zeros(len(self.seconds))

    def plan(self, model: ProbeModel, n_features: int, seed: int) -> RunPlan:
        """The plan of a run over all curves; what they are believed to reach is not made of figures."""
        return super().plan(replace(model, figures=FiguresWorth(slope=1.0, variance=1.0)), n_features, seed)

    def perform(self, action: Action, n_features: int) -> Record:
        """What came of an action."""
        if action.kind is Kind.SLICE:
            return super().perform(action, n_features)
        return Record(kind=action.kind, model=action.model, arm=None, outcome=OUTCOME_FINISHED, seconds=0.0)


def read_curves(path: Path, metric: Metric, known: Foreknown) -> list[CurveWorld]:
    """The worlds of a file, one for each data set and seed.

    Args:
        path: CSV with the columns `COLUMNS`.
        metric: What the column `metric` holds.
        known: Of scores, before any is seen.

    Raises:
        UnusableCurvesError: A column is missing, a value is none, or a data set has fewer than two curves.
    """
    curves: dict[Sample, dict[Arm, list[CurvePoint]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise UnusableCurvesError(
                f"{path.name} lacks {', '.join(missing)}; it needs {', '.join(COLUMNS)}"
            )
        for row in reader:
            where = f"{path.name}, line {reader.line_num}"
            point = CurvePoint(
                step=int(_number(row, "step", where, least=1)),
                seconds=_number(row, "seconds", where, least=0),
                value=_number(row, "metric", where, least=metric.low, most=metric.high),
            )
            arm = row["model"], row["strategy"], row["learning_rate"]
            curves[row["dataset"], row["seed"]][arm].append(point)
    if not curves:
        raise UnusableCurvesError(f"{path.name} has no rows")
    static = {e.id for e in load_catalogue().entries if e.n_layers == 0}
    return [_world(sample, found, metric, known, static) for sample, found in curves.items()]


def _number(row: dict[str, str], name: str, where: str, *, least: float, most: float = math.inf) -> float:
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise UnusableCurvesError(f"{where}: {name} is {row[name]!r}, which is no number") from None
    if not least <= value <= most:
        raise UnusableCurvesError(f"{where}: {name} is {value:g}, outside {least:g} to {most:g}")
    return value


def _world(
    sample: Sample,
    curves: dict[Arm, list[CurvePoint]],
    metric: Metric,
    known: Foreknown,
    static: Iterable[str],
) -> CurveWorld:
    dataset, seed = sample
    if len(curves) < LEAST_CURVES:
        raise UnusableCurvesError(f"{dataset}, seed {seed}, has one curve; nothing is to be chosen")
    arms = sorted(curves)
    ordered = [sorted(curves[arm], key=lambda p: p.step) for arm in arms]
    n = len(arms)

    def at(fraction: float) -> Scores:
        values = np.array([_at(points, fraction) for points in ordered])
        return Scores(values=values, errors=np.zeros(n))

    task = RecordedTask(
        dataset=dataset,
        seed=int(seed) if seed.isdigit() else 0,
        metric=metric,
        models=tuple(" ".join(part for part in arm if part) for arm in arms),
        groups=tuple(Group.STATIC if arm[0] in static else Group.LAYERED for arm in arms),
        n_train=1,
        n_validation=0,
        steps=STEPS,
        final=at(1.0),
        slices={round(f * STEPS): at(f) for f in SLICE_FRACTIONS},
        heads={},
        estimators={},
        prior=Belief(
            mean=np.full(n, known.mean), covariance=known.own * np.eye(n), level_variance=known.shared
        ),
    )
    seconds = np.array([max(points[-1].seconds, 1e-9) for points in ordered])
    return CurveWorld(task, example_seconds=np.zeros(n), loading_seconds=np.zeros(n), seconds=seconds)


def _at(points: Sequence[CurvePoint], fraction: float) -> float:
    """The newest score at this share of a curve's steps; the first where none is that early."""
    reached = [p.value for p in points if p.step <= fraction * points[-1].step + 1e-9]
    return reached[-1] if reached else points[0].value
