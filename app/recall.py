"""Which models can do the task and fit the constraints and the budget, and why the others were left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.exclusions import Exclusions, Group, Rule
from app.ranking.candidates import CandidateTable
from app.ranking.cost import Costs
from models_registry.licences import allows_commercial_use
from models_registry.vocabulary import TaskType

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

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
        TaskType.SEQUENTIAL_RECOMMENDATION,
    }
)
"""Tasks that a head on frozen features can answer; the others need the body trained."""


KEPT_POOLS = 128
"""Pools of models remembered, by task, languages and names."""
_WITHOUT_LIMIT = 1e30
"""Of a limit that is not there: beyond every cost."""


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
    """Limits on the model itself; None or empty is no limit.

    Attributes:
        has_titles: Whether there are texts to read: of items, which have none, only their titles are.
    """

    max_parameters: int | None = None
    max_latency_ms: float | None = None
    max_bytes: float | None = None
    licences: tuple[str, ...] = ()
    commercial_use: bool | None = None
    hubs: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    probeable_only: bool = False
    has_titles: bool = True


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True, kw_only=True)
class Pool:
    """The models that are not out of the question by task, language or name, whatever the budget.

    Requests with the same task share it, so that only these are looked at closer.

    Attributes:
        models: Indices into the whole table, ascending, shape (m,).
        table: Of these models.
        beyond: Who is out of the question.
    """

    models: Index
    table: CandidateTable
    beyond: Exclusions


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Recall:
    """Who is in and who is out.

    Attributes:
        pool: The models that were looked at.
        eligible: Mask over them, shape (m,).
        fits: Mask over (strategy, model) of the pool, shape (S, m).
        full_fits: Mask over the models that can be fine-tuned whole within the limits, shape (m,).
        near: Who breaks a limit.
    """

    pool: Pool
    eligible: Mask
    fits: NDArray[np.bool_]
    full_fits: Mask
    near: tuple[Group, ...]

    @property
    def exclusions(self) -> Exclusions:
        """Everyone who is out."""
        return Exclusions(self.near, self.pool.beyond)

    def outranked(self, out: Index, below: Array, limit: float) -> "Recall":
        """The same without those whose outlook is too far below the best.

        Args:
            out: Their places in the pool, ascending, shape (k,).
            below: How many standard deviations each lies below the best, shape (k,).
            limit: How many the last that stays does.
        """
        group = Group(
            rule=Rule.OUTRANKED, models=self.pool.models[out], needed=below.astype(np.float32), limit=limit
        )
        eligible = self.eligible.copy()
        eligible[out] = False
        return replace(self, eligible=eligible, fits=self.fits & eligible, near=(*self.near, group))

    def restricted(self, allowed: NDArray[np.bool_]) -> "Recall":
        """The same with only these arms of the whole table, shape (S, M)."""
        fits = self.fits & allowed[:, self.pool.models]
        return replace(self, eligible=self.eligible & fits.any(axis=0), fits=fits)


@dataclass(frozen=True, eq=False, slots=True)
class _Finding:
    rule: Rule
    fails: Mask
    available: str = ""
    needed: Array | None = None
    limit: float = 0.0


@lru_cache(maxsize=KEPT_POOLS)
def recall_pool(
    table: CandidateTable,
    task: TaskType,
    languages: tuple[str, ...],
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> Pool:
    """Apply the rules about names, task and languages."""
    findings = []
    if exclude:
        findings.append(_Finding(Rule.EXCLUDED, table.named(exclude), "excluded by the request"))
    if include:
        wanted = ", ".join(sorted(set(include)))
        findings.append(_Finding(Rule.NOT_INCLUDED, ~table.named(include), wanted))
    findings.append(_Finding(Rule.TASK, ~table.does(task), task.value))
    findings.append(_Finding(Rule.LANGUAGE, ~table.reads(languages), ", ".join(languages)))
    every = np.arange(len(table))
    groups, remaining = _apply(findings, every)
    models = np.flatnonzero(remaining)
    return Pool(models=models, table=table.among(models), beyond=Exclusions(groups))


def recall_candidates(
    pool: Pool,
    task: TaskType,
    constraints: Constraints,
    budget: Budget,
    costs: Costs,
    *,
    heads: bool = False,
) -> Recall:
    """Apply every other rule; a model is left out by the first that it breaks.

    Args:
        pool: The models.
        task: Their task.
        constraints: On the model.
        budget: On the fine-tune.
        costs: Of every strategy and model of the pool.
        heads: Whether models as they are count whatever the task, since they were measured.
    """
    head = heads or allows_head(task)
    fits, compute = _compute_findings(constraints, budget, costs, pool.table.is_pretrained, head=head)
    findings = [*_word_findings(pool.table, constraints), *_size_findings(pool.table, constraints), *compute]
    near, eligible = _apply(findings, pool.models)
    return Recall(pool=pool, eligible=eligible, fits=fits & eligible, full_fits=fits[0] & eligible, near=near)


def _apply(findings: Sequence[_Finding], models: Index) -> tuple[tuple[Group, ...], Mask]:
    """Who is left out by which finding first, and who remains.

    Args:
        findings: Over the models, in the order of the rules.
        models: Their places in the whole table.
    """
    groups = []
    remaining = np.ones(len(models), dtype=bool)
    for finding in findings:
        out = (finding.fails & remaining).nonzero()[0]
        if len(out):
            remaining[out] = False
            needed = None if finding.needed is None else finding.needed[out].astype(np.float32)
            groups.append(
                Group(
                    rule=finding.rule,
                    models=models[out],
                    available=finding.available,
                    needed=needed,
                    limit=finding.limit,
                )
            )
    return tuple(groups), remaining


def allows_head(task_type: TaskType) -> bool:
    """Whether a head on frozen features can do this task."""
    return task_type in _FROZEN_TASKS


def _word_findings(table: CandidateTable, constraints: Constraints) -> list[_Finding]:
    """Rules about hubs, licences and kinds of weights."""
    findings = []
    if not constraints.has_titles:
        findings.append(_Finding(Rule.TITLES, table.reads_texts, "none that is known of"))
    if constraints.hubs:
        out = table.hubs.where(lambda hub: hub not in constraints.hubs)
        findings.append(_Finding(Rule.HUB, out, ", ".join(constraints.hubs)))
    if constraints.licences:
        allowed = {licence.lower() for licence in constraints.licences}
        out = table.licences.where(lambda licence: licence.lower() not in allowed)
        findings.append(_Finding(Rule.LICENCE, out, ", ".join(constraints.licences)))
    if constraints.commercial_use:
        out = table.licences.where(lambda licence: allows_commercial_use(licence) is not True)
        findings.append(_Finding(Rule.COMMERCIAL_USE, out, "a commercial licence"))
    if constraints.probeable_only:
        findings.append(_Finding(Rule.WEIGHTS, ~table.can_be_probed, "safetensors"))
    elif not constraints.include and not constraints.hubs:
        findings.append(_Finding(Rule.COPY, table.is_copy, "one copy"))
    return findings


def _number(rule: Rule, value: Array, limit: float) -> _Finding:
    return _Finding(rule, value > limit, needed=value, limit=limit)


def _size_findings(table: CandidateTable, constraints: Constraints) -> list[_Finding]:
    """Rules about the size of the model."""
    findings = []
    if constraints.max_parameters is not None:
        findings.append(_number(Rule.PARAMETERS, table.parameters, float(constraints.max_parameters)))
    if constraints.max_bytes is not None:
        findings.append(_number(Rule.MODEL_SIZE, table.file_bytes, constraints.max_bytes))
    return findings


def _compute_findings(
    constraints: Constraints, budget: Budget, costs: Costs, is_pretrained: Mask, *, head: bool
) -> tuple[NDArray[np.bool_], list[_Finding]]:
    """Rules about the fine-tune: broken only where no strategy fits."""
    able = slice(None) if head else slice(0, -1)  # the head is the last strategy
    memory, seconds = costs.peak_bytes[able], costs.train_seconds[able]
    in_memory = memory <= budget.memory_bytes
    fits = in_memory
    if head and not is_pretrained.all():
        fits = np.concatenate([fits[:-1], fits[-1:] & is_pretrained])
    findings = []
    if constraints.max_latency_ms is not None:
        findings.append(_number(Rule.LATENCY, costs.latency_ms, constraints.max_latency_ms))
    findings.append(_number(Rule.MEMORY, np.minimum.reduce(memory), budget.memory_bytes))
    if budget.train_seconds is not None:
        fits = fits & (seconds <= budget.train_seconds)
        cheapest = np.minimum.reduce(np.where(in_memory, seconds, _WITHOUT_LIMIT))
        findings.append(_number(Rule.TIME, cheapest, budget.train_seconds))
    if budget.price_per_hour is not None and budget.max_price is not None:
        price = seconds * (budget.price_per_hour * budget.n_devices / 3600)
        fits = fits & (price <= budget.max_price)
        cheapest = np.minimum.reduce(np.where(in_memory, price, _WITHOUT_LIMIT))
        findings.append(_number(Rule.PRICE, cheapest, budget.max_price))
    findings.append(_Finding(Rule.TIME, ~np.logical_or.reduce(fits)))  # no strategy keeps all limits at once
    if len(fits) < len(costs.peak_bytes):
        fits = np.concatenate([fits, np.zeros((1, fits.shape[1]), dtype=bool)])
    return fits, findings
