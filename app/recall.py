"""Which models can do the task and fit the constraints and the budget, and why the others were left out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.ranking.candidates import CandidateTable
from app.ranking.cost import STRATEGIES, Costs
from app.task_profile.profile import TaskProfile
from models_registry.licences import allows_commercial_use
from models_registry.vocabulary import Strategy, TaskType

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
GB = 1e9

_FROZEN_TASKS = frozenset(
    {
        TaskType.TEXT_CLASSIFICATION,
        TaskType.MULTI_LABEL_CLASSIFICATION,
        TaskType.TEXT_PAIR_CLASSIFICATION,
        TaskType.TEXT_REGRESSION,
        TaskType.SENTENCE_SIMILARITY,
        TaskType.TEXT_RETRIEVAL,
        TaskType.TOKEN_CLASSIFICATION,
        TaskType.RELATION_EXTRACTION,
        TaskType.IMAGE_CLASSIFICATION,
        TaskType.VIDEO_CLASSIFICATION,
        TaskType.AUDIO_CLASSIFICATION,
        TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION,
        TaskType.IMAGE_TEXT_RETRIEVAL,
    }
)
"""Tasks that a head on frozen features can answer; the others need the body trained."""


class Rule(StrEnum):
    """Why a model can be left out, in the order in which the rules are applied."""

    NOT_INCLUDED = "include"
    EXCLUDED = "exclude"
    TASK = "task"
    LANGUAGE = "language"
    HUB = "hub"
    LICENCE = "licence"
    COMMERCIAL_USE = "commercial_use"
    PARAMETERS = "parameters"
    MODEL_SIZE = "model_size"
    COPY = "copy"
    WEIGHTS = "weights"
    LATENCY = "latency"
    MEMORY = "memory"
    TIME = "time"
    PRICE = "price"


_FAR = {Rule.TASK: 1e33, Rule.NOT_INCLUDED: 1e32, Rule.EXCLUDED: 1e31, Rule.LANGUAGE: 1e30, Rule.HUB: 1e5}
"""How far from eligible a model is that breaks a rule without a number; others count as 10.

