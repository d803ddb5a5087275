"""A validated probe request into a queued run: check, store the data, plan the start, queue."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.advice import Question, advise
from app.api.dependencies import DEFAULT_PROJECT, Services
from app.api.errors import IdempotencyConflictError, InvalidRequestError
from app.api.probe_checks import check_candidates, check_plain, check_task, resolve
from app.api.questions import question_of
from app.api.schemas.probe_runs import MAX_CANDIDATES, ProbeRunRequest
from app.api.schemas.recommend import BudgetLimits, DataFacts, RecommendRequest, TaskWanted
from app.datasets.ingest import ingest_rows
from app.datasets.repository import DatasetRepository
from app.datasets.storage import DatasetNotFoundError, StoredDataset, require_id
from app.documents import ranking_row
from app.measured import measured_on
from app.probes.repository import RunRepository
from app.probes.tables import ProbeRunRow
from app.ranking.phrases import Language
from app.repository import RecommendationRepository
from app.snapshot import Snapshot
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
        check_candidates(named, request.task.type or DEFAULT_TASK)
    data = _data(request, services)
    check_task(request, data.stored)
    check_candidates(named, data.stored.task_type)
    chosen = named or _of_recommendation(request.recommendation_id, snapshot, services)
    ranking, chosen = _start(request, data.stored, chosen, language, snapshot, services)
    body = _body(request, data.stored, chosen, language)
    draft = _Draft(
        data=data, body=body, seconds=request.budget.seconds, ranking=ranking, key=key, digest=digest
    )
    return _queue(draft, services)


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
    rows = [{"text": e.text, "label": e.label} for e in request.examples or ()]
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


def _start(
    request: ProbeRunRequest,
    stored: StoredDataset,
    chosen: Sequence[ModelEntry],
    language: Language,
    snapshot: Snapshot,
    services: Services,
) -> tuple[list[dict[str, object]], tuple[ModelEntry, ...]]:
    """The ranking before anything is measured, and the candidates."""
    with services.database.read() as session:
        probes = measured_on(stored, session).probes
    wanted = RecommendRequest(
        task=TaskWanted(type=stored.task_type, metric=request.task.metric),
        data=DataFacts(dataset_id=stored.id),
        budget=BudgetLimits(device=request.budget.device, device_memory_gb=request.budget.memory_gb),
        top_k=len(chosen) or RECALLED,
    )
    question = question_of(wanted, naming=snapshot.naming, language=language, dataset=stored, probes=probes)
    advice = advise(_among(question, chosen), snapshot.base)
    rows = [{"rank": i, **ranking_row(row)} for i, row in enumerate(advice.ranking, start=1)]
    if not chosen and not rows:
        raise InvalidRequestError.at("/candidates", f"no model can be recalled: {advice.text}")
    return rows, tuple(chosen) or tuple(row.entry for row in advice.ranking)


def _among(question: Question, chosen: Sequence[ModelEntry]) -> Question:
    include = tuple(entry.name for entry in chosen)
    return replace(question, constraints=replace(question.constraints, include=include, probeable_only=True))


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
    request: ProbeRunRequest, stored: StoredDataset, chosen: Sequence[ModelEntry], language: Language
) -> Mapping[str, Any]:
    """The request as the worker reads it: everything decided, the examples left with the data set."""
    body = request.model_dump(mode="json", exclude={"examples", "dataset_id"})
    body["dataset_id"] = stored.id
    body["task"] = {
        "type": stored.task_type.value,
        "metric": request.task.metric or TASKS[stored.task_type].default_metric,
    }
    body["candidates"] = [entry.name for entry in chosen][:MAX_CANDIDATES]
    body["strategies"] = list(dict.fromkeys(body["strategies"]))
    body["language"] = language.value
    return body
