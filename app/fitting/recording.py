"""Records real fine-tunes, from which the calibrations are learnt: `python -m app.fitting.recording`.

Every arm is trained by the code that serves (`app.probes.trial` in a process of its own), on a sample drawn
as a probe run draws it, and scored on its validation part where a run's slices end. The end is scored on a
test part too, which is one and the same for all seeds: what a run is to foretell. A row is written as soon
as it is measured. A second start skips what is there, and a half-trained arm goes on from its last slice.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

from app.datasets.profile import LengthUnit
from app.datasets.storage import StoredDataset
from app.fitting.candidates import CANDIDATES, COSTLY, Candidate, Tuned
from app.fitting.derivatives import WholeVocabulary, make
from app.fitting.fine_tunes import TEST, VALIDATION, FineTunePoint, append_rows, read_rows, ship_fine_tunes
from app.fitting.stored_sets import LabelledSets
from app.probes.data import read_trial_data
from app.probes.device_speed import measured_device
from app.probes.messages import (
    SINGLE,
    Command,
    ScoreTest,
    SlicePoint,
    TestScore,
    Train,
    TrainingRecipe,
    TrialSpec,
)
from app.probes.outcomes import Finished
from app.probes.plan import ArmPlan
from app.probes.planning import BATCH_SIZE, kept_tokens
from app.probes.sample_size import Sample
from app.probes.training import FineTune
from app.probes.trial_process import ForkServer, TrialProcess
from app.probes.weights import ensure_weights, packaged_entries
from app.ranking.devices import device_named
from app.ranking.recipe import learning_rate, weights_for_metric
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy

DATASETS = (
    "sms_spam",
    "sst2",
    "tweet_emotion",
    "cola",
    "thucnews_titles",
    "subj",
    "banking77",
    "movie_reviews_mr",
    "citation_intent_aclarc",
    "chemprot",
    "chnsenticorp_hotel",
)
"""Short texts first."""
EPOCHS = 3
MOST_TOKENS = 64
"""Kept of a text, for every model alike, so that a hundred fine-tunes take hours instead of days."""
TUNING_EPOCHS = 5
TUNING_EXAMPLES = 2_000
WORK_PATH = Path(__file__).parents[2] / ".cache" / "recording"
MOST_SECONDS = 7_200.0
MEMORY_BYTES = 8 * 2**30
CACHE_BYTES = 2**31


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
class Arm:
    """A model on a sample of a labelled set, ready to train."""

    dataset: str
    spec: TrialSpec
    n_train: int
    n_validation: int
    n_test: int

    def slice_ends(self) -> tuple[int, ...]:
        """Steps at which a probe run would evaluate it."""
        steps = -(-self.n_train // self.spec.recipe.batch_size) * self.spec.recipe.epochs
        plan = ArmPlan(
            model=0, strategy=Strategy.FULL, total_steps=steps, step_seconds=0.0, slice_overhead_seconds=0.0
        )
        return plan.slice_ends()


class Recorder:
    """Records arms into a file; a context's fork server starts its trials."""

    def __init__(
        self,
        sets: LabelledSets,
        models: Path,
        out: Path,
        server: ForkServer,
        n_threads: int,
        precision: str = SINGLE,
    ) -> None:
        self._sets = sets
        self._models = models
        self._out = out
        self._server = server
        self._n_threads = n_threads
        self._precision = precision
        self._entries = packaged_entries()

    def record(
        self,
        dataset: str,
        candidate: Candidate,
        sample: Sample,
        seed: int,
        strategy: Strategy = Strategy.FULL,
    ) -> None:
        """Every row of an arm is in the file.

        Raises:
            RecordingError: Its trial failed; what was measured before stays.
        """
        arm = self.prepare(dataset, candidate, sample, seed, strategy)
        key = (dataset, candidate.id, arm.spec.strategy, seed, arm.n_train)
        done = {(row.part, row.step) for row in read_rows(self._out) if row.arm == key}
        commands: list[Command] = [
            Train(until_step=end) for end in arm.slice_ends() if (VALIDATION, end) not in done
        ]
        if (TEST, arm.slice_ends()[-1]) not in done:
            commands.append(ScoreTest())
        if not commands:
            return
        trial = TrialProcess(arm.spec, self._server)
        try:
            last = None
            for command in commands:
                last = self._run(trial, arm, command, last)
        finally:
            trial.close()

    def prepare(
        self,
        dataset: str,
        candidate: Candidate,
        sample: Sample,
        seed: int,
        strategy: Strategy = Strategy.FULL,
    ) -> Arm:
        """The arm of a candidate on a sample of a labelled set."""
        split_file = self._sets.split_file(dataset, sample, seed)
        parts = json.loads(split_file.read_text(encoding="utf-8"))
        entry = candidate.entry(self._entries[candidate.source])
        spec = self._spec(entry, dataset, split_file, len(parts["train"]), seed, strategy)
        return Arm(
            dataset=dataset,
            spec=replace(spec, model_folder=self._folder(candidate)),
            n_train=len(parts["train"]),
            n_validation=len(parts["validation"]),
            n_test=len(parts["test"]),
        )

    def _spec(
        self,
        entry: ModelEntry,
        dataset: str,
        split_file: Path,
        n_train: int,
        seed: int,
        strategy: Strategy,
    ) -> TrialSpec:
        stored = self._sets.stored(dataset)
        metric = self._sets.metric(dataset)
        run = f"{entry.id.replace('/', '--')}-{split_file.stem}-{strategy}"
        return TrialSpec(
            trial_id=entry.id,
            model_name=entry.name,
            model_folder=None,
            input_prefix=entry.input_prefix,
            strategy=strategy.value,
            metric=metric,
            dataset_folder=self._sets.examples_folder(dataset),
            dataset_id=stored.id,
            split_file=split_file.absolute(),
            folder=(WORK_PATH / "trials" / run).absolute(),
            feature_cache_folder=(WORK_PATH / "features").absolute(),
            feature_cache_bytes=CACHE_BYTES,
            seed=seed,
            recipe=_recipe(entry, strategy, stored, metric, n_train),
            n_threads=self._n_threads,
            precision=self._precision,
        )

    def _folder(self, candidate: Candidate) -> Path:
        entry = self._entries[candidate.source]
        target = WORK_PATH.absolute() / "derived" / candidate.id.replace("/", "--")
        target.parent.mkdir(parents=True, exist_ok=True)
        return make(candidate, entry, ensure_weights(entry, self._models), target, partial(self._tune, entry))

    def _tune(self, entry: ModelEntry, backbone: WholeVocabulary, dataset: str) -> None:
        """The backbone is fine-tuned on a labelled set."""
        split_file = self._sets.split_file(
            dataset, Sample(n_train=TUNING_EXAMPLES, n_validation=300), seed=1_000
        )
        spec = self._spec(entry, dataset, split_file, TUNING_EXAMPLES, 1_000, Strategy.FULL)
        spec = replace(spec, recipe=replace(spec.recipe, epochs=TUNING_EPOCHS))
        data = read_trial_data(spec.dataset_folder, spec.split_file)
        fine_tune = FineTune(spec, backbone, data)
        point = fine_tune.advance(fine_tune.total_steps, lambda _: None)
        say(f"{entry.id} tuned on {dataset}: {spec.metric} {point.metric:.4f} on its validation part")

    def _run(
        self, trial: TrialProcess, arm: Arm, command: Command, last: FineTunePoint | None
    ) -> FineTunePoint:
        outcome = trial.run(command, timeout_seconds=MOST_SECONDS, memory_limit_bytes=MEMORY_BYTES)
        if not isinstance(outcome, Finished) or not isinstance(outcome.result, SlicePoint | TestScore):
            raise RecordingError(f"{arm.dataset} {arm.spec.trial_id}", outcome)
        row = _row(arm, outcome.result, outcome.peak_memory_bytes, last)
        append_rows(self._out, [row])
        say(
            f"{row.dataset:22s} {row.model:52s} {row.strategy} {row.step:4d}/{row.total_steps:<4d} "
            f"{row.part:10s} {row.metric_name} {row.metric:.4f} +- {row.std_error:.4f}  {row.seconds:.1f} s"
        )
        return row


