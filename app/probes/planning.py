"""A queued request becomes a plan: sample, arms, predicted costs and the prior belief, all frozen."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from app.datasets.profile import MAX_SECONDS
from app.probes.footprint import Footprint, fitted
from app.probes.messages import SINGLE
from app.probes.plan import ArmPlan, RunPlan, adapted_among
from app.probes.scheduler import REFIT_SHARE
from app.question import CJK_LANGUAGES, Question, workload
from app.ranking.belief import Belief
from app.ranking.candidates import CandidateTable
from app.ranking.cost import PADDING, epochs_for, tokens_per_example
from app.ranking.devices import Device
from app.ranking.evidence import EvidenceBase
from app.ranking.observations import condition_on_probes
from app.ranking.probe_model import Extent, Group, load_probe_model
from app.ranking.recipe import SCRATCH_PASSES, suits
from app.ranking.target import TUNED
from app.task_profile.profile import TaskProfile
from app.tasks.catalogue import TASKS
from app.tasks.targets import PER_WORD, Target
from app.tasks.texts import WRITTEN_METRICS
from benchmarks.metrics import metric_named
from models_registry.entry import ModelEntry, WeightsFormat
from models_registry.vocabulary import Modality, Strategy

BATCH_SIZE = 16
MEMORY_GB = 8.0
"""Of a trial where the request names no limit."""
MOST_TOKENS = 512
"""Longest input of a probe; what lies behind is cut for every candidate alike."""
MIN_VALIDATION, MAX_VALIDATION = 256, 1_000
VALIDATION_SHARE = 0.2
MAX_TRAIN, MIN_TRAIN = 8_000, 256
MIN_FEATURES = 64
N_SIZES = 24
"""Training sizes that are weighed up, evenly spaced in their logarithm."""
BACKWARD = 3.0
"""Passes that a step of full training costs: the backward pass costs twice the forward."""
STEP_PASSES = {
    Strategy.FULL: BACKWARD,
    Strategy.LORA: 3.0,
    Strategy.ADALORA: 3.3,
    Strategy.PREFIX: 1.9,
    Strategy.IA3: 1.8,
    Strategy.BITFIT: 1.8,
    Strategy.PARTIAL: 1.7,
}
"""Of each strategy, as `tests/speed/predicted.py` measures on two kinds of machine."""
TRAINED_SHARE = 0.15
"""Share of the cost of fine-tuning every candidate on the sample that the budget is to be."""
FEATURE_SHARE = 0.3
"""Share of the budget that the passes over the data may take, which sets how many examples they see."""
# Measured on two AVX2 cores (torch 2.13, two threads) with WordLlama, MiniLM-L3, MiniLM-L6 and
# multilingual-e5-small on SST-2, ACL-ARC and THUCNews, 256 + 300 texts of 20 to 61 tokens.
LOAD_SECONDS, LOAD_SECONDS_PER_PARAMETER = 0.5, 1e-8
"""Forking a trial, opening its weights (0.06 to 0.33 s; 1.2 s for 118 million) and fitting the head."""
SLICE_OVERHEAD_SECONDS = 0.5
"""Saving a slice's state: 0 to 1.1 s, 0.5 s on average."""
HEAD_SECONDS_PER_VALUE = 4e-7
"""Of features, two classes: 3.4e-7 to 6.1e-7 at 1,000 to 4,000 examples of 256 to 1,536 features."""
ESTIMATE_SECONDS_PER_COLUMN = 2e-3
"""Of features of 1,000 examples: 1.7e-3 to 2.7e-3 for all estimators together."""
COMPARED = 4
"""Times as many features of a pair as of a text."""
MOST_WORDS_SEEN = 100_000
"""Of the training examples that a pass sees: 0.3 GB of features of 768 columns."""
MOST_WORDS_FITTED = 6_000
"""That a head of tags is fitted to: seconds instead of minutes."""
EXAMPLE_SECONDS = 3e-5
"""Tokenising and batching one text: 2e-5 to 4e-5 s, all that a table of word vectors takes."""
HISTORY_SECONDS, ITEM_WIDTH = 7e-4, 64
"""Of one history through a network over items, without the scores of items: 3e-4 to 1e-3 s with SASRec and
GRU4Rec, 5 to 15 items each, two threads and one; and the width of such a network."""
TITLE_TOKENS = 8.0
"""Of the title of an item."""
FILE_SECONDS = 6.5e-3
"""Decoding and scaling one image: 6.3e-3 s, 6.5e-3 s where it is augmented (JPEG of 256 pixels a side)."""
SOUND_SECONDS = 2.5e-3
"""Decoding, resampling and transforming a second of audio: from 5e-4 (FLAC of the model's rate, as samples)
to 8e-3 (FLAC of 44.1 kHz, as AST's spectrogram)."""


