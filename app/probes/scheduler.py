"""Which piece of work comes next in a probe run: pure decisions on numpy, replayed from their records.

A scheduler is a function of its plan and of the records that it was told, in order. A worker that takes a run
over tells a new scheduler the same records and goes on where the other left off.

The way of a run: one pass over the data for every candidate (its frozen features serve the head and the
transferability estimators), then slices of fine-tuning, each where it is worth most a second, until the
answer is good enough, nothing is left to learn, or the budget is spent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.probes.states import TrialStatus
from app.ranking.allocation import knowledge_gradient
from app.ranking.belief import Belief
from app.ranking.curves import CurveCalibration
from app.ranking.evidence import N_SAMPLES, arm_of
from app.ranking.posterior import expected_regret, p_best
from benchmarks.metrics import Metric
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]

SLICE_FRACTIONS = (0.125, 0.25, 0.5, 1.0)
"""Ends of an arm's slices as shares of its steps: each doubles what is known, as successive halving does."""
SLICE_MARGIN = 1.3
"""Predicted costs are right within about 30 %: a slice that the budget cuts off is time for nothing."""
NEGLIGIBLE_VALUE = 1e-6
"""Expected improvement, comparable scale, below which a slice can no longer change the answer."""


class Kind(StrEnum):
    """Kinds of work."""

    FEATURES = "features"
    SLICE = "slice"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPlan:
    """One arm of a run, with its costs as predicted when the run started.

    Attributes:
        model: Position of its model among the candidates.
        strategy: `head` or `full`.
        total_steps: Optimiser steps to its end; 0 for a head, which needs none.
        step_seconds: Of one step, predicted.
        slice_overhead_seconds: Validation and saving, a slice.
    """

    model: int
    strategy: Strategy
    total_steps: int
    step_seconds: float
    slice_overhead_seconds: float

    def slice_ends(self) -> tuple[int, ...]:
        """Steps at which its slices end."""
        return tuple(sorted({max(1, round(f * self.total_steps)) for f in SLICE_FRACTIONS}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything a scheduler decides by, frozen when the run starts.

    Attributes:
        belief: Prior over two arms a candidate (tuned, frozen), comparable scale.
        names: Of the candidates.
        feature_seconds: Predicted cost of one pass over the data, by candidate.
        arms: The arms that are probed and ranked.
        metric: The user's.
        stop_p_best: Probability at which the answer is good enough.
        stop_regret: Expected regret (metric units) at which it is.
        seed: Of the draws.
    """

    belief: Belief
    names: tuple[str, ...]
    feature_seconds: tuple[float, ...]
    arms: tuple[ArmPlan, ...]
    metric: Metric
    stop_p_best: float
    stop_regret: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One piece of work.

    Attributes:
        kind: What it is.
        model: Position of the candidate.
        arm: Index into `RunPlan.arms`; None for a feature pass, which serves all arms of its model.
        until_step: Where a slice ends.
        predicted_seconds: Its cost as the plan predicts it.
    """

    kind: Kind
    model: int
    arm: int | None
    until_step: int | None
    predicted_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The run ends, and why."""

    reason: str
    detail: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What came of an action.

    Attributes:
        kind: Of the action.
        model: Position of the candidate.
        arm: Index of the arm; None for a feature pass.
        outcome: `finished`, or the trial status that ended it.
        seconds: Charged.
        step: Steps done by the arm after a slice.
        score: Validation score of the head or the slice, metric units.
        std_error: Of the score.
    """

    kind: Kind
    model: int
    arm: int | None
    outcome: str
    seconds: float
    step: int = 0
    score: float | None = None
    std_error: float = 0.0

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Record":
        """The record that was kept."""
        return cls(**{**raw, "kind": Kind(raw["kind"])})

    def to_json(self) -> dict[str, Any]:
        """What is kept of it."""
        return {name: getattr(self, name) for name in self.__slots__}


OUTCOME_FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmScore:
    """The newest score of an arm.

    Attributes:
        value: In the metric's units.
        std_error: Of the value.
        extrapolation_variance: Of the way from here to the arm's end, comparable scale; 0 at its end.
        fraction: Share of its steps done.
    """

    value: float
    std_error: float
    extrapolation_variance: float
    fraction: float


class Scheduler:
    """Decides what is worth doing next; knows nothing of clocks, processes or databases."""

    def __init__(self, plan: RunPlan, curves: CurveCalibration, records: Sequence[Record] = ()) -> None:
        self.plan = plan
        self._curves = curves
        self._featured: set[int] = set()
        self._ended: dict[int, TrialStatus] = {}
        self._steps: dict[int, int] = {}
        self._frozen: dict[int, tuple[float, float]] = {}
        self._slices: dict[int, tuple[int, float, float]] = {}
        self._lost_models: set[int] = set()
        self.measured_seconds = 0.0
        self.predicted_seconds = 0.0
        for record in records:
            self.tell(record)

    def tell(self, record: Record) -> None:
        """Take in what came of an action."""
        self.measured_seconds += record.seconds
        match record.kind:
            case Kind.FEATURES:
                self._tell_features(record)
            case Kind.SLICE:
                self._tell_slice(record)

    def _tell_features(self, record: Record) -> None:
        self._featured.add(record.model)
        self.predicted_seconds += self.plan.feature_seconds[record.model]
        if record.outcome != OUTCOME_FINISHED:
            self._lost_models.add(record.model)
            for arm, plan in enumerate(self.plan.arms):
                if plan.model == record.model:
                    self._ended[arm] = TrialStatus(record.outcome)
            return
        if record.score is not None:
            self._frozen[record.model] = (record.score, record.std_error)
        for arm, plan in enumerate(self.plan.arms):
            if plan.model == record.model and plan.strategy is Strategy.HEAD:
                self._ended[arm] = TrialStatus.FINISHED

    def _tell_slice(self, record: Record) -> None:
        arm = record.arm
        if arm is None:
            raise ValueError("a slice belongs to an arm")
        plan = self.plan.arms[arm]
        self.predicted_seconds += self._slice_seconds(plan, self._steps.get(arm, 0), record.step)
        if record.outcome != OUTCOME_FINISHED:
            self._ended[arm] = TrialStatus(record.outcome)
            return
        self._steps[arm] = record.step
        if record.score is not None:
            self._slices[arm] = (record.step, record.score, record.std_error)
        if record.step >= plan.total_steps:
            self._ended[arm] = TrialStatus.FINISHED

    def belief(self) -> Belief:
        """The belief after everything told, over two arms a candidate."""
        found = [self._frozen_observation(model, *seen) for model, seen in sorted(self._frozen.items())]
        found += [self._slice_observation(arm, *seen) for arm, seen in sorted(self._slices.items())]
        if not found:
            return self.plan.belief
        arms, values, noise, shift = (np.array(column) for column in zip(*found, strict=True))
        return self.plan.belief.condition(arms.astype(np.intp), values, noise, shift)

    def _frozen_observation(self, model: int, score: float, error: float) -> tuple[int, float, float, float]:
        y, variance = self._comparable(score, error)
        return 2 * model + arm_of(Strategy.HEAD), y, variance, 0.0

    def _slice_observation(
        self, arm: int, step: int, score: float, error: float
    ) -> tuple[int, float, float, float]:
        plan = self.plan.arms[arm]
        fraction = min(step / plan.total_steps, 1.0)
        y, variance = self._comparable(score, error)
        position = 2 * plan.model + arm_of(plan.strategy)
        return position, y, variance + self._curves.variance(fraction), -self._curves.gain(fraction)

    def _comparable(self, score: float, error: float) -> tuple[float, float]:
        y, variance = self.plan.metric.measured(score, error)
        return float(y), float(variance)

    def scores(self) -> dict[int, ArmScore]:
        """The newest score of every arm that has one."""
        found = {}
        for arm, plan in enumerate(self.plan.arms):
            if plan.strategy is Strategy.HEAD and plan.model in self._frozen:
                value, error = self._frozen[plan.model]
                found[arm] = ArmScore(value=value, std_error=error, extrapolation_variance=0.0, fraction=1.0)
            elif arm in self._slices:
                step, value, error = self._slices[arm]
                fraction = min(step / plan.total_steps, 1.0)
                variance = self._curves.variance(fraction) if self._ended.get(arm) is None else 0.0
                found[arm] = ArmScore(
                    value=value, std_error=error, extrapolation_variance=variance, fraction=fraction
                )
        return found

    def rankable(self) -> list[int]:
        """Arms that can still be the answer: all but those that failed.

        A slice that the end of the budget cut off says nothing against its arm.
        """
        failed = {TrialStatus.OUT_OF_MEMORY, TrialStatus.DIVERGED, TrialStatus.FAILED}
        return [arm for arm in range(len(self.plan.arms)) if self._ended.get(arm) not in failed]

    def status(self, arm: int) -> TrialStatus:
        """Where an arm stands between actions."""
        if arm in self._ended:
            return self._ended[arm]
        return TrialStatus.PAUSED if self._steps.get(arm) else TrialStatus.WAITING

    def position(self, arm: int) -> int:
        """Index of an arm in the belief."""
        plan = self.plan.arms[arm]
        return 2 * plan.model + arm_of(plan.strategy)

    def next(self, remaining_seconds: float) -> Action | Stop:
        """The next action, or why the run ends.

        Args:
            remaining_seconds: Of the budget.
        """
        feature_pass = self._next_features(remaining_seconds)
        if feature_pass is not None:
            return feature_pass
        enough = self._good_enough()
        if enough is not None:
            return enough
        return self._best_slice(remaining_seconds)

    def _next_features(self, remaining: float) -> Action | None:
        """The cheapest candidate that has not been passed over and can be afforded.

        All are meant to be passed over; the cheap ones first show how fast this machine really is.
        """
        waiting = [m for m in range(len(self.plan.names)) if m not in self._featured]
        for model in sorted(waiting, key=lambda m: (self.plan.feature_seconds[m], self.plan.names[m])):
            seconds = self.plan.feature_seconds[model]
            if seconds * self._pace() <= remaining:
                return Action(
                    kind=Kind.FEATURES, model=model, arm=None, until_step=None, predicted_seconds=seconds
                )
        return None

    def _good_enough(self) -> Stop | None:
        arms = self.rankable()
        if not arms:
            return Stop(reason="every candidate failed", detail={})
        if len(self._featured) < len(self.plan.names):
            return None
        probability, regret = self.standing()
        detail = {"p_best": probability, "expected_regret": regret}
        if probability >= self.plan.stop_p_best:
            return Stop(reason="P(best) reached", detail=detail)
        if regret <= self.plan.stop_regret:
            return Stop(reason="expected regret reached", detail=detail)
        return None

    def standing(self) -> tuple[float, float]:
        """P(best) and expected regret (metric units) of the model that leads, each by its better arm."""
        belief = self.belief()
        best: dict[int, int] = {}
        for arm in self.rankable():
            model, position = self.plan.arms[arm].model, self.position(arm)
            if model not in best or belief.mean[position] > belief.mean[best[model]]:
                best[model] = position
        positions = np.array(sorted(best.values()), dtype=np.intp)
        draws = belief.sample_relative(N_SAMPLES, self.plan.seed)[:, positions]
        leader = int(np.argmax(belief.mean[positions]))
        return float(p_best(draws)[leader]), expected_regret(
            draws.max(axis=1), draws[:, leader], self.plan.metric
        )

    def _best_slice(self, remaining: float) -> Action | Stop:
        """The slice with the highest value a second, looking ahead to the end of its arm."""
        open_arms = [a for a in self.rankable() if a not in self._ended and self.plan.arms[a].total_steps > 0]
        open_arms = [a for a in open_arms if self.plan.arms[a].model in self._featured]
        if not open_arms:
            return Stop(reason=self._why_none_is_open(), detail=self._detail())
        needed = {a: self._next_cost(a) * self._pace() * SLICE_MARGIN for a in open_arms}
        affordable = [a for a in open_arms if needed[a] <= remaining]
        if not affordable:
            return Stop(reason="the budget has no room for another slice", detail=self._detail())
        belief = self.belief()
        values = {arm: self._value_rate(belief, arm) for arm in affordable}
        if max(value for value, _ in values.values()) < NEGLIGIBLE_VALUE:
            return Stop(reason="no further slice can change the answer", detail=self._detail())
        arm = max(affordable, key=lambda a: (values[a][1], -a))
        plan, done = self.plan.arms[arm], self._steps.get(arm, 0)
        until = next(end for end in plan.slice_ends() if end > done)
        seconds = self._slice_seconds(plan, done, until)
        return Action(kind=Kind.SLICE, model=plan.model, arm=arm, until_step=until, predicted_seconds=seconds)

    def _why_none_is_open(self) -> str:
        if len(self._featured) < len(self.plan.names):
            return "the budget has no room for another candidate"
        return "every arm is trained to its end"

    def _detail(self) -> dict[str, float]:
        if not self.rankable():
            return {}
        probability, regret = self.standing()
        return {"p_best": probability, "expected_regret": regret}

    def _value_rate(self, belief: Belief, arm: int) -> tuple[float, float]:
        """Best knowledge gradient of training the arm further, and the best of it a second."""
        plan, done = self.plan.arms[arm], self._steps.get(arm, 0)
        known = self._precision(plan, done)
        values, rates = [], []
        for end in (end for end in plan.slice_ends() if end > done):
            gained = self._precision(plan, end) - known
            noise = 1.0 / max(gained, 1e-9)
            value = knowledge_gradient(belief, self.position(arm), noise)
            values.append(value)
            rates.append(value / self._slice_seconds(plan, done, end))
        return max(values), max(rates)

    def _precision(self, plan: ArmPlan, step: int) -> float:
        """Of what a curve up to this step says about the final score; 0 before the first slice."""
        if step == 0:
            return 0.0
        error = np.mean([v for _, v in self._frozen.values()]) if self._frozen else 0.0
        typical = np.mean([s for s, _ in self._frozen.values()]) if self._frozen else 0.5
        _, variance = self._comparable(float(typical), float(error))
        return 1.0 / (self._curves.variance(min(step / plan.total_steps, 1.0)) + variance + 1e-6)

    def _next_cost(self, arm: int) -> float:
        plan, done = self.plan.arms[arm], self._steps.get(arm, 0)
        return self._slice_seconds(plan, done, next(end for end in plan.slice_ends() if end > done))

    @staticmethod
    def _slice_seconds(plan: ArmPlan, done: int, until: int) -> float:
        return max(until - done, 0) * plan.step_seconds + plan.slice_overhead_seconds

    def _pace(self) -> float:
        """Measured over predicted seconds so far: only ever used to see that the budget is not overrun."""
        if self.predicted_seconds <= 0.0:
            return 1.0
        return self.measured_seconds / self.predicted_seconds
