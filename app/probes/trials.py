"""The trials of one run: each arm's child process, kept between its slices while memory allows."""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, assert_never

from app.datasets.storage import StoredDataset
from app.probes.explanations import Explain, ExplanationReport
from app.probes.kept_outputs import HEAD, TRAINED
from app.probes.messages import (
    BaselineReport,
    BaselineScore,
    Command,
    Export,
    Exported,
    ExtractFeatures,
    FeatureReport,
    Refit,
    RefitPoint,
    Result,
    RunBaselines,
    SlicePoint,
    SpeedReport,
    TestScore,
    Train,
    TrainingRecipe,
    TrialSpec,
)
from app.probes.outcomes import Crashed, Diverged, Finished, Outcome, OutOfMemory, TimedOut
from app.probes.plan import OUTCOME_FINISHED, Action, ArmPlan, Kind
from app.probes.planning import BATCH_SIZE, Prepared, memory_limit
from app.probes.refit_plan import RefitPlan
from app.probes.reviews import Review, ReviewReport
from app.probes.sample import RunData
from app.probes.states import TrialStatus
from app.probes.transferability.comparable import comparable
from app.probes.trial_process import ForkServer, TrialProcess
from app.ranking.recipe import SCRATCH_RATE, learning_rate, weights_for_metric
from app.settings import Settings
from app.tasks.catalogue import TASKS
from app.tasks.targets import Target
from models_registry.vocabulary import Strategy

MOST_ALIVE = 2
"""Trials kept alive at once: each holds a model with its optimiser."""
BASELINES, REFITTED, REVIEW = -1, -2, -3
"""Numbers of the trials that fit the classical baselines, train the winner and look at all predictions."""
REFIT, REFIT_SPLIT = "refit", "refit.json"
"""The latter's folder and the file of its examples, in the run's folder."""


class InterruptedTrialError(Exception):
    """The run was cancelled, its lease was lost, or the worker is to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What came of an action.

    Attributes:
        outcome: `finished`, or the status that ends the trial.
        why: In words; empty where it finished.
        seconds: Charged: those of every device it trained on.
        pass_seconds: Of them, in passes of the model.
        peak_memory_bytes: Of the child.
        step: Of the arm after a slice; its last step where training ended early.
        score: On the validation part, metric units.
        std_error: Of the score.
        loss: Mean training loss of the slice.
        examples_seen: By the arm.
        transferability: Scores by estimator.
        estimates: The same on comparable scales.
        vocabulary: How well the model's tokenizer knows the texts.
    """

    outcome: str
    why: str = ""
    seconds: float
    pass_seconds: float = 0.0
    peak_memory_bytes: int = 0
    step: int = 0
    score: float | None = None
    std_error: float = 0.0
    loss: float | None = None
    examples_seen: int = 0
    transferability: Mapping[str, float] = field(default_factory=dict)
    estimates: Mapping[str, float] = field(default_factory=dict)
    vocabulary: Mapping[str, float | None] = field(default_factory=dict)