MOST_VALIDATION_TEXTS = 64
"""Texts to be written that are validated on at most: each of their words says as much as a label."""
MOST_WRITTEN = 48
"""Examples that texts are written of: the standard error of a ROUGE-L of 0.3 is then about 0.02."""
WRITING_PASSES = 3.0
"""Passes over source and answer that writing an answer costs: one over the source, then a token at a time.

1.8 with SmolLM2-135M on DialogSum (300 tokens, 40 of them written, four texts at once) on one core; more
where answers are as long as what they answer.
"""


class UnfitCandidateError(Exception):
    """A candidate cannot do the task or does not read the data's language, so nothing is believed of it."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model} cannot do this task or does not read the language of the data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How much of the data a run works on.

    Attributes:
        n_train: Examples trained on.
        n_validation: Examples validated on.
        n_features: Of the training examples, those that feature passes see; None for all.
    """

    n_train: int
    n_validation: int
    n_features: int | None = None

    @property
    def n_seen(self) -> int:
        """Training examples that a feature pass sees."""
        return self.n_train if self.n_features is None else self.n_features


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prepared:
    """A run ready to begin.

    Attributes:
        plan: What the scheduler decides by.
        entries: The candidates.
        sample: Sizes of the parts.
        epochs: Passes of a full fine-tune.
        max_length: Tokens kept of an input; of recordings seconds.
        n_threads: Of a trial.
        precision: Of a trial, on a processor.
        n_devices: Cards that a fine-tune is spread over.
    """

    plan: RunPlan
    entries: tuple[ModelEntry, ...]
    sample: Sample
    epochs: int
    max_length: int
    n_threads: int
    precision: str = SINGLE
    n_devices: int = 1


def prepare(
    question: Question,
    base: EvidenceBase,
    entries: Sequence[ModelEntry],
    request: Mapping[str, Any],
    device: Device,
    n_examples: int,
    p95_length: float,
    n_items: int = 0,
) -> Prepared:
    """The plan of a run, from its request and the data's profile.

    Args:
        question: The task with the run's limits.
        base: Figures and candidates.
        entries: The candidates.
        request: The body of `POST /probe-run`.
        device: Measured.
        n_examples: In the data set.
        p95_length: Of its texts, in the profile's unit.
        n_items: Of which the next is predicted; 0 where examples are no histories.
    """
    budget = float(request["budget"]["seconds"])
    kept_back = REFIT_SHARE * budget if request.get("refit") else 0.0
    table = CandidateTable(tuple(entries))
    tokens = workload(question.profile).tokens
    per_example = pass_seconds(table, tokens, device)
    if n_items:  # what is trained is a network over items, whoever gives their vectors
        per_example = np.full(len(table), history_seconds(n_items, tokens, device))
    writes = TASKS[question.profile.task_type].target is Target.TEXT
    repeats = SCRATCH_PASSES if TASKS[question.profile.task_type].from_scratch else 1
    sample = choose_sample(
        n_examples,
        budget - kept_back,
        repeats * float(per_example.sum()),
        most_validation=MOST_VALIDATION_TEXTS if writes else MAX_VALIDATION,
    )
    epochs = repeats * epochs_for(sample.n_train)
    is_paired = TASKS[question.profile.task_type].is_paired
    is_per_word = TASKS[question.profile.task_type].target in PER_WORD
    columns = table.width * (COMPARED if is_paired and not is_per_word else 1)
    n_units = sample.n_seen
    if is_per_word:
        words = max(float(question.profile.mean_length or 1.0), 1.0)
        sample = with_fewer_seen(sample, words)
        n_units = int(min(sample.n_seen * words, MOST_WORDS_FITTED))
    fits = fit_seconds(columns, n_units, int(question.profile.facts.get("n_classes") or 2))
    passes = per_example * (sample.n_seen + sample.n_validation)
    written = writing_seconds(per_example, question.profile.metric)
    if writes:  # no head is fitted; where texts are written, it is of both parts, and nothing else is read
        fits, passes = np.zeros_like(fits), np.where(written > 0.0, 2.0 * written, passes)
    if n_items:
        passes = pass_seconds(table, TITLE_TOKENS, device) * n_items
    features = (loading_seconds(table) + passes + fits).tolist()
    max_length = kept_length(question.profile, p95_length)
    n_devices = int(request["budget"].get("n_devices") or 1)
    strategies = [Strategy(s) for s in request["strategies"]]
    suitable = [suited(entry, strategies, is_paired=is_paired) for entry in entries]
    footprints = partial(fitted, tokens=max_length, limit_bytes=memory_limit(request), writes=writes)
    arms = tuple(
        _arm(
            model,
            strategy,
            per_example.tolist()[model],
            sample,
            epochs,
            footprints(entries[model], strategy),
            n_devices,
            written.tolist()[model],
        )
        for model, found in enumerate(suitable)
        for strategy in found
    )
    plan = RunPlan(
        belief=_prior(question, base, entries, adapted_among(a.strategy for a in arms)),
        names=tuple(e.name for e in entries),
        groups=tuple(Group.of(e) for e in entries),
        feature_seconds=tuple(features),
        arms=arms,
        metric=metric_named(question.profile.metric),
        stop_p_best=float(request["stop"]["p_best"]),
        stop_regret=float(request["stop"]["expected_regret"]),
        seed=int(request["seed"]),
        features_share=sample.n_seen / sample.n_train,
        extent=Extent(
            beyond=math.log2(sample.n_train / load_probe_model().n_train),
            missing=max(math.log2(n_examples / sample.n_train), 0.0),
        ),
        from_scratch=tuple(i for i, e in enumerate(entries) if e.weights.format is WeightsFormat.NONE),
    )
    return Prepared(
        plan=plan,
        entries=tuple(entries),
        sample=sample,
        epochs=epochs,
        max_length=max_length,
        n_threads=os.cpu_count() or 1,
        precision=device.precision,
        n_devices=n_devices,
    )


