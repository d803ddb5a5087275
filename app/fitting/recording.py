"""Records real fine-tunes, from which the calibrations are learnt: `python -m app.fitting.recording`.

Every arm is trained by the code that serves (`app.probes.trial` in a process of its own), on a sample drawn
as a probe run draws it, with the recipe of a probe run, and is evaluated where a run's slices end. A row is
written as soon as it is measured. A second start skips what is there, and a half-trained arm goes on from its
last slice.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from app.datasets.columns import ColumnChoices
from app.datasets.ingest import ingest
from app.datasets.profile import LengthUnit
from app.datasets.storage import StoredDataset, dataset_folder
from app.probes.messages import (
    Command,
    ExtractFeatures,
    FeatureReport,
    Finished,
    Result,
    SlicePoint,
    Train,
    TrainingRecipe,
    TrialSpec,
)
from app.probes.planning import BATCH_SIZE, Sample, kept_tokens
from app.probes.sample import RunData, prepare_data
from app.probes.scheduler import ArmPlan
from app.probes.trial_process import ForkServer, TrialProcess
from app.probes.weights import ensure_weights, packaged_entries
from app.ranking.cost import epochs_for
from app.ranking.recipe import learning_rate, weights_for_metric
from app.tasks.text_classification import TEXT_CLASSIFICATION
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy, TaskType

LARGE = "sentence-transformers/all-MiniLM-L6-v2"
SMALL = "sentence-transformers/paraphrase-MiniLM-L3-v2"
MULTILINGUAL = "intfloat/multilingual-e5-small"
WORDS = "dleemiller/word-llama-l2-supercat"
ROUNDS = (
    ("sms_spam", (WORDS, SMALL, LARGE)),
    ("sst2", (WORDS, SMALL, LARGE)),
    ("thucnews_titles", (WORDS, MULTILINGUAL)),
    ("cola", (WORDS, SMALL, LARGE)),
    ("banking77", (WORDS, SMALL, LARGE)),
    ("tweet_emotion", (WORDS, SMALL, LARGE)),
    ("subj", (WORDS, SMALL, LARGE)),
    ("citation_intent_aclarc", (WORDS, SMALL)),
    ("chnsenticorp_hotel", (WORDS,)),
    ("chemprot", (WORDS, SMALL)),
    ("cola", (MULTILINGUAL,)),
)
"""Data sets in the order in which they are recorded, each with its models; long texts only with fast ones."""
TARGET_PATH = Path(__file__).parent / "recorded" / "curves.csv"
TRANSFERABILITY_NAME = "transferability.csv"
WORK_PATH = Path(__file__).parents[2] / ".cache" / "recording"
MOST_SECONDS = 3_600.0
MEMORY_BYTES = 6 * 2**30
CACHE_BYTES = 2**30
MOST_UPLOAD_BYTES = 2**28
CROSS_VALIDATED = "cross_validated_metric"
"""Name of the head's own score by cross-validation among the transferability scores."""


