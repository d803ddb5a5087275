"""One recommendation from a validated request: read, ask, store, in this order."""

import hashlib
from dataclasses import dataclass

import orjson
import xxhash
from starlette.concurrency import run_in_threadpool

from app.advice import advise, is_prepared
from app.api.dependencies import Services
from app.api.questions import question_of
from app.api.schemas.recommend import RecommendRequest
from app.datasets.repository import DatasetRepository
from app.datasets.storage import DatasetNotFoundError, StoredDataset, require_id
from app.documents import DatabaseInfo, answer_json
from app.measured import Measured, measured_on
from app.question import Question
from app.ranking.phrases import Language
from app.repository import NewRecommendation, StoredRecommendation
from app.snapshot import Snapshot

NOTHING_MEASURED = Measured(probes=(), version="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request with all that its answer depends on."""

    request: RecommendRequest
    question: Question
    database: DatabaseInfo
    snapshot: Snapshot


async def recommend(
    request: RecommendRequest, language: Language, services: Services
) -> NewRecommendation | StoredRecommendation:
    """The stored answer to this request; committed when this returns.

    The work is done where it is asked for, on the event loop: a hop to a thread costs as much as a third of
    it, and threads would only wait for one another. What may take longer is handed to one all the same.

    Raises:
        TaskReadingError: The task cannot be read.
        DatasetError: The data set's id is none, or there is none of this id.
        InvalidRequestError: A model is named that is not known.
        SnapshotError: There is nothing to answer from.
    """
    snapshot = services.snapshots.ready()
    if snapshot is None:
        snapshot = await run_in_threadpool(services.snapshots.current)
    dataset, measured = None, NOTHING_MEASURED
    if request.data.dataset_id is not None:
        dataset, measured = await run_in_threadpool(_data_of, request.data.dataset_id, services)
    asked = _Asked(
        request=request,
        question=question_of(
            request, naming=snapshot.naming, language=language, dataset=dataset, probes=measured.probes
        ),
        database=snapshot.database.seeing(len(measured.probes), measured.version),
        snapshot=snapshot,
    )
    if is_prepared(asked.question, snapshot.base):
        made = _answer(asked, services)
    else:
        made = await run_in_threadpool(_answer, asked, services)
    return await services.commits.store(made) or made


def _data_of(dataset_id: str, services: Services) -> tuple[StoredDataset, Measured]:
    with services.database.read() as session:
        record = DatasetRepository(session).get(require_id(dataset_id))
        if record is None:
            raise DatasetNotFoundError(dataset_id)
        return record.stored, measured_on(record.stored, session)


def _answer(asked: _Asked, services: Services) -> NewRecommendation:
    """The answer under an id that follows from what it depends on, and from itself.

    Itself too, since a newer version of the service may answer the same question otherwise.
    """
    advice = advise(asked.question, asked.snapshot.base)
    body = answer_json(advice, asked.database)
    language = asked.question.language
    parts = [asked.request.model_dump_json().encode(), language.encode(), xxhash.xxh3_128_digest(body)]
    recommendation_id = "rec_" + hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
    now = services.now()
    head = orjson.dumps({"id": recommendation_id, "created_at": now})
    return NewRecommendation(
        id=recommendation_id,
        database_version=asked.database.version,
        language=language.value,
        document=b"%b,%b" % (head[:-1], body[1:]),
        excluded=advice.exclusions.packed(len(advice.table)),
        models=asked.snapshot.models,
        created_at=now,
    )
