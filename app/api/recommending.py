"""One recommendation from a validated request: read, ask, store, in this order."""

import hashlib
from functools import lru_cache

from pydantic_core import to_json

from app.advice import Advice, advise
from app.api.dependencies import Services
from app.api.questions import question_of
from app.api.schemas.recommend import RecommendRequest
from app.datasets.repository import DatasetRepository
from app.datasets.storage import DatasetNotFoundError, StoredDataset, require_id
from app.documents import DatabaseInfo, advice_document, exclusion_rows
from app.measured import Measured, measured_on
from app.ranking.phrases import Language
from app.recall import KEPT_BEYOND, Beyond, Exclusion
from app.repository import RecommendationRepository, StoredRecommendation

NOTHING_MEASURED = Measured(probes=(), version="")


def recommend(request: RecommendRequest, language: Language, services: Services) -> StoredRecommendation:
    """The stored answer to this request; committed when this returns.

    Raises:
        TaskReadingError: The task cannot be read.
        DatasetError: The data set's id is none, or there is none of this id.
        InvalidRequestError: A model is named that is not known.
        SnapshotError: There is nothing to answer from.
    """
    snapshot = services.snapshots.current()
    dataset, measured = _data_of(request.data.dataset_id, services)
    question = question_of(
        request, naming=snapshot.naming, language=language, dataset=dataset, probes=measured.probes
    )
    database = snapshot.database.seeing(len(measured.probes), measured.version)
    advice = advise(question, snapshot.base)
    made = _stored(request, language, advice, database, services)
    with services.database.write() as session:
        return RecommendationRepository(session).add(made)


def _data_of(dataset_id: str | None, services: Services) -> tuple[StoredDataset | None, Measured]:
    if dataset_id is None:
        return None, NOTHING_MEASURED
    with services.database.read() as session:
        record = DatasetRepository(session).get(require_id(dataset_id))
        if record is None:
            raise DatasetNotFoundError(dataset_id)
        return record.stored, measured_on(record.stored, session)


def _stored(
    request: RecommendRequest,
    language: Language,
    advice: Advice,
    database: DatabaseInfo,
    services: Services,
) -> StoredRecommendation:
    """The answer under an id that follows from what it depends on, and from itself.

    Itself too, since a newer version of the service may answer the same question otherwise.
    """
    document = advice_document(advice, database)
    body = to_json(document)
    digest = hashlib.sha256(b"\0".join([request.model_dump_json().encode(), language.encode(), body]))
    recommendation_id = f"rec_{digest.hexdigest()[:24]}"
    now = services.now()
    head = to_json({"id": recommendation_id, "created_at": now})
    return StoredRecommendation(
        id=recommendation_id,
        database_version=database.version,
        language=language.value,
        document=(head[:-1] + b"," + body[1:]).decode(),
        excluded=_excluded_text(advice),
        created_at=now,
    )


def _excluded_text(advice: Advice) -> str:
    """All exclusions as a JSON array."""
    parts = (_rows_text(advice.near), _beyond_text(advice.beyond))
    return f"[{','.join(part for part in parts if part)}]"


@lru_cache(maxsize=KEPT_BEYOND)
def _beyond_text(beyond: Beyond) -> str:
    return _rows_text(beyond.exclusions)


def _rows_text(exclusions: tuple[Exclusion, ...]) -> str:
    return to_json(exclusion_rows(exclusions)).decode()[1:-1]
