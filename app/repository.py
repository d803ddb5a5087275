"""Recommendations in the database; callers own the transaction."""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BindParameter, Executable, bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.tables import RecommendationRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecommendation:
    """One answer as it was given.

    Attributes:
        id: `rec_` and 24 hexadecimal digits.
        database_version: What it was made from.
        language: Of its sentences.
        document: The body, JSON.
        excluded: All models that were left out, JSON.
        created_at: When it was first given.
    """

    id: str
    database_version: str
    language: str
    document: str
    excluded: str
    created_at: dt.datetime


class RecommendationRepository:
    """Recommendations; never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, made: StoredRecommendation) -> StoredRecommendation:
        """The stored recommendation: the one that is there, or this one.

        Plain statements rather than mapped objects: this is the one write of every `POST /recommend`.
        """
        connection = self._session.connection()
        values = {name: getattr(made, name) for name in made.__slots__}
        found = connection.execute(_insertion(connection.dialect.name), values).first()
        return made if found is not None else self.get(made.id) or made

    def get(self, recommendation_id: str) -> StoredRecommendation | None:
        """The recommendation of this id, or None."""
        row = self._session.get(RecommendationRow, recommendation_id)
        if row is None:
            return None
        return StoredRecommendation(
            id=row.id,
            database_version=row.database_version,
            language=row.language,
            document=row.document,
            excluded=row.excluded,
            created_at=row.created_at,
        )

    def delete_before(self, instant: dt.datetime) -> int:
        """Removes what was given before this instant; returns how many."""
        statement = delete(RecommendationRow).where(RecommendationRow.created_at < instant)
        return len(self._session.scalars(statement.returning(RecommendationRow.id)).all())


@lru_cache
def _insertion(dialect: str) -> Executable:
    """Inserts a recommendation unless its id is taken; made once, since building costs more than running."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    values: dict[str, BindParameter[object]] = {
        name: bindparam(name) for name in StoredRecommendation.__slots__
    }
    statement = insert(RecommendationRow).values(values).on_conflict_do_nothing(index_elements=["id"])
    return statement.returning(RecommendationRow.id)
