"""What a probe run may do and what came of it: values that a scheduler decides by and that are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.ranking.belief import Belief
from app.ranking.evidence import arm_of
from app.ranking.probe_model import AS_RECORDED, Extent, Group
from benchmarks.metrics import Metric
from models_registry.vocabulary import Strategy

SLICE_FRACTIONS = (0.125, 0.25, 0.5, 1.0)
"""Ends of an arm's slices as shares of its steps: each doubles what is known, as successive halving does."""


def adapted_among(strategies: Iterable[Strategy]) -> tuple[Strategy, ...]:
    """Those that train a part, each once."""
    return tuple(dict.fromkeys(s for s in strategies if s not in {Strategy.FULL, Strategy.HEAD}))


class Kind(StrEnum):
    """Kinds of work."""

    FEATURES = "features"
    SLICE = "slice"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPlan:
    """One arm of a run, with its costs as predicted when the run started.

    Attributes:
        model: Position of its model among the candidates.
        strategy: How the model is adapted.
        total_steps: Optimiser steps to its end; 0 for a head, which needs none.
        step_seconds: Of one step, predicted.
        slice_overhead_seconds: Validation and saving, a slice.
        micro_batch: Examples in memory at once; None is the whole batch.
        gradient_checkpointing: Whether activations are computed again for the backward pass.
        example_seconds: Of one example, forwards only, predicted.
        refit_seconds: Kept of the budget for training it on all the data at the end; 0 where none is asked.
    """

    model: int
    strategy: Strategy
    total_steps: int
    step_seconds: float
    slice_overhead_seconds: float
    micro_batch: int | None = None
    gradient_checkpointing: bool = False
    example_seconds: float = 0.0
    refit_seconds: float = 0.0

    def slice_ends(self) -> tuple[int, ...]:
        """Steps at which its slices end."""
        return tuple(sorted({max(1, round(f * self.total_steps)) for f in SLICE_FRACTIONS}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything a scheduler decides by, frozen when the run starts.

    Attributes:
        belief: Prior over the arms of every candidate (tuned, frozen, and one for each of `adapted`),
            comparable scale.
        names: Of the candidates.
        groups: Of the candidates, in which probes tell alike.
        feature_seconds: Predicted cost of one pass over the data, by candidate.
        arms: The arms that are probed and ranked.
        metric: The user's.
        stop_p_best: Probability at which the answer is good enough.
        stop_regret: Expected regret (metric units) at which it is.
        seed: Of the draws.
        features_share: Share of the run's training examples that a feature pass sees.
        extent: Of the run's training examples.
        from_scratch: Candidates that begin at random, of which a pass over the data says nothing.
    """

    belief: Belief
    names: tuple[str, ...]
    groups: tuple[Group, ...]
    feature_seconds: tuple[float, ...]
    arms: tuple[ArmPlan, ...]
    metric: Metric
    stop_p_best: float
    stop_regret: float
    seed: int
    features_share: float = 1.0
    extent: Extent = AS_RECORDED
    from_scratch: tuple[int, ...] = ()

    @property
    def adapted(self) -> tuple[Strategy, ...]:
        """Strategies of its arms that train a part, each once, in the order of their arms."""
        return adapted_among(arm.strategy for arm in self.arms)

    def position(self, arm: int) -> int:
        """Index of an arm in the belief."""
        plan, adapted = self.arms[arm], self.adapted
        offset = 2 + adapted.index(plan.strategy) if plan.strategy in adapted else arm_of(plan.strategy)
        return (2 + len(adapted)) * plan.model + offset


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
        estimators: Transferability scores of a feature pass, by estimator.
    """

    kind: Kind
    model: int
    arm: int | None
    outcome: str
    seconds: float
    step: int = 0
    score: float | None = None
    std_error: float = 0.0
    estimators: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Record":
        """The record that was kept."""
        return cls(**{**raw, "kind": Kind(raw["kind"])})

    def to_json(self) -> dict[str, Any]:
        """What is kept of it."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "estimators": dict(self.estimators)}


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