Those about the question itself lie beyond any ratio of numbers, so that `Beyond` follows all others.
"""
KEPT_BEYOND = 128
"""Lists of models that are out of the question, by task, languages and names: as many are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of the fine-tune; None is no limit.

    Attributes:
        memory_bytes: Of one device.
        train_seconds: Wall time.
        price_per_hour: Of one device.
        max_price: In the currency of `price_per_hour`.
        n_devices: Devices used.
    """

    memory_bytes: float
    train_seconds: float | None = None
    price_per_hour: float | None = None
    max_price: float | None = None
    n_devices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Limits on the model itself; None or empty is no limit."""

    max_parameters: int | None = None
    max_latency_ms: float | None = None
    max_bytes: float | None = None
    licences: tuple[str, ...] = ()
    commercial_use: bool | None = None
    hubs: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    probeable_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """One model that was left out.

    Attributes:
        model: `hub:id@revision`.
        rule: The first rule that it broke.
        needed: What it would need.
        available: What there is.
        distance: How far from eligible, for sorting: the ratio of needed to available where both are numbers.
    """

    model: str
    rule: Rule
    needed: str
    available: str
    distance: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Beyond:
    """The models that are out of the question by task, language or name, whatever the budget.

    Requests with the same task share it, so that most of what an answer leaves out is worded once.

    Attributes:
        exclusions: The nearest to eligible first.
        counts: How many broke each rule.
        remaining: Mask over models: everyone else, shape (M,).
    """

    exclusions: tuple[Exclusion, ...]
    counts: Counter[Rule]
    remaining: Mask


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Recall:
    """Who is in and who is out.

    Attributes:
        eligible: Mask over models, shape (M,).
        fits: Mask over (strategy, model), shape (len(STRATEGIES), M).
        near: Who breaks a limit, the nearest to eligible first.
        beyond: Who is out of the question: all farther.
    """

    eligible: Mask
    fits: NDArray[np.bool_]
    near: tuple[Exclusion, ...]
    beyond: Beyond

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Everyone who is out, the nearest to eligible first."""
        return self.near + self.beyond.exclusions

    def restricted(self, allowed: NDArray[np.bool_]) -> "Recall":
        """The same with only these arms, shape (len(STRATEGIES), M)."""
        fits = self.fits & allowed
        return Recall(
            eligible=self.eligible & fits.any(axis=0), fits=fits, near=self.near, beyond=self.beyond
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Finding:
    rule: Rule
    fails: Mask
    describe: Callable[[int], tuple[str, str, float]]


def recall_candidates(
    table: CandidateTable,
    profile: TaskProfile,
    constraints: Constraints,
    budget: Budget,
    costs: Costs,
) -> Recall:
    """Apply every rule; a model is left out by the first that it breaks.

    Args:
        table: All models.
        profile: The task.
        constraints: On the model.
        budget: On the fine-tune.
        costs: Of every strategy and model.
    """
    beyond = _beyond(table, profile.task_type, profile.languages, constraints.include, constraints.exclude)
    fits, compute = _compute_findings(profile, constraints, budget, costs)
    findings = [*_word_findings(table, constraints), *_size_findings(table, constraints), *compute]
    near, eligible = _apply(table, findings, beyond.remaining)
    return Recall(eligible=eligible, fits=fits & eligible, near=near, beyond=beyond)


def _apply(
    table: CandidateTable, findings: Sequence[_Finding], remaining: Mask
) -> tuple[tuple[Exclusion, ...], Mask]:
    """Who of those remaining is left out, the nearest to eligible first, and who then remains."""
    exclusions: list[Exclusion] = []
    for finding in findings:
        for i in np.flatnonzero(remaining & finding.fails):
            needed, available, distance = finding.describe(int(i))
            exclusions.append(
                Exclusion(
                    model=table.entries[int(i)].name,
                    rule=finding.rule,
                    needed=needed,
                    available=available,
                    distance=distance,
                )
            )
        remaining = remaining & ~finding.fails
    exclusions.sort(key=lambda e: (e.distance, e.model))
    return tuple(exclusions), remaining


@lru_cache(maxsize=KEPT_BEYOND)
def _beyond(
    table: CandidateTable,
    task: TaskType,
    languages: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> Beyond:
    """Apply the rules about names, task and languages."""
    entries = table.entries
    reads = table.reads(languages)
    findings = [
        _word(Rule.TASK, ~table.does(task), lambda i: ", ".join(entries[i].task_types), task.value),
        _word(Rule.LANGUAGE, ~reads, lambda i: ", ".join(entries[i].languages), ", ".join(languages)),
    ]
    if include:
        wanted = set(include)
        out = np.array([not _is_named(e.name, wanted) for e in entries])
        findings.insert(0, _word(Rule.NOT_INCLUDED, out, lambda i: entries[i].key, ", ".join(sorted(wanted))))
    if exclude:
        unwanted = set(exclude)
        out = np.array([_is_named(e.name, unwanted) for e in entries])
        findings.insert(0, _word(Rule.EXCLUDED, out, lambda i: entries[i].key, "excluded by the request"))
    exclusions, remaining = _apply(table, findings, np.ones(len(table), dtype=bool))
    return Beyond(exclusions=exclusions, counts=Counter(e.rule for e in exclusions), remaining=remaining)


def allows_head(task_type: TaskType) -> bool:
    """Whether a head on frozen features can do this task."""
    return task_type in _FROZEN_TASKS


def _word(rule: Rule, fails: Mask, needed: Callable[[int], str], available: str) -> _Finding:
    return _Finding(rule, fails, lambda i: (needed(i), available, _FAR.get(rule, 10.0)))


def _word_findings(table: CandidateTable, constraints: Constraints) -> list[_Finding]:
    """Rules about hubs, licences and kinds of weights."""
    entries = table.entries
    findings = []
    if constraints.hubs:
        out = np.array([e.hub not in constraints.hubs for e in entries])
        findings.append(_word(Rule.HUB, out, lambda i: entries[i].hub, ", ".join(constraints.hubs)))
    if constraints.licences:
        allowed = {licence.lower() for licence in constraints.licences}
        out = np.array([e.licence.lower() not in allowed for e in entries])
        findings.append(
            _word(Rule.LICENCE, out, lambda i: entries[i].licence, ", ".join(constraints.licences))
        )
    if constraints.commercial_use:
        out = np.array([allows_commercial_use(e.licence) is not True for e in entries])
        findings.append(_word(Rule.COMMERCIAL_USE, out, lambda i: entries[i].licence, "a commercial licence"))
    if constraints.probeable_only:
        out = ~table.can_be_probed
        findings.append(_word(Rule.WEIGHTS, out, lambda i: entries[i].weights.format.value, "safetensors"))
    elif not constraints.include and not constraints.hubs:
        out = table.is_copy
        findings.append(
            _word(Rule.COPY, out, lambda i: f"{entries[i].derived_from} stands for it", "one copy")
        )
    return findings


def _is_named(name: str, wanted: set[str]) -> bool:
    """Whether `hub:id@revision` is meant by one of these names, parts that leave no doubt dropped."""
    key = name.rsplit("@", 1)[0]
    return bool({name, key, key.split(":", 1)[1]} & wanted)


def _number(rule: Rule, value: Array, limit: float, show: Callable[[float], str]) -> _Finding:
    fails = value > limit

    def describe(i: int) -> tuple[str, str, float]:
        return show(value[i]), show(limit), float(value[i] / max(limit, 1e-9))

    return _Finding(rule, fails, describe)


def _size_findings(table: CandidateTable, constraints: Constraints) -> list[_Finding]:
    """Rules about the size of the model."""
    findings = []
    if constraints.max_parameters is not None:
        limit = float(constraints.max_parameters)
        findings.append(_number(Rule.PARAMETERS, table.parameters, limit, lambda v: f"{v / 1e6:,.1f} M"))
    if constraints.max_bytes is not None:
        findings.append(_number(Rule.MODEL_SIZE, table.file_bytes, constraints.max_bytes, _gigabytes))
    return findings


def _compute_findings(
    profile: TaskProfile,
    constraints: Constraints,
    budget: Budget,
    costs: Costs,
) -> tuple[NDArray[np.bool_], list[_Finding]]:
    """Rules about the fine-tune: broken only where no strategy fits."""
    possible = np.array([s is not Strategy.HEAD or allows_head(profile.task_type) for s in STRATEGIES])
    memory, seconds = costs.peak_bytes, costs.train_seconds
    in_memory = memory <= budget.memory_bytes
    fits = in_memory & possible[:, None]
    findings = []
    if constraints.max_latency_ms is not None:
        latency = costs.latency_ms
        findings.append(_number(Rule.LATENCY, latency, constraints.max_latency_ms, lambda v: f"{v:,.1f} ms"))
    findings.append(_number(Rule.MEMORY, _cheapest(memory, possible), budget.memory_bytes, _gigabytes))
    if budget.train_seconds is not None:
        fits &= seconds <= budget.train_seconds
        cheapest = _cheapest(np.where(in_memory, seconds, np.inf), possible)
        findings.append(_number(Rule.TIME, cheapest, budget.train_seconds, lambda v: f"{v / 3600:,.2f} h"))
    if budget.price_per_hour is not None and budget.max_price is not None:
        price = seconds / 3600 * budget.price_per_hour * budget.n_devices
        fits &= price <= budget.max_price
        cheapest = _cheapest(np.where(in_memory, price, np.inf), possible)
        findings.append(_number(Rule.PRICE, cheapest, budget.max_price, lambda v: f"{v:,.2f}"))
    nothing = ~fits.any(axis=0) & ~np.any([f.fails for f in findings], axis=0)
    findings.append(
        _Finding(Rule.TIME, nothing, lambda _: ("no strategy fits time and price at once", "", 2.0))
    )
    return fits, findings


def _cheapest(values: Array, possible: Mask) -> Array:
    return np.asarray(np.min(values[possible], axis=0))


def _gigabytes(value: float) -> str:
    return f"{value / GB:,.2f} GB"
