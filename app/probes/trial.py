"""The child's side of a trial: it reads commands and answers them, JSON bytes both ways."""

import json
import os
import time
import traceback
from dataclasses import asdict
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.probes.artifact_files import FOLDER
from app.probes.artifacts import export
from app.probes.backbones import BackboneError
from app.probes.baselines import run_baselines
from app.probes.data import TrialData, read_trial_data
from app.probes.explainer import Explainer
from app.probes.explanations import N_EXPLAINED, Explain, ExplanationReport
from app.probes.kept_outputs import HEAD, keep_outputs, read_outputs
from app.probes.loading import load_model
from app.probes.logistic import LinearClassifier
from app.probes.messages import (
    BaselineReport,
    Export,
    Exported,
    ExtractFeatures,
    FeatureReport,
    Heartbeat,
    MeasureSpeed,
    Refit,
    Result,
    RunBaselines,
    ScoreTest,
    SpeedReport,
    Train,
    TrialSpec,
    decode_command,
    encode_result,
)
from app.probes.passes import Passed
from app.probes.reviewing import Reviewer
from app.probes.reviews import Review
from app.probes.speed import training_flops
from app.probes.tasks.base import HeadFit, ProbeTask
from app.probes.tasks.catalogue import probe_task
from app.probes.training import DivergedError, FineTune
from app.probes.writing import report_written
from models_registry.vocabulary import MODALITY_OF, Strategy, TaskType

SECONDS_BETWEEN_HEARTBEATS = 0.2
_NO_MEMORY = "can't allocate memory"
"""What torch's CPU allocator says, in a plain RuntimeError."""


def serve(connection: Connection) -> None:
    """Answers commands until the other side is gone. The first message is the trial's spec."""
    spec = TrialSpec.from_json(json.loads(connection.recv_bytes()))
    _settle(spec)
    trial = Trial(spec, connection)
    while True:
        try:
            message = connection.recv_bytes()
        except EOFError:
            return
        connection.send_bytes(json.dumps(trial.answer(message)).encode())


def _settle(spec: TrialSpec) -> None:
    """In the trial's own folder, with its own share of the processor."""
    from threadpoolctl import threadpool_limits

    spec.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(spec.folder)
    os.environ["RAYON_NUM_THREADS"] = str(spec.n_threads)
    torch.set_num_threads(spec.n_threads)
    threadpool_limits(spec.n_threads)
    if spec.card_bytes is not None and torch.cuda.is_available():
        _, total = torch.cuda.mem_get_info()
        torch.cuda.set_per_process_memory_fraction(min(spec.card_bytes / total, 1.0))


