"""A validated probe request into a queued run: check, store the data, plan the start, queue."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.advice import Advice, advise
from app.api.dependencies import DEFAULT_PROJECT, Services
from app.api.errors import IdempotencyConflictError, InvalidRequestError
from app.api.probe_checks import (
    check_candidates,
    check_plain,
    check_readable,
    check_rules,
    check_task,
    resolve,
)
from app.api.questions import question_of
from app.api.schemas.probe_runs import MAX_CANDIDATES, ProbeRunRequest
from app.api.schemas.recommend import BudgetLimits, DataFacts, RecommendRequest, TaskWanted
from app.datasets import storage
from app.datasets.ingest import ingest_rows
from app.datasets.repository import DatasetRepository
from app.datasets.storage import DatasetNotFoundError, StoredDataset, require_id
from app.documents import ranking_documents, step_documents
from app.exclusions import Exclusion, Rule
from app.measured import measured_on
from app.probes.repository import RunRepository
from app.probes.tables import ProbeRunRow
from app.question import Question
from app.ranking.phrases import Language
from app.ranking.recipe import suits
from app.repository import RecommendationRepository
from app.snapshot import Snapshot
from app.task_profile.profile import TaskProfile
from app.tasks.catalogue import TASKS
from models_registry.entry import ModelEntry
from models_registry.vocabulary import TaskType

DEFAULT_TASK = TaskType.TEXT_CLASSIFICATION
RECALLED = 6
"""Candidates recalled where none are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """The run's data; `is_new` where the request itself carried it."""

    stored: StoredDataset
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """Everything that is stored of a new run."""

    data: _Data
    body: Mapping[str, Any]
    seconds: float
    ranking: list[dict[str, Any]]
    key: str | None
    digest: str


def create_run(
    request: ProbeRunRequest, key: str | None, language: Language, services: Services
) -> ProbeRunRow:
    """The queued run, committed; the same key and body give the same run.

    Raises:
        InvalidRequestError: Something in it cannot be carried out.
        IdempotencyConflictError: The key was used with another body.
        DatasetError: The data cannot be used.
    """
    digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
    if key is not None:
        with services.database.read() as session:
            earlier = _earlier(key, digest, session)
        if earlier is not None:
            return earlier
    check_plain(request, services.settings.max_probe_seconds)
    snapshot = services.snapshots.current()
    named = resolve(request.candidates or (), snapshot.naming)
    if request.dataset_id is None:
        check_candidates(named, request.task.type or DEFAULT_TASK, request.strategies)
    data = _data(request, services)
    try:
        return _queue(_draft(request, data, named, key, digest, language, snapshot, services), services)
    except Exception:
        _forget(data, services)
        raise


def _draft(
    request: ProbeRunRequest,
    data: _Data,
    named: tuple[ModelEntry, ...],
    key: str | None,
    digest: str,
    language: Language,
    snapshot: Snapshot,
    services: Services,
) -> _Draft:
    """What is stored of the run: checked against the data, with its first ranking."""
    stored = data.stored
    check_task(request, stored)
    check_candidates(named, stored.task_type, request.strategies)
    check_readable(named, stored)
    chosen = named or _of_recommendation(request.recommendation_id, snapshot, services)
    advice = _first_advice(request, stored, chosen, language, snapshot, services)
    check_rules(named, _left_out(advice) if named else ())
    if not advice.ranking:
        raise InvalidRequestError.at("/candidates", f"no model can be probed: {advice.text}")
    eligible = {row.entry.name for row in advice.ranking}
    entries = [e for e in chosen if e.name in eligible] or [row.entry for row in advice.ranking]
    is_paired = TASKS[stored.task_type].is_paired
    entries = [e for e in entries if any(suits(e, s, is_paired=is_paired) for s in request.strategies)]
    if not entries:
        detail = "nothing that can be probed on this data has what these train"
        raise InvalidRequestError.at("/strategies", detail)
    return _Draft(
        data=data,
        body=_body(request, stored, list(dict.fromkeys(e.name for e in entries)), language, advice),
        seconds=request.budget.seconds,
        ranking=ranking_documents(advice),
        key=key,
        digest=digest,
    )


def _left_out(advice: Advice) -> list[Exclusion]:
    """Who among the chosen is left out."""
    chosen = advice.exclusions.without(Rule.NOT_INCLUDED)
    return chosen.page(advice.table, 0, len(chosen))


def _forget(data: _Data, services: Services) -> None:
    """Examples that came with a refused request are gone, unless they are a data set of their own."""
    if not data.is_new:
        return
    with services.database.read() as session:
        is_kept = DatasetRepository(session).get(data.stored.id) is not None
    if not is_kept:
        storage.delete(services.settings.data_dir, data.stored.id)


def _earlier(key: str, digest: str, session: Session) -> ProbeRunRow | None:
    row = RunRepository(session).by_key(DEFAULT_PROJECT, key)
    if row is not None and row.body_sha256 != digest:
        raise IdempotencyConflictError(row.id)
    return row