class TrialPool:
    """Starts, feeds and ends the trials of a run; a context manager."""

    def __init__(
        self,
        prepared: Prepared,
        dataset: StoredDataset,
        data: RunData,
        folders: Mapping[int, Path],
        request: Mapping[str, Any],
        settings: Settings,
        server: ForkServer,
    ) -> None:
        self._prepared = prepared
        self._dataset = dataset
        self._data = data
        self._folders = folders
        self._request = request
        self._settings = settings
        self._server = server
        self._alive: OrderedDict[int, TrialProcess] = OrderedDict()
        self._refit: RefitPlan | None = None
        self.last_seconds = 0.0

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for trial in self._alive.values():
            trial.close()

    def warm_up(self) -> float:
        """The fork server has imported what trials need; the seconds it took to wait for it."""
        began = time.monotonic()
        self._server.wait_until_ready()
        return time.monotonic() - began

    def baselines(
        self, timeout_seconds: float, interrupted: threading.Event
    ) -> tuple[list[BaselineScore], float]:
        """The classical baselines and the seconds they took; none where they could not be fitted.

        Raises:
            InterruptedTrialError: The run was interrupted.
        """
        outcome = self._run(BASELINES, RunBaselines(), timeout_seconds, interrupted)
        self._close(BASELINES)
        match outcome:
            case Finished(result=BaselineReport(scores=scores)):
                return list(scores), outcome.seconds
            case _:
                return [], outcome.seconds

    def perform(self, action: Action, timeout_seconds: float, interrupted: threading.Event) -> TrialResult:
        """Carry out an action in its arm's trial.

        Raises:
            InterruptedTrialError: The run was interrupted; `last_seconds` says how long it had worked.
        """
        arm = self._arm_of(action)
        features = action.kind is Kind.FEATURES
        command: Command = ExtractFeatures() if features else Train(until_step=action.until_step or 0)
        outcome = self._run(arm, command, timeout_seconds, interrupted)
        if features:
            self._close(arm)  # its features are cached; the trial that trains loads the weights anew
        return self._result(arm, outcome)

    def refit(
        self, plan: RefitPlan, command: Refit | Export, timeout_seconds: float, interrupted: threading.Event
    ) -> TrialResult:
        """Carry out a piece of the winner's training on all the data; no other trial is kept.

        Raises:
            InterruptedTrialError: The run was interrupted; `last_seconds` says how long it had worked.
        """
        self._refit = plan
        for arm in set(self._alive) - {REFITTED}:
            self._close(arm)
        return self._result(plan.arm, self._run(REFITTED, command, timeout_seconds, interrupted))

    def has_outputs(self, arm: int) -> bool:
        """Whether what an arm said of the validation part is there."""
        return self._outputs_of(arm).exists()

    def review(
        self, arms: Sequence[int], leader: int, blend: bool, timeout: float, interrupted: threading.Event
    ) -> tuple[ReviewReport | None, float]:
        """What a look at all their predictions says, and its seconds; None where it did not end in time.

        Args:
            arms: Whose predictions are there; the report names them by these numbers.
            leader: The best of them.
            blend: Whether a blend is looked for.
            timeout: Seconds.
            interrupted: Set where the run was.

        Raises:
            InterruptedTrialError: The run was interrupted.
        """
        members = {str(arm): str(self._outputs_of(arm)) for arm in arms}
        command = Review(members=members, leader=str(leader), blend=blend)
        outcome = self._run(REVIEW, command, timeout, interrupted)
        self._close(REVIEW)
        match outcome:
            case Finished(result=ReviewReport() as report):
                return report, outcome.seconds
            case _:
                return None, outcome.seconds

    def explain(
        self, arm: int, timeout: float, interrupted: threading.Event
    ) -> tuple[ExplanationReport | None, float, str]:
        """A few of an arm's predictions explained; its seconds, and why it could not be done.

        Raises:
            InterruptedTrialError: The run was interrupted.
        """
        command = Explain(outputs=str(self._outputs_of(arm)))
        outcome = self._run(arm, command, timeout, interrupted)
        self._close(arm)
        match outcome:
            case Finished(result=ExplanationReport() as report):
                return report, outcome.seconds, ""
            case Finished():
                raise TypeError("no explanation")
            case _:
                return None, outcome.seconds, self._result(arm, outcome).why

    def _outputs_of(self, arm: int) -> Path:
        """Of a head in the folder of the trial that made its model's features."""
        plan = self._prepared.plan
        if plan.arms[arm].strategy is not Strategy.HEAD:
            return self._spec(arm).folder / TRAINED
        first = next(i for i, found in enumerate(plan.arms) if found.model == plan.arms[arm].model)
        return self._spec(first).folder / HEAD

    def _arm_of(self, action: Action) -> int:
        """The arm whose trial works: a feature pass belongs to the model's first."""
        if action.arm is not None:
            return action.arm
        return next(i for i, arm in enumerate(self._prepared.plan.arms) if arm.model == action.model)

    def _n_devices(self, command: Command) -> int:
        """Devices that work on a command: only training is spread over several."""
        return self._prepared.n_devices if isinstance(command, Train | Refit) else 1

    def _run(self, arm: int, command: Command, timeout: float, interrupted: threading.Event) -> Outcome:
        """What came of a command, its seconds being those of all devices together, as `timeout` is."""

        def on_heartbeat(_: object) -> None:
            if interrupted.is_set():
                raise InterruptedTrialError

        trial, n_devices = self._trial(arm), self._n_devices(command)
        began = time.monotonic()
        try:
            outcome = trial.run(
                command,
                timeout_seconds=max(timeout / n_devices, 0.1),
                memory_limit_bytes=self._memory_limit(),
                on_heartbeat=on_heartbeat,
            )
            return replace(outcome, seconds=outcome.seconds * n_devices)
        except InterruptedTrialError:
            self.last_seconds = (time.monotonic() - began) * n_devices
            self._alive.pop(arm, None)
            raise

    def _memory_limit(self) -> int:
        return memory_limit(self._request)

    def _trial(self, arm: int) -> TrialProcess:
        """The arm's trial, now the most recently used; the least recently used ones are ended."""
        spec = self._refit_spec if arm == REFITTED else self._spec
        trial = self._alive.pop(arm, None) or TrialProcess(spec(arm), self._server)
        self._alive[arm] = trial
        while len(self._alive) > MOST_ALIVE:
            _, oldest = self._alive.popitem(last=False)
            oldest.close()
        return trial

    def _close(self, arm: int) -> None:
        trial = self._alive.pop(arm, None)
        if trial is not None:
            trial.close()

    def _spec(self, arm: int) -> TrialSpec:
        plan, data = self._prepared.plan, self._data
        is_baseline = arm in {BASELINES, REVIEW}
        model = None if is_baseline else plan.arms[arm].model
        strategy = Strategy.HEAD if is_baseline else plan.arms[arm].strategy
        return TrialSpec(
            trial_id=f"trial-{arm}",
            model_name="baselines" if model is None else plan.names[model],
            model_folder=None if model is None else self._folders.get(model),
            input_prefix="" if model is None else self._prepared.entries[model].input_prefix,
            strategy=strategy.value,
            task_type=self._dataset.task_type.value,
            metric=plan.metric.name,
            dataset_folder=data.folder,
            dataset_id=self._dataset.id,
            split_file=data.split_file,
            folder=data.split_file.parent / f"trial-{arm}",
            feature_cache_folder=self._settings.data_dir / "features",
            feature_cache_bytes=self._settings.feature_cache_bytes,
            seed=plan.seed,
            recipe=TrainingRecipe() if is_baseline else self._recipe(plan.arms[arm]),
            n_threads=self._prepared.n_threads,
            precision=self._prepared.precision,
            card_bytes=self._memory_limit(),
            n_devices=self._prepared.n_devices,
        )

    def _refit_spec(self, _number: int) -> TrialSpec:
        """As the winner's, but for the examples and what follows from their number."""
        refit = self._refit
        if refit is None:
            raise ValueError("no refit was planned")
        arm, spec = self._prepared.plan.arms[refit.arm], self._spec(refit.arm)
        rate = learning_rate(self._prepared.entries[arm.model], arm.strategy, refit.n_examples)
        return replace(
            spec,
            trial_id=REFIT,
            split_file=spec.split_file.with_name(REFIT_SPLIT),
            folder=spec.split_file.with_name(REFIT),
            recipe=replace(spec.recipe, learning_rate=rate, epochs=refit.epochs),
        )

    def _recipe(self, arm: ArmPlan) -> TrainingRecipe:
        entry, metric = self._prepared.entries[arm.model], self._prepared.plan.metric.name
        counts = self._dataset.profile.class_counts
        weighs = TASKS[self._dataset.task_type].target is Target.CLASS
        weights = weights_for_metric(counts, metric) if weighs else None
        names = self._data.examples.label_names
        rate = learning_rate(entry, arm.strategy, len(self._data.train))
        return TrainingRecipe(
            learning_rate=SCRATCH_RATE if TASKS[self._dataset.task_type].from_scratch else rate,
            batch_size=BATCH_SIZE,
            epochs=self._prepared.epochs,
            max_length=min(self._prepared.max_length, entry.max_length or self._prepared.max_length),
            class_weights=None if weights is None else tuple(weights.get(name, 1.0) for name in names),
            micro_batch=arm.micro_batch,
            gradient_checkpointing=arm.gradient_checkpointing,
        )

    def _result(self, arm: int, outcome: Outcome) -> TrialResult:
        match outcome:
            case Finished(result=result, seconds=seconds, peak_memory_bytes=peak):
                return self._finished(arm, result, seconds, peak)
            case OutOfMemory():
                return _failed(
                    outcome, TrialStatus.OUT_OF_MEMORY, f"needs more than {outcome.limit_bytes / 1e9:.1f} GB"
                )
            case Diverged():
                return _failed(
                    outcome, TrialStatus.DIVERGED, f"the loss left its range at step {outcome.step}"
                )
            case TimedOut():
                return _failed(outcome, TrialStatus.TIMED_OUT, "the budget ended before this slice did")
            case Crashed():
                return _failed(outcome, TrialStatus.FAILED, outcome.reason)
            case _:
                assert_never(outcome)

    def _finished(self, arm: int, result: Result, seconds: float, peak: int) -> TrialResult:
        match result:
            case FeatureReport():
                known = {name: v for name, v in result.transferability.items() if v is not None}
                return TrialResult(
                    outcome=OUTCOME_FINISHED,
                    seconds=seconds,
                    pass_seconds=result.pass_seconds,
                    peak_memory_bytes=peak,
                    score=result.head_metric,
                    std_error=result.head_std_error,
                    examples_seen=len(self._data.train),
                    transferability=known,
                    vocabulary=result.vocabulary,
                    estimates=comparable(known, max(len(self._data.examples.label_names), 1)),
                )
            case SlicePoint():
                has_ended = result.step >= result.total_steps
                return TrialResult(
                    outcome=OUTCOME_FINISHED,
                    seconds=seconds,
                    pass_seconds=result.pass_seconds,
                    peak_memory_bytes=peak,
                    step=self._prepared.plan.arms[arm].total_steps if has_ended else result.step,
                    score=result.metric,
                    std_error=result.std_error,
                    loss=result.loss,
                    examples_seen=result.examples_seen,
                )
            case RefitPoint() | Exported():
                return TrialResult(outcome=OUTCOME_FINISHED, seconds=seconds, peak_memory_bytes=peak)
            case BaselineReport() | TestScore() | SpeedReport() | ReviewReport() | ExplanationReport():
                raise TypeError("no result of an arm's action")
            case _:
                assert_never(result)


def _failed(
    outcome: OutOfMemory | Diverged | TimedOut | Crashed, status: TrialStatus, why: str
) -> TrialResult:
    return TrialResult(
        outcome=status.value, why=why, seconds=outcome.seconds, peak_memory_bytes=outcome.peak_memory_bytes
    )
