"""A queued request becomes a plan: sample, arms, predicted costs and the prior belief, all frozen."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from app.datasets.profile import MAX_SECONDS
from app.probes.footprint import Footprint, fitted
from app.probes.messages import SINGLE
from app.probes.plan import ArmPlan, RunPlan, adapted_among
from app.probes.sample_size import (
    MAX_VALIDATION,
    MOST_VALIDATION_TEXTS,
    Sample,
    choose_sample,
    with_fewer_seen,
)
from app.probes.scheduler import REFIT_SHARE
from app.probes.work_costs import (
    COMPARED,
    MOST_WORDS_FITTED,
    SLICE_OVERHEAD_SECONDS,
    STEP_PASSES,
    TITLE_TOKENS,
    Array,
    fit_seconds,
    history_seconds,
    loading_seconds,
    pass_seconds,
    writing_seconds,
)
from app.question import CJK_LANGUAGES, Question, workload
from app.ranking.belief import Belief
from app.ranking.candidates import CandidateTable
from app.ranking.cost import epochs_for, tokens_per_example
from app.ranking.devices import Device
from app.ranking.evidence import EvidenceBase
from app.ranking.observations import condition_on_probes
from app.ranking.probe_model import Extent, Group, load_probe_model
from app.ranking.recipe import SCRATCH_PASSES, suits
from app.ranking.target import TUNED
from app.task_profile.profile import TaskProfile
from app.tasks.catalogue import TASKS
from app.tasks.targets import PER_WORD, Target
from benchmarks.metrics import metric_named
from models_registry.entry import ModelEntry, WeightsFormat
from models_registry.vocabulary import Modality, Strategy

BATCH_SIZE = 16
MEMORY_GB = 8.0
"""Of a trial where the request names no limit."""
MOST_TOKENS = 512
"""Longest input of a probe; what lies behind is cut for every candidate alike."""


class UnfitCandidateError(Exception):
    """A candidate cannot do the task or does not read the data's language, so nothing is believed of it."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model} cannot do this task or does not read the language of the data")


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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Outlay:
    """What a run works on, and what that costs in seconds; arrays hold one number a candidate.

    Attributes:
        sample: Sizes of the parts.
        epochs: Passes of a full fine-tune.
        per_example: Of one example, forward only.
        written: Of the texts that the metric reads.
        features: Of a pass with all that belongs to it.
    """

    sample: Sample
    epochs: int
    per_example: Array
    written: Array
    features: Array


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
    table = CandidateTable(tuple(entries))
    outlay = _outlay(question.profile, table, request, device, n_examples, n_items)
    sample = outlay.sample
    max_length = kept_length(question.profile, p95_length)
    n_devices = int(request["budget"].get("n_devices") or 1)
    arms = _arms(question.profile, entries, request, outlay, max_length, n_devices)
    plan = RunPlan(
        belief=_prior(question, base, entries, adapted_among(a.strategy for a in arms)),
        names=tuple(e.name for e in entries),
        groups=tuple(Group.of(e) for e in entries),
        feature_seconds=tuple(outlay.features.tolist()),
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
        epochs=outlay.epochs,
        max_length=max_length,
        n_threads=os.cpu_count() or 1,
        precision=device.precision,
        n_devices=n_devices,
    )