def _data(request: ProbeRunRequest, services: Services) -> _Data:
    if request.dataset_id is not None:
        with services.database.read() as session:
            record = DatasetRepository(session).get(require_id(request.dataset_id), project=DEFAULT_PROJECT)
        if record is None:
            raise InvalidRequestError.at("/dataset_id", "there is no such data set; POST /datasets makes one")
        return _Data(stored=record.stored, is_new=False)
    rows = [e.model_dump(exclude_none=True) for e in request.examples or ()]
    stored = ingest_rows(
        rows,
        task_type=request.task.type or DEFAULT_TASK,
        project=DEFAULT_PROJECT,
        data_dir=services.settings.data_dir,
    )
    return _Data(stored=stored, is_new=True)


def _of_recommendation(
    recommendation_id: str | None, snapshot: Snapshot, services: Services
) -> tuple[ModelEntry, ...]:
    """The models that a recommendation advises to probe; none where none is named."""
    if recommendation_id is None:
        return ()
    with services.database.read() as session:
        found = RecommendationRepository(session).get(recommendation_id)
    if found is None:
        raise InvalidRequestError.at("/recommendation_id", "there is no such recommendation")
    names: list[str] = json.loads(found.document)["advice"]["probe"]
    entries = [snapshot.naming.find(name) for name in names]
    return tuple(entry for entry in entries if not isinstance(entry, str))


def _first_advice(
    request: ProbeRunRequest,
    stored: StoredDataset,
    chosen: Sequence[ModelEntry],
    language: Language,
    snapshot: Snapshot,
    services: Services,
) -> Advice:
    """The ranking before anything is measured: of the chosen, or of what can be probed."""
    with services.database.read() as session:
        probes = measured_on(stored, session).probes
    wanted = RecommendRequest(
        task=TaskWanted(type=stored.task_type, metric=request.task.metric),
        data=DataFacts(dataset_id=stored.id),
        budget=BudgetLimits(device=request.budget.device, device_memory_gb=request.budget.memory_gb),
        top_k=len(chosen) or RECALLED,
    )
    question = question_of(wanted, naming=snapshot.naming, language=language, dataset=stored, probes=probes)
    return advise(_among(question, chosen), snapshot.base)


def _among(question: Question, chosen: Sequence[ModelEntry]) -> Question:
    """The question over the chosen: what was named is tried, whatever memory it is predicted to take."""
    include = tuple(entry.name for entry in chosen)
    memory = float("inf") if include else question.budget.memory_bytes
    return replace(
        question,
        budget=replace(question.budget, memory_bytes=memory),
        constraints=replace(question.constraints, include=include, probeable_only=True),
    )


def _queue(draft: _Draft, services: Services) -> ProbeRunRow:
    """The run of this draft, or the one that its key has made in the meantime."""
    try:
        with services.database.write() as session:
            earlier = draft.key and _earlier(draft.key, draft.digest, session)
            return earlier or _insert(draft, services.now(), session)
    except IntegrityError:  # PostgreSQL: another request with this key has just committed
        if draft.key is None:
            raise
        with services.database.read() as session:
            found = _earlier(draft.key, draft.digest, session)
        if found is None:
            raise
        return found


def _insert(draft: _Draft, now: dt.datetime, session: Session) -> ProbeRunRow:
    datasets, stored = DatasetRepository(session), draft.data.stored
    if draft.data.is_new:
        datasets.add(stored, created_at=now)
    elif datasets.get(stored.id) is None:
        raise DatasetNotFoundError(stored.id)
    row = RunRepository(session).create(
        dataset_id=stored.id,
        request=draft.body,
        budget_seconds=draft.seconds,
        body_sha256=draft.digest,
        now=now,
        project=DEFAULT_PROJECT,
        idempotency_key=draft.key,
        warnings=stored.warnings,
    )
    row.ranking = draft.ranking
    return row


def _body(
    request: ProbeRunRequest,
    stored: StoredDataset,
    names: Sequence[str],
    language: Language,
    advice: Advice,
) -> Mapping[str, Any]:
    """The request as the worker reads it: everything decided, the examples left with the data set."""
    body = request.model_dump(mode="json", exclude={"examples", "dataset_id"})
    body["dataset_id"] = stored.id
    body["task"] = {
        "type": stored.task_type.value,
        "metric": request.task.metric or _metric_of(advice.profile),
    }
    body["candidates"] = list(names)[:MAX_CANDIDATES]
    body["strategies"] = list(dict.fromkeys(body["strategies"]))
    body["language"] = language.value
    body["steps"] = step_documents(advice.steps)
    return body


def _metric_of(profile: TaskProfile) -> str:
    """What the profile demands, such as macro F1 of imbalanced classes, if a probe can measure it."""
    task = TASKS[profile.task_type]
    return profile.metric if profile.metric in task.metrics else task.default_metric
