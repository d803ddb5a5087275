"""Recommendations in the database; callers own the transaction."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete
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
        dialect = self._session.get_bind().dialect.name
        insertion = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(RecommendationRow)
        statement = insertion.values(
            id=made.id,
            database_version=made.database_version,
            language=made.language,
            document=made.document,
            excluded=made.excluded,
            created_at=made.created_at,
        ).on_conflict_do_nothing(index_elements=["id"])
        found = self._session.scalar(statement.returning(RecommendationRow.id))
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