def _outlay(
    profile: TaskProfile,
    table: CandidateTable,
    request: Mapping[str, Any],
    device: Device,
    n_examples: int,
    n_items: int,
) -> _Outlay:
    """What the budget pays for, and what a pass over it costs with each candidate."""
    budget = float(request["budget"]["seconds"])
    kept_back = REFIT_SHARE * budget if request.get("refit") else 0.0
    task, tokens = TASKS[profile.task_type], workload(profile).tokens
    per_example = pass_seconds(table, tokens, device)
    if n_items:  # what is trained is a network over items, whoever gives their vectors
        per_example = np.full(len(table), history_seconds(n_items, tokens, device))
    writes, repeats = task.target is Target.TEXT, SCRATCH_PASSES if task.from_scratch else 1
    sample = choose_sample(
        n_examples,
        budget - kept_back,
        repeats * float(per_example.sum()),
        most_validation=MOST_VALIDATION_TEXTS if writes else MAX_VALIDATION,
    )
    if task.target in PER_WORD:
        sample = with_fewer_seen(sample, _words(profile))
    written = writing_seconds(per_example, profile.metric)
    passes = per_example * (sample.n_seen + sample.n_validation)
    fits = _fit_seconds(profile, table, sample)
    if writes:  # no head is fitted; where texts are written, it is of both parts, and nothing else is read
        fits, passes = np.zeros_like(fits), np.where(written > 0.0, 2.0 * written, passes)
    if n_items:
        passes = pass_seconds(table, TITLE_TOKENS, device) * n_items
    return _Outlay(
        sample=sample,
        epochs=repeats * epochs_for(sample.n_train),
        per_example=per_example,
        written=written,
        features=loading_seconds(table) + passes + fits,
    )


def _fit_seconds(profile: TaskProfile, table: CandidateTable, sample: Sample) -> Array:
    """Of the head and the estimators after a pass, by candidate."""
    task, n_units = TASKS[profile.task_type], sample.n_seen
    is_per_word = task.target in PER_WORD
    if is_per_word:
        n_units = int(min(sample.n_seen * _words(profile), MOST_WORDS_FITTED))
    columns = table.width * (COMPARED if task.is_paired and not is_per_word else 1)
    return fit_seconds(columns, n_units, int(profile.facts.get("n_classes") or 2))


def _words(profile: TaskProfile) -> float:
    """Of an example on average."""
    return max(float(profile.mean_length or 1.0), 1.0)


def _arms(
    profile: TaskProfile,
    entries: Sequence[ModelEntry],
    request: Mapping[str, Any],
    outlay: _Outlay,
    max_length: int,
    n_devices: int,
) -> tuple[ArmPlan, ...]:
    """Every candidate under every strategy that suits it."""
    task = TASKS[profile.task_type]
    strategies = [Strategy(s) for s in request["strategies"]]
    footprint_of = partial(
        fitted,
        tokens=max_length,
        limit_bytes=memory_limit(request),
        writes=task.target is Target.TEXT,
    )
    return tuple(
        _arm(model, strategy, outlay, footprint_of(entry, strategy), n_devices)
        for model, entry in enumerate(entries)
        for strategy in suited(entry, strategies, is_paired=task.is_paired)
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


def memory_limit(request: Mapping[str, Any]) -> int:
    """Bytes that a trial of this run may take."""
    return int((request["budget"].get("memory_gb") or MEMORY_GB) * 1e9)


def _arm(model: int, strategy: Strategy, outlay: _Outlay, footprint: Footprint, n_devices: int) -> ArmPlan:
    """Its costs in seconds of all devices together: passes are shared, what is not occupies each of them."""
    sample, one = outlay.sample, float(outlay.per_example[model])
    if strategy is Strategy.HEAD:
        return ArmPlan(
            model=model,
            strategy=strategy,
            total_steps=0,
            step_seconds=0.0,
            slice_overhead_seconds=0.0,
            example_seconds=one,
        )
    steps_an_epoch = -(-sample.n_train // BATCH_SIZE)
    overhead = (SLICE_OVERHEAD_SECONDS + float(outlay.written[model])) * n_devices
    return ArmPlan(
        model=model,
        strategy=strategy,
        total_steps=steps_an_epoch * outlay.epochs,
        step_seconds=(STEP_PASSES[strategy] + footprint.gradient_checkpointing) * one * BATCH_SIZE,
        slice_overhead_seconds=overhead + one * sample.n_validation,
        micro_batch=footprint.micro_batch,
        gradient_checkpointing=footprint.gradient_checkpointing,
        example_seconds=one,
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