def kept_length(profile: TaskProfile, p95_length: float) -> int:
    """Room for 95 % of the inputs: whole seconds of audio, tokens of texts."""
    if profile.modality is Modality.AUDIO:
        return min(math.ceil(p95_length), MAX_SECONDS)
    return kept_tokens(p95_length, is_cjk=bool(CJK_LANGUAGES & set(profile.languages)))


def kept_tokens(p95_length: float, *, is_cjk: bool) -> int:
    """Room for 95 % of the texts, in steps of 16; longer ones are cut."""
    wanted = tokens_per_example(p95_length, is_cjk=is_cjk)
    return int(min(16 * -(-wanted // 16), MOST_TOKENS))


def choose_sample(
    n_examples: int, budget_seconds: float, example_seconds: float, *, most_validation: int = MAX_VALIDATION
) -> Sample:
    """How much of the data a run trains on, and how much of that its feature passes see.

    As many training examples as let the budget pay for `TRAINED_SHARE` of all fine-tunes: fewer would be
    trained to their end and say little about the whole data, more would hardly be begun.

    Args:
        n_examples: In the data set.
        budget_seconds: Of the run.
        example_seconds: Of one example through all candidates, forward only.
        most_validation: Examples validated on at most.
    """
    most = max(n_examples - int(VALIDATION_SHARE * n_examples), 1)
    sizes = np.unique(np.geomspace(min(MIN_TRAIN, most), min(MAX_TRAIN, most), N_SIZES).astype(int))
    costs = [BACKWARD * n * epochs_for(int(n)) * example_seconds for n in sizes]
    affordable = [
        int(n) for n, cost in zip(sizes, costs, strict=True) if TRAINED_SHARE * cost <= budget_seconds
    ]
    n_train = affordable[-1] if affordable else int(sizes[0])
    n_validation = min(
        int(np.clip(VALIDATION_SHARE * n_train, MIN_VALIDATION, MAX_VALIDATION)), most_validation
    )
    n_validation = max(min(n_validation, n_examples - most), 1)
    passes = FEATURE_SHARE * budget_seconds / max(example_seconds, 1e-9) - n_validation
    return Sample(
        n_train=n_train,
        n_validation=n_validation,
        n_features=int(np.clip(passes, min(MIN_FEATURES, n_train), n_train)),
    )


def with_fewer_seen(sample: Sample, words: float) -> Sample:
    """The sample, of which a pass sees no more words than are kept in memory.

    Args:
        sample: Sizes of the parts.
        words: Of an example on average.
    """
    most = max(int(MOST_WORDS_SEEN / words), min(MIN_FEATURES, sample.n_train))
    return replace(sample, n_features=min(sample.n_seen, most))


def fit_seconds(
    columns: "np.ndarray[Any, np.dtype[np.float64]]", n_examples: int, n_classes: int
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Seconds of the head and the estimators after a pass.

    Args:
        columns: Of the features of each candidate.
        n_examples: That the pass saw.
        n_classes: Of the task.
    """
    head = HEAD_SECONDS_PER_VALUE * columns * n_examples * max(n_classes / 2, 1.0)
    return np.asarray(head + ESTIMATE_SECONDS_PER_COLUMN * columns * min(n_examples / 1_000, 1.0))


def writing_seconds(
    per_example: "np.ndarray[Any, np.dtype[np.float64]]", metric: str
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Seconds in which each candidate writes the texts that a metric reads; 0 where it reads none.

    Args:
        per_example: Of one example through each candidate, forward only.
        metric: Canonical name.
    """
    return per_example * (WRITING_PASSES * MOST_WRITTEN if metric in WRITTEN_METRICS else 0.0)


def loading_seconds(table: CandidateTable) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Seconds until each candidate's trial has begun."""
    return np.asarray(LOAD_SECONDS + LOAD_SECONDS_PER_PARAMETER * table.parameters)


def pass_seconds(
    table: CandidateTable, tokens: float, device: Device
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Seconds of one example through each candidate, forward only."""
    kept = np.where(table.is_per_second, min(tokens, MAX_SECONDS), tokens)
    length = table.units(kept * PADDING)
    operations = table.flops * length + 4.0 * table.layers * table.width * length**2 * table.is_per_token
    # Short texts leave inference as far from the peak as training: 0.28 to 0.30 of it, and 0.25 to 0.34.
    of_files = np.where(table.is_per_second, SOUND_SECONDS * length, FILE_SECONDS)
    own = np.where(table.is_per_token, EXAMPLE_SECONDS, of_files)
    return np.asarray(operations / (device.flops * device.train_efficiency) + own)


def history_seconds(n_items: int, tokens: float, device: Device) -> float:
    """Seconds of one history through a network over items, forward only.

    Args:
        n_items: All are scored at every position.
        tokens: Items of a history.
        device: Measured.
    """
    operations = 2.0 * ITEM_WIDTH * n_items * tokens
    return HISTORY_SECONDS + operations / (device.flops * device.train_efficiency)


def memory_limit(request: Mapping[str, Any]) -> int:
    """Bytes that a trial of this run may take."""
    return int((request["budget"].get("memory_gb") or MEMORY_GB) * 1e9)


def _arm(
    model: int,
    strategy: Strategy,
    pass_seconds: float,
    sample: Sample,
    epochs: int,
    footprint: Footprint,
    n_devices: int,
    written_seconds: float,
) -> ArmPlan:
    """Its costs in seconds of all devices together: passes are shared, what is not occupies each of them."""
    if strategy is Strategy.HEAD:
        return ArmPlan(
            model=model,
            strategy=strategy,
            total_steps=0,
            step_seconds=0.0,
            slice_overhead_seconds=0.0,
            example_seconds=pass_seconds,
        )
    steps_an_epoch = -(-sample.n_train // BATCH_SIZE)
    return ArmPlan(
        model=model,
        strategy=strategy,
        total_steps=steps_an_epoch * epochs,
        step_seconds=(STEP_PASSES[strategy] + footprint.gradient_checkpointing) * pass_seconds * BATCH_SIZE,
        slice_overhead_seconds=(SLICE_OVERHEAD_SECONDS + written_seconds) * n_devices
        + pass_seconds * sample.n_validation,
        micro_batch=footprint.micro_batch,
        gradient_checkpointing=footprint.gradient_checkpointing,
        example_seconds=pass_seconds,
    )


def suited(entry: ModelEntry, strategies: Sequence[Strategy], *, is_paired: bool = False) -> list[Strategy]:
    """The strategies that a model is probed with.

    Of a table of word vectors the head, where it is asked for: to train the table gains little over it.
    """
    if entry.n_layers == 0 and Strategy.HEAD in strategies:
        return [Strategy.HEAD]
    return [s for s in strategies if suits(entry, s, is_paired=is_paired)]


def _prior(
    question: Question, base: EvidenceBase, entries: Sequence[ModelEntry], adapted: Sequence[Strategy]
) -> Belief:
    """The belief over the arms of the candidates, earlier probes of the same data included.

    Raises:
        UnfitCandidateError: There is none for one of them.
    """
    index = {name: i for i, name in enumerate(base.candidates.names)}
    probed = base.candidates.with_keys({p.model for p in question.probes})
    among = np.union1d(np.array([index[e.name] for e in entries], dtype=np.intp), probed)
    figures = base.belief_for(question.profile, among=among)
    held = condition_on_probes(base, figures, question.profile, question.probes)
    unfit = next((e.name for e in entries if index[e.name] not in held.position), None)
    if unfit is not None:
        raise UnfitCandidateError(unfit)
    tuned = np.array([2 * held.position[index[e.name]] + TUNED for e in entries], dtype=np.intp)
    return load_probe_model().joined(held.belief.subset(tuned), [Group.of(e) for e in entries], adapted)