class RecordingError(Exception):
    """An arm could not be recorded.

    Attributes:
        arm: Data set and model.
        outcome: What came of the trial.
    """

    def __init__(self, arm: str, outcome: object) -> None:
        self.arm = arm
        self.outcome = outcome
        super().__init__(f"{arm}: {outcome}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One row: a score of an arm on its validation part.

    Attributes:
        dataset: Folder name of the data set.
        model: Id of the model.
        strategy: `head` or `full`.
        learning_rate: Peak; 0 for a head.
        seed: Of sample and training.
        step: Optimiser steps done; 0 for a head.
        total_steps: Of the arm.
        seconds: Wall time of this slice or feature pass.
        metric_name: Canonical name.
        metric: Value on the validation part.
        std_error: Of it, over the choice of validation examples.
        n_train: Training examples.
        n_validation: Validation examples.
    """

    dataset: str
    model: str
    strategy: str
    learning_rate: float
    seed: int
    step: int
    total_steps: int
    seconds: float
    metric_name: str
    metric: float
    std_error: float
    n_train: int
    n_validation: int


COLUMNS = tuple(field.name for field in fields(CurvePoint))
TRANSFERABILITY_COLUMNS = ("dataset", "model", "seed", "n_train", "estimator", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A model on a sample of a data set, ready to train."""

    dataset: str
    spec: TrialSpec
    n_train: int
    n_validation: int

    @property
    def model(self) -> str:
        """Id of the model."""
        return self.spec.model_name

    def slice_ends(self) -> tuple[int, ...]:
        """Steps at which a probe run would evaluate it."""
        steps = -(-self.n_train // self.spec.recipe.batch_size) * self.spec.recipe.epochs
        plan = ArmPlan(
            model=0, strategy=Strategy.FULL, total_steps=steps, step_seconds=0.0, slice_overhead_seconds=0.0
        )
        return plan.slice_ends()


def read_points(path: Path) -> list[CurvePoint]:
    """The recorded rows; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_point(row) for row in csv.DictReader(file)]


def _point(row: dict[str, str]) -> CurvePoint:
    return CurvePoint(
        dataset=row["dataset"],
        model=row["model"],
        strategy=row["strategy"],
        learning_rate=float(row["learning_rate"]),
        seed=int(row["seed"]),
        step=int(row["step"]),
        total_steps=int(row["total_steps"]),
        seconds=float(row["seconds"]),
        metric_name=row["metric_name"],
        metric=float(row["metric"]),
        std_error=float(row["std_error"]),
        n_train=int(row["n_train"]),
        n_validation=int(row["n_validation"]),
    )


def append(path: Path, columns: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    """Add rows to a CSV file, with its heading where it is new."""
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


class Recorder:
    """Records arms into two CSV files; a context's fork server starts its trials."""

    def __init__(self, tasks: Path, models: Path, out: Path, server: ForkServer, n_threads: int) -> None:
        self._tasks = tasks
        self._models = models
        self._out = out
        self._server = server
        self._n_threads = n_threads
        self._entries = packaged_entries()
        self._say = partial(print, flush=True, file=sys.stdout)

    def record(self, dataset: str, model: str, sample: Sample, seed: int) -> None:
        """Every row of an arm is in the file.

        Raises:
            RecordingError: Its trial failed; what was measured before stays.
        """
        arm = self._prepare(dataset, self._entries[model], sample, seed)
        done = {
            p.step
            for p in read_points(self._out)
            if (p.dataset, p.model, p.seed, p.n_train) == (dataset, model, seed, arm.n_train)
        }
        commands = list(_commands(arm, done))
        if not commands:
            return
        trial = TrialProcess(arm.spec, self._server)
        try:
            for command in commands:
                self._run(trial, arm, command)
        finally:
            trial.close()

    def _prepare(self, dataset: str, entry: ModelEntry, sample: Sample, seed: int) -> Arm:
        folder = self._tasks / dataset
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        stored = ingest(
            folder / "train.csv",
            filename="train.csv",
            choices=ColumnChoices(text="text", label="label"),
            task_type=TaskType.TEXT_CLASSIFICATION,
            project="recording",
            data_dir=WORK_PATH,
            max_bytes=MOST_UPLOAD_BYTES,
        )
        run_folder = WORK_PATH / "runs" / f"{dataset}-{sample.n_train}-{sample.n_validation}-{seed}"
        data = prepare_data(dataset_folder(WORK_PATH, stored.id), run_folder, sample, seed)
        metric = meta["metric"] if meta["metric"] in TEXT_CLASSIFICATION.metrics else "accuracy"
        return Arm(
            dataset=dataset,
            spec=self._spec(entry, stored, data, metric, seed),
            n_train=len(data.train),
            n_validation=len(data.validation),
        )

    def _spec(
        self, entry: ModelEntry, stored: StoredDataset, data: RunData, metric: str, seed: int
    ) -> TrialSpec:
        return TrialSpec(
            trial_id=entry.id,
            model_name=entry.id,
            model_folder=ensure_weights(entry, self._models),
            input_prefix=entry.input_prefix,
            strategy=Strategy.FULL.value,
            metric=metric,
            n_classes=len(data.examples.label_names),
            dataset_folder=data.folder.absolute(),
            dataset_id=stored.id,
            split_file=data.split_file.absolute(),
            folder=data.split_file.parent.absolute() / entry.id.replace("/", "--"),
            feature_cache_folder=WORK_PATH.absolute() / "features",
            feature_cache_bytes=CACHE_BYTES,
            seed=seed,
            recipe=_recipe(entry, stored, data, metric),
            n_threads=self._n_threads,
        )

    def _run(self, trial: TrialProcess, arm: Arm, command: Command) -> None:
        outcome = trial.run(command, timeout_seconds=MOST_SECONDS, memory_limit_bytes=MEMORY_BYTES)
        if not isinstance(outcome, Finished):
            raise RecordingError(f"{arm.dataset} {arm.model}", outcome)
        if isinstance(outcome.result, FeatureReport):
            scores = _transferability_rows(arm, outcome.result)
            append(self._out.with_name(TRANSFERABILITY_NAME), TRANSFERABILITY_COLUMNS, scores)
        point = _row(arm, outcome.result, outcome.seconds)
        append(self._out, COLUMNS, [{name: getattr(point, name) for name in COLUMNS}])
        self._say(
            f"{point.dataset:22s} {point.model:44s} {point.strategy} {point.step:4d}/{point.total_steps:<4d} "
            f"{point.metric_name} {point.metric:.4f} +- {point.std_error:.4f}  {point.seconds:.1f} s"
        )


def _recipe(entry: ModelEntry, stored: StoredDataset, data: RunData, metric: str) -> TrainingRecipe:
    """As a probe run has it."""
    n_train, profile = len(data.train), stored.profile
    weights = weights_for_metric(profile.class_counts, metric)
    length = kept_tokens(profile.p95_length, is_cjk=profile.length_unit is LengthUnit.CHARACTERS)
    return TrainingRecipe(
        learning_rate=learning_rate(entry, Strategy.FULL, n_train),
        batch_size=BATCH_SIZE,
        epochs=epochs_for(n_train),
        max_length=min(length, entry.max_length or length),
        class_weights=None
        if weights is None
        else tuple(weights.get(name, 1.0) for name in data.examples.label_names),
    )


def _commands(arm: Arm, done: set[int]) -> Iterator[Command]:
    """What is left to do of an arm."""
    if 0 not in done:
        yield ExtractFeatures()
    yield from (Train(until_step=end) for end in arm.slice_ends() if end not in done)


def _row(arm: Arm, result: Result, seconds: float) -> CurvePoint:
    recipe = arm.spec.recipe
    match result:
        case FeatureReport():
            strategy, rate, step, total = Strategy.HEAD, 0.0, 0, 0
            metric, error = result.head_metric, result.head_std_error
        case SlicePoint():
            strategy, rate, step, total = Strategy.FULL, recipe.learning_rate, result.step, result.total_steps
            metric, error = result.metric, result.std_error
        case _:
            raise TypeError("baselines are no arm")
    return CurvePoint(
        dataset=arm.dataset,
        model=arm.model,
        strategy=strategy.value,
        learning_rate=rate,
        seed=arm.spec.seed,
        step=step,
        total_steps=total,
        seconds=round(seconds, 3),
        metric_name=arm.spec.metric,
        metric=round(metric, 6),
        std_error=round(error, 6),
        n_train=arm.n_train,
        n_validation=arm.n_validation,
    )


def _transferability_rows(arm: Arm, report: FeatureReport) -> list[dict[str, object]]:
    scores = {**report.transferability, CROSS_VALIDATED: report.predicted_metric}
    where = (arm.dataset, arm.model, arm.spec.seed, arm.n_train)
    return [
        dict(zip(TRANSFERABILITY_COLUMNS, (*where, name, round(score, 6)), strict=True))
        for name, score in sorted(scores.items())
        if score is not None
    ]


def main() -> int:
    """Records what `ROUNDS` names and is not there yet."""
    parser = argparse.ArgumentParser(description="Record real fine-tunes for the calibrations.")
    parser.add_argument("--tasks", type=Path, required=True, help="folder of labelled sets, one folder each")
    parser.add_argument("--models", type=Path, required=True, help="folder of the weights; fetched if absent")
    parser.add_argument("--out", type=Path, default=TARGET_PATH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-train", type=int, default=256, help="training examples, as few as a run uses")
    parser.add_argument("--n-validation", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="ids of models; default: all")
    arguments = parser.parse_args()
    sample = Sample(n_train=arguments.n_train, n_validation=arguments.n_validation)
    n_failed = 0
    with ForkServer() as server:
        recorder = Recorder(arguments.tasks, arguments.models, arguments.out, server, arguments.threads)
        for dataset, models in ROUNDS:
            for model in models:
                if arguments.only and model not in arguments.only:
                    continue
                try:
                    recorder.record(dataset, model, sample, arguments.seed)
                except RecordingError as error:
                    sys.stderr.write(f"{error}\n")
                    n_failed += 1
    return min(n_failed, 1)


if __name__ == "__main__":
    sys.exit(main())