def _recipe(
    entry: ModelEntry, strategy: Strategy, stored: StoredDataset, metric: str, n_train: int
) -> TrainingRecipe:
    """As a probe run has it, but for its epochs and the longest text."""
    profile = stored.profile
    weights = weights_for_metric(profile.class_counts, metric)
    length = kept_tokens(profile.p95_length, is_cjk=profile.length_unit is LengthUnit.CHARACTERS)
    return TrainingRecipe(
        learning_rate=learning_rate(entry, strategy, n_train),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        max_length=min(length, MOST_TOKENS),
        class_weights=None if weights is None else tuple(weights[name] for name in sorted(weights)),
    )


def _row(
    arm: Arm, result: SlicePoint | TestScore, peak_memory_bytes: int, last: FineTunePoint | None
) -> FineTunePoint:
    spec, ends = arm.spec, arm.slice_ends()
    newest = result if isinstance(result, SlicePoint) else None
    before = last.seconds if last else math.nan
    return FineTunePoint(
        dataset=arm.dataset,
        model=spec.trial_id,
        strategy=spec.strategy,
        seed=spec.seed,
        n_train=arm.n_train,
        epochs=spec.recipe.epochs,
        max_length=spec.recipe.max_length,
        learning_rate=spec.recipe.learning_rate,
        step=result.step,
        total_steps=ends[-1],
        seconds=before if newest is None else round(newest.seconds, 3),
        n_threads=spec.n_threads,
        peak_memory_bytes=peak_memory_bytes,
        part=TEST if newest is None else VALIDATION,
        n_examples=arm.n_test if newest is None else arm.n_validation,
        metric_name=spec.metric,
        metric=round(result.metric, 6),
        std_error=round(result.std_error, 6),
        loss=math.nan if newest is None else round(newest.loss, 5),
    )


