"""Any file of learning curves as worlds that the scheduler can be replayed on.

A candidate here is one curve: a model, a strategy and a learning rate. Such a file has no figures; what is
known of a candidate beforehand is what it costs and what it reached on the file's other data sets.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.evaluation.figure_rows import PERCENT, scale_of
from app.evaluation.replay.foreknown import Arm, Finished, Foreknown, cost_of, outcomes_by_dataset
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


class UnusableCurvesError(ValueError):
    """A file of curves cannot be replayed; the message says where and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One row of such a file: a validation score after so many steps and seconds."""

    step: int
    seconds: float
    value: float


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
        metric: What the column `metric` holds, as fractions or in percent, each data set in one of them.
        known: Of scores, before any is seen.

    Raises:
        UnusableCurvesError: A column is missing, a value is none, or a data set has fewer than two curves.
    """
    curves: dict[Sample, dict[Arm, list[CurvePoint]]] = defaultdict(lambda: defaultdict(list))
    unit = 1.0 / PERCENT if metric.is_rate else 1.0
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
                value=_number(row, "metric", where, least=metric.low * unit, most=metric.high * unit),
            )
            arm = row["model"], row["strategy"], row["learning_rate"]
            curves[row["dataset"], row["seed"]][arm].append(point)
    if not curves:
        raise UnusableCurvesError(f"{path.name} has no rows")
    static = frozenset(e.id for e in load_catalogue().entries if e.n_layers == 0)
    scales = _scales(path, curves, metric)
    samples = [Curves.of(s, found, metric, scales[s[0]]) for s, found in curves.items()]
    outcomes = outcomes_by_dataset(sample.finished() for sample in samples)
    worlds = []
    for sample in samples:
        others = [found for dataset, found in sorted(outcomes.items()) if dataset != sample.dataset]
        worlds.append(sample.world(known.believe(sample.arms, cost_of(sample.seconds), others), static))
    return worlds


def _scales(
    path: Path, curves: Mapping[Sample, Mapping[Arm, Sequence[CurvePoint]]], metric: Metric
) -> dict[str, float]:
    """What the scores of each data set are multiplied by: some are fractions, some percent."""
    values: dict[str, list[float]] = defaultdict(list)
    for (dataset, _), arms in curves.items():
        values[dataset] += [p.value for points in arms.values() for p in points]
    scales = {}
    for dataset, found in values.items():
        try:
            scale, is_sure = scale_of(np.array(found), metric)
        except ValueError as error:
            raise UnusableCurvesError(f"{path.name}, {dataset}: {error}") from None
        if not is_sure.all():
            raise UnusableCurvesError(
                f"{path.name}, {dataset}: values are in part fractions, in part percent"
            )
        scales[dataset] = scale
    return scales


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curves:
    """The curves of one data set and seed.

    Attributes:
        dataset: Its name.
        seed: As the file has it.
        metric: Of the scores.
        arms: n of them, in order.
        points: Of each, by step.
    """

    dataset: str
    seed: str
    metric: Metric
    arms: tuple[Arm, ...]
    points: tuple[tuple[CurvePoint, ...], ...]

    @classmethod
    def of(
        cls, sample: Sample, curves: Mapping[Arm, Sequence[CurvePoint]], metric: Metric, scale: float
    ) -> Self:
        """From the points of each arm, whose scores are multiplied by a scale.

        Raises:
            UnusableCurvesError: There are fewer than two.
        """
        dataset, seed = sample
        if len(curves) < LEAST_CURVES:
            raise UnusableCurvesError(f"{dataset}, seed {seed}, has one curve; nothing is to be chosen")
        arms = tuple(sorted(curves))
        scaled = {a: [replace(p, value=scale * p.value) for p in curves[a]] for a in arms}
        points = tuple(tuple(sorted(scaled[arm], key=lambda p: p.step)) for arm in arms)
        return cls(dataset=dataset, seed=seed, metric=metric, arms=arms, points=points)

    @property
    def seconds(self) -> Array:
        """Of the whole curves, shape (n,)."""
        return np.array([max(points[-1].seconds, 1e-9) for points in self.points])

    def at(self, fraction: float) -> Scores:
        """At this share of the curves' steps."""
        values = np.array([_at(points, fraction) for points in self.points])
        return Scores(values=values, errors=np.zeros(len(values)))

    def finished(self) -> Finished:
        """Where the curves end."""
        scores = self.metric.to_comparable(self.at(1.0).values)
        return Finished(dataset=self.dataset, arms=self.arms, scores=scores, seconds=self.seconds)

    def world(self, prior: Belief, static: frozenset[str]) -> CurveWorld:
        """With this belief over the final scores.

        Args:
            prior: What is known before anything is seen.
            static: Ids of tables of word vectors.
        """
        task = RecordedTask(
            dataset=self.dataset,
            seed=int(self.seed) if self.seed.isdigit() else 0,
            metric=self.metric,
            models=tuple(" ".join(part for part in arm if part) for arm in self.arms),
            groups=tuple(Group.STATIC if arm[0] in static else Group.LAYERED for arm in self.arms),
            n_train=1,
            n_validation=0,
            steps=STEPS,
            final=self.at(1.0),
            slices={round(f * STEPS): self.at(f) for f in SLICE_FRACTIONS},
            heads={},
            estimators={},
            prior=prior,
        )
        zeros = np.zeros(len(self.arms))
        return CurveWorld(task, example_seconds=zeros, loading_seconds=zeros, seconds=self.seconds)


def _number(row: dict[str, str], name: str, where: str, *, least: float, most: float = math.inf) -> float:
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise UnusableCurvesError(f"{where}: {name} is {row[name]!r}, which is no number") from None
    if not least <= value <= most:
        raise UnusableCurvesError(f"{where}: {name} is {value:g}, outside {least:g} to {most:g}")
    return value


def _at(points: Sequence[CurvePoint], fraction: float) -> float:
    """The newest score at this share of a curve's steps; the first where none is that early."""
    reached = [p.value for p in points if p.step <= fraction * points[-1].step + 1e-9]
    return reached[-1] if reached else points[0].value
