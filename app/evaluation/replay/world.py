"""A recorded task as a world in which probes cost what was predicted and show what was recorded."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from app.fitting.candidates import candidate_entries
from app.fitting.recorded_tasks import RecordedTask
from app.probes.plan import OUTCOME_FINISHED, Action, ArmPlan, Kind, Record, RunPlan
from app.probes.sample_size import BACKWARD
from app.probes.work_costs import SLICE_OVERHEAD_SECONDS, loading_seconds, pass_seconds
from app.ranking.candidates import CandidateTable
from app.ranking.devices import device_named
from app.ranking.probe_model import ProbeModel
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]

TOKENS = 25.0
"""Of a typical recorded text; budgets are shares of the cost of training all, in which lengths cancel."""
EPOCHS = 3
"""Of the recorded fine-tunes."""
NEVER_ENOUGH = 1.1
"""A P(best) that no leader reaches: a replay spends its budget, so that rivals are compared at equal cost."""


@dataclass(frozen=True, eq=False)
class World:
    """One recorded task.

    Work costs what the service predicts for it on the recording machine: recorded seconds hold what else that
    machine did at the time.

    Attributes:
        task: What was recorded.
        example_seconds: Of one example through each candidate, forward only, shape (n,).
        loading_seconds: Until each candidate's trial has begun, shape (n,).
    """

    task: RecordedTask
    example_seconds: Array
    loading_seconds: Array

    @classmethod
    def of(cls, task: RecordedTask) -> Self:
        """The world of a task."""
        entries = candidate_entries()
        table = CandidateTable(tuple(entries[m] for m in task.models))
        return cls(
            task=task,
            example_seconds=pass_seconds(table, TOKENS, device_named("cpu")),
            loading_seconds=loading_seconds(table),
        )

    @cached_property
    def train_seconds(self) -> Array:
        """Of the whole fine-tunes with their evaluations, shape (n,)."""
        task = self.task
        examples = BACKWARD * task.n_train * EPOCHS + task.n_validation * len(task.slices)
        return (
            self.loading_seconds + self.example_seconds * examples + SLICE_OVERHEAD_SECONDS * len(task.slices)
        )

    @cached_property
    def total_seconds(self) -> float:
        """Cost of training every candidate to its end, which shares of the budget are of."""
        return float(self.train_seconds.sum())

    def cost_of_pass(self, n_examples: int) -> Array:
        """Of a pass over so many training examples and all validation examples, shape (n,)."""
        return self.loading_seconds + self.example_seconds * (n_examples + self.task.n_validation)

    def regret(self, candidate: int) -> float:
        """By how many points of the metric the best fine-tune beats that of this candidate."""
        final = self.task.final.values
        return 100.0 * float(final.max() - final[candidate])

    def plan(self, model: ProbeModel, n_features: int, seed: int) -> RunPlan:
        """The plan of a run over the fine-tunes of all candidates."""
        task = self.task
        arms = tuple(
            ArmPlan(
                model=m,
                strategy=Strategy.FULL,
                total_steps=task.steps,
                step_seconds=float(seconds) / task.steps,
                slice_overhead_seconds=0.0,  # the recorded seconds hold the evaluations
            )
            for m, seconds in enumerate(self.train_seconds)
        )
        return RunPlan(
            belief=model.joined(task.prior, task.groups),
            names=task.models,
            groups=task.groups,
            feature_seconds=tuple(self.cost_of_pass(n_features).tolist()),
            arms=arms,
            metric=task.metric,
            stop_p_best=NEVER_ENOUGH,
            stop_regret=-1.0,
            seed=seed,
            features_share=min(n_features / task.n_train, 1.0),
        )

    def perform(self, action: Action, n_features: int) -> Record:
        """What came of an action."""
        task, m = self.task, action.model
        if action.kind is Kind.FEATURES:
            heads = task.heads[n_features]
            estimators = {
                name: float(values[m]) for (name, n), values in task.estimators.items() if n == n_features
            }
            return Record(
                kind=action.kind,
                model=m,
                arm=None,
                outcome=OUTCOME_FINISHED,
                seconds=action.predicted_seconds,
                score=float(heads.values[m]),
                std_error=float(heads.errors[m]),
                estimators=estimators,
            )
        step = action.until_step or 0
        scores = task.slices[step]
        return Record(
            kind=action.kind,
            model=m,
            arm=action.arm,
            outcome=OUTCOME_FINISHED,
            seconds=action.predicted_seconds,
            step=step,
            score=float(scores.values[m]),
            std_error=float(scores.errors[m]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a policy came to.

    Attributes:
        pick: The candidate that it would fine-tune.
        seconds: Spent.
        means: Believed final scores, comparable scale, shape (n,); None from those that believe nothing.
        deviations: Of the belief, shape (n,).
    """

    pick: int
    seconds: float
    means: Array | None = None
    deviations: Array | None = None

    def levels(self, final: Array, variance: Array) -> tuple[float, ...]:
        """Of the central intervals that end at the candidates' final scores; none without a belief.

        Args:
            final: Measured on a test part, comparable scale, shape (n,).
            variance: Of the sampling error of these scores, which no belief about models holds, shape (n,).
        """
        if self.means is None or self.deviations is None:
            return ()
        away = np.abs(final - self.means) / np.sqrt(self.deviations**2 + variance)
        return tuple((2.0 * ndtr(away) - 1.0).round(3).tolist())