class Trial:
    """One trial at work."""

    def __init__(self, spec: TrialSpec, connection: Connection) -> None:
        self._spec = spec
        self._connection = connection
        self._last_heartbeat = 0.0
        self._last_stage = ""
        self._data: TrialData | None = None
        self._bound: ProbeTask | None = None
        self._fine_tune: FineTune | None = None

    def answer(self, message: bytes) -> dict[str, Any]:
        """The result of a command, or what went wrong; a failed fine-tune is reopened from its last slice."""
        try:
            return {"result": encode_result(self._carry_out(message))}
        except DivergedError as error:
            failure: dict[str, Any] = {"diverged": error.step}
        except (MemoryError, torch.OutOfMemoryError):
            failure = {"out_of_memory": True}
        except Exception as error:  # noqa: BLE001  (whatever a model does is the trial's outcome)
            failure = {"out_of_memory": True} if _NO_MEMORY in str(error) else {"error": _describe(error)}
        self._fine_tune = None
        return failure

    def _carry_out(self, message: bytes) -> Result:  # noqa: PLR0911  (one line a command)
        match decode_command(message):
            case ExtractFeatures():
                return self._report_features()
            case Train(until_step=until_step):
                return self._opened().advance(until_step, self._beat)
            case ScoreTest():
                return self._opened().score_test()
            case Refit(until_step=until_step):
                return self._opened().advance_unscored(until_step, self._beat)
            case Export():
                return self._export()
            case RunBaselines():
                return self._run_baselines()
            case Review() as review:
                return self._reviewer().report(review)
            case Explain(outputs=outputs):
                return self._explain(Path(outputs))
            case MeasureSpeed():
                return SpeedReport(flops=training_flops())

    def _report_features(self) -> FeatureReport:
        spec, data, task = self._spec, self._load_data(), self._task()
        if task.measures_texts(spec.metric):
            return report_written(spec, self._folder(), data, task, self._beat)
        began = time.monotonic()
        passed = self._passes()
        extraction_seconds = time.monotonic() - began
        self._beat(Heartbeat(stage="transferability"))
        began = time.monotonic()
        head = self._fit_head(passed)
        head_seconds = time.monotonic() - began
        outputs = task.frozen_outputs(head.classifier, passed.validation)
        predictions = task.per_example(task.decide(outputs), passed.validation_counts, data.validation)
        keep_outputs(spec.folder / HEAD, outputs, passed.validation_counts)
        references = task.references(data.validation.targets)
        own = task.per_example(head.out_of_fold, passed.counts, data.passed_over())
        theirs = task.references(data.passed_over().targets)
        return FeatureReport(
            transferability=self._transferability(passed, head),
            predicted_metric=task.score(spec.metric, own, theirs),
            predicted_std_error=task.standard_error(spec.metric, own, theirs, seed=spec.seed),
            head_metric=task.compute(spec.metric, predictions, references),
            head_std_error=task.standard_error(spec.metric, predictions, references, seed=spec.seed),
            head_seconds=head_seconds,
            inverse_regularisation=head.inverse_regularisation,
            extraction_seconds=extraction_seconds,
            pass_seconds=passed.seconds,
            vocabulary={} if passed.vocabulary is None else asdict(passed.vocabulary),
        )

    def _transferability(self, passed: Passed, head: HeadFit) -> dict[str, float | None]:
        """Every estimator's score that the task knows."""
        task, seen = self._task(), self._load_data().passed_over()
        some, counts = seen.take(passed.estimated), passed.counts[passed.estimated]
        return task.transferability(
            passed.layers,
            task.units(some.targets),
            np.repeat(some.groups, counts),
            head,
            task.units(seen.targets),
            seed=self._spec.seed,
        )

    def _opened(self) -> FineTune:
        if self._fine_tune is None:
            self._fine_tune = self._open_fine_tune()
        return self._fine_tune

    def _open_fine_tune(self) -> FineTune:
        spec, data = self._spec, self._load_data()
        is_new = not any(spec.folder.glob("slice-*"))
        head: LinearClassifier | None = None
        # What is read together has no features of its own before training: a pair's head begins at random.
        has_features = (data.train.pairs is None or self._task().reads_apart) and self._task().has_head
        if is_new and spec.recipe.head_from_features and has_features:
            head = self._fit_head(self._passes()).classifier
        self._beat(Heartbeat(stage="loading"))
        backbone = load_model(
            self._folder(), seed=spec.seed, input_prefix=spec.input_prefix, writes=self._task().writes
        )
        return FineTune(spec, backbone, data, head)

    def _export(self) -> Exported:
        spec, folder = self._spec, self._folder()
        self._beat(Heartbeat(stage="writing"))
        if Strategy(spec.strategy) is Strategy.HEAD:
            head = self._task().exported(self._fit_head(self._passes()).classifier)
            return export(spec, folder, head, target=self._task().target, settings=self._task().settings())
        found = self._opened()
        return export(
            spec,
            folder,
            found.head,
            found.backbone,
            target=self._task().target,
            reads_apart=self._task().reads_apart,
            max_length=found.max_length,
            settings=self._task().settings(),
        )

    def _fit_head(self, passed: Passed) -> HeadFit:
        spec, seen, task = self._spec, self._load_data().passed_over(), self._task()
        return task.fit_head(
            passed.seen,
            task.units(seen.targets),
            np.repeat(seen.groups, passed.counts),
            seed=spec.seed,
            weights=spec.recipe.class_weights,
        )

    def _run_baselines(self) -> BaselineReport:
        spec = self._spec
        return run_baselines(
            self._load_data(),
            self._task(),
            metric=spec.metric,
            seed=spec.seed,
            on_done=lambda _name: self._beat(Heartbeat(stage="baselines")),
        )

    def _reviewer(self) -> Reviewer:
        spec, validation = self._spec, self._load_data().validation
        return Reviewer(task=self._task(), part=validation, metric=spec.metric, seed=spec.seed)

    def _explain(self, outputs: Path) -> ExplanationReport:
        spec = self._spec
        self._export()
        explainer = Explainer(
            spec.folder / FOLDER,
            self._folder(),
            self._load_data().validation,
            self._task().target,
            MODALITY_OF[TaskType(spec.task_type)],
            spec.seed,
        )
        stage = partial(Heartbeat, stage="explaining", total=N_EXPLAINED)
        return explainer.report(read_outputs(outputs), lambda n: self._beat(stage(done=n)))

    def _passes(self) -> Passed:
        return self._task().pass_over(self._spec, self._folder(), self._load_data(), self._beat)

    def _load_data(self) -> TrialData:
        if self._data is None:
            self._data = read_trial_data(self._spec.dataset_folder, self._spec.split_file)
        return self._data

    def _task(self) -> ProbeTask:
        if self._bound is None:
            self._bound = probe_task(self._spec.task_type, self._load_data())
        return self._bound

    def _folder(self) -> Path:
        if self._spec.model_folder is None:
            raise ValueError("this trial has no model")
        return self._spec.model_folder

    def _beat(self, heartbeat: Heartbeat) -> None:
        """Tells a new stage at once, and how far it is a few times a second."""
        now = time.monotonic()
        is_new = heartbeat.stage != self._last_stage
        if is_new or now - self._last_heartbeat >= SECONDS_BETWEEN_HEARTBEATS:
            self._last_heartbeat, self._last_stage = now, heartbeat.stage
            self._connection.send_bytes(json.dumps({"heartbeat": asdict(heartbeat)}).encode())


def _describe(error: Exception) -> str:
    """Type and place of an error. Its text may quote the user's data, so only our own errors give theirs."""
    if isinstance(error, BackboneError):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name} ({Path(frame.filename).name}:{frame.lineno})"
