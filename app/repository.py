"""Recommendations in the database; callers own the transaction."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
from sqlalchemy import BindParameter, Executable, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.tables import ModelListRow, RecommendationRow

_CODEC = pa.Codec("zstd", compression_level=1)
"""Bodies shrink to a seventh, in half the time that zlib takes for a sixth."""
_KNOWN_LIST = select(ModelListRow.version).where(ModelListRow.version == bindparam("version"))
_SIZE_BYTES = 4
"""Before the compressed bytes stands how many they become, little-endian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListSource:
    """The models of one state of the catalogue.

    Attributes:
        version: Of the catalogue.
        packed: Makes what is kept of it, `app.exclusions.ModelList.packed`.
    """

    version: str
    packed: Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecommendation:
    """One answer to be stored.

    Attributes:
        id: `rec_` and 24 hexadecimal digits.
        database_version: What it was made from.
        language: Of its sentences.
        document: The body, JSON.
        excluded: All models that were left out, `Exclusions.packed`.
        models: Those there were.
        created_at: When it was made.
    """

    id: str
    database_version: str
    language: str
    document: bytes
    excluded: bytes
    models: ModelListSource
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecommendation:
    """One answer as it was given.

    Attributes:
        id: `rec_` and 24 hexadecimal digits.
        language: Of its sentences.
        document: The body, JSON.
        excluded: All models that were left out: packed, or JSON where there is no list of models.
        model_list: Version of the list that words them.
        created_at: When it was first given.
    """

    id: str
    language: str
    document: bytes
    excluded: bytes
    model_list: str | None
    created_at: dt.datetime


class RecommendationRepository:
    """Recommendations; never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, made: Sequence[NewRecommendation]) -> dict[str, StoredRecommendation]:
        """Stores these answers; returns those whose id was taken before, as they were stored then.

        Plain statements rather than mapped objects: this is the one write of every `POST /recommend`.
        """
        connection = self._session.connection()
        for models in {m.models.version: m.models for m in made}.values():
            if connection.execute(_KNOWN_LIST, {"version": models.version}).first() is None:
                self._keep(models, made[0].created_at)
        insertion = _insertion(connection.dialect.name)
        if connection.execute(insertion, [_values(m) for m in made]).rowcount == len(made):
            return {}
        found = (self.get(m.id) for m in made)
        return {stored.id: stored for stored in found if stored is not None}

    def _keep(self, models: ModelListSource, now: dt.datetime) -> None:
        words = compressed(models.packed())
        self._session.merge(ModelListRow(version=models.version, words=words, created_at=now))
        self._session.flush()

    def get(self, recommendation_id: str) -> StoredRecommendation | None:
        """The recommendation of this id, or None."""
        row = self._session.get(RecommendationRow, recommendation_id)
        if row is None:
            return None
        return StoredRecommendation(
            id=row.id,
            language=row.language,
            document=decompressed(row.document),
            excluded=row.excluded,
            model_list=row.model_list,
            created_at=row.created_at,
        )

    def model_list(self, version: str) -> bytes:
        """What is kept of the models of this version."""
        row = self._session.get_one(ModelListRow, version)
        return decompressed(row.words)

    def delete_before(self, instant: dt.datetime) -> int:
        """Removes what was given before this instant, and lists that nothing needs; returns how many."""
        statement = delete(RecommendationRow).where(RecommendationRow.created_at < instant)
        n = len(self._session.scalars(statement.returning(RecommendationRow.id)).all())
        needed = select(RecommendationRow.model_list).where(RecommendationRow.model_list.is_not(None))
        stale = ModelListRow.created_at < instant, ModelListRow.version.not_in(needed)
        self._session.execute(delete(ModelListRow).where(*stale))
        return n


def compressed(content: bytes) -> bytes:
    """The content as it is stored."""
    return len(content).to_bytes(_SIZE_BYTES, "little") + bytes(_CODEC.compress(content, asbytes=True))


def decompressed(stored: bytes) -> bytes:
    """The content that was stored."""
    size = int.from_bytes(stored[:_SIZE_BYTES], "little")
    return bytes(_CODEC.decompress(stored[_SIZE_BYTES:], decompressed_size=size, asbytes=True))


def _values(made: NewRecommendation) -> dict[str, object]:
    return {
        "id": made.id,
        "database_version": made.database_version,
        "language": made.language,
        "document": compressed(made.document),
        "excluded": made.excluded,
        "model_list": made.models.version,
        "created_at": made.created_at,
    }


@lru_cache
def _insertion(dialect: str) -> Executable:
    """Inserts a recommendation unless its id is taken; made once, since building costs more than running."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    values: dict[str, BindParameter[object]] = {
        column.name: bindparam(column.name) for column in RecommendationRow.__table__.columns
    }
    return insert(RecommendationRow).values(values).on_conflict_do_nothing(index_elements=["id"])