def say(line: str) -> None:
    """One line to whoever watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def choose(names: Sequence[str], dataset: str) -> tuple[Candidate, ...]:
    """The candidates of these ids, all but the costly ones where none is named; none tuned on this set."""
    among = [c for c in (*CANDIDATES, *COSTLY) if c.id in names] if names else CANDIDATES
    return tuple(c for c in among if not (isinstance(c.change, Tuned) and c.change.dataset == dataset))


def recording_parser(description: str, out: Path) -> argparse.ArgumentParser:
    """Arguments of whatever is recorded of candidates on labelled sets."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tasks", type=Path, help="folder of labelled sets, one folder each")
    parser.add_argument("--models", type=Path, help="folder of the weights; fetched if absent")
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--n-train", type=int, default=1_000)
    parser.add_argument("--n-validation", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="ids of candidates")
    parser.add_argument("--datasets", nargs="*", default=list(DATASETS))
    return parser


def main() -> int:
    """Records every candidate on every labelled set, where it is not there yet; or ships what there is."""
    parser = recording_parser("Record real fine-tunes for the calibrations.", WORK_PATH / "fine_tunes.csv")
    parser.add_argument("--strategies", nargs="*", type=Strategy, default=[Strategy.FULL])
    parser.add_argument(
        "--ship", action="store_true", help="only add what was recorded to the project's file"
    )
    arguments = parser.parse_args()
    if arguments.ship:
        say(f"{ship_fine_tunes(read_rows(arguments.out))} rows")
        return 0
    if arguments.tasks is None or arguments.models is None:
        parser.error("--tasks and --models are needed to record")
    sample = Sample(n_train=arguments.n_train, n_validation=arguments.n_validation)
    n_failed = 0
    with ForkServer() as server:
        sets = LabelledSets(arguments.tasks, WORK_PATH)
        precision = measured_device(device_named("cpu"), server, WORK_PATH / "device.json").precision
        recorder = Recorder(sets, arguments.models, arguments.out, server, arguments.threads, precision)
        for seed in arguments.seeds:
            for dataset in arguments.datasets:
                wanted = product(choose(arguments.only, dataset), arguments.strategies)
                for candidate, strategy in wanted:
                    try:
                        recorder.record(dataset, candidate, sample, seed, strategy)
                    except RecordingError as error:
                        sys.stderr.write(f"{error}\n")
                        n_failed += 1
    return min(n_failed, 1)


if __name__ == "__main__":
    sys.exit(main())
