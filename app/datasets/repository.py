"""Data sets in the database; callers own the transaction."""

import base64
import binascii
import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.datasets.errors import DatasetError
from app.datasets.profile import profile_from_json, profile_to_json
from app.datasets.storage import StoredDataset
from app.datasets.tables import DatasetRow
from app.tasks.base import ColumnRole, FileFormat
from models_registry.vocabulary import TaskType


class InvalidCursorError(DatasetError):
    """A page cursor that this service did not give out."""

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not valid.", remedy="Use the one of the page before, or none.", pointer="/cursor"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """A data set as the database knows it.

    Attributes:
        stored: Everything but the time.
        created_at: When it was first uploaded, UTC.
    """

    stored: StoredDataset
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPage:
    """Some data sets, newest first.

    Attributes:
        items: The data sets.
        next_cursor: Where the next page begins; None on the last.
    """

    items: tuple[DatasetRecord, ...]
    next_cursor: str | None


class DatasetRepository:
    """Data sets of all projects; never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, stored: StoredDataset, *, created_at: dt.datetime) -> DatasetRecord:
        """The data set's record: the one that is there, or a new one."""
        row = self._session.get(DatasetRow, stored.id)
        if row is None:
            row = self._insert(_row(stored, created_at))
        return _record(row)

    def _insert(self, row: DatasetRow) -> DatasetRow:
        """The row, or the equal one that another transaction has just added."""
        try:
            with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError:
            return self._session.get_one(DatasetRow, row.id)
        return row

    def get(self, dataset_id: str, *, project: str | None = None) -> DatasetRecord | None:
        """The data set, or None where there is none of this id, or it is another project's."""
        row = self._session.get(DatasetRow, dataset_id)
        if row is None or (project is not None and row.project != project):
            return None
        return _record(row)

    def page(self, *, project: str | None = None, cursor: str | None = None, limit: int = 50) -> DatasetPage:
        """Data sets from the cursor on, newest first; of all projects where none is named.

        Raises:
            InvalidCursorError: The cursor is not one that this gave out.
        """
        query = select(DatasetRow).order_by(DatasetRow.created_at.desc(), DatasetRow.id.desc())
        if project is not None:
            query = query.where(DatasetRow.project == project)
        if cursor is not None:
            query = query.where(tuple_(DatasetRow.created_at, DatasetRow.id) < tuple_(*_decoded(cursor)))
        rows = self._session.scalars(query.limit(limit + 1)).all()
        shown = rows[:limit]
        return DatasetPage(
            items=tuple(_record(row) for row in shown),
            next_cursor=_encoded(shown[-1]) if len(rows) > limit else None,
        )

    def delete(self, dataset_id: str) -> bool:
        """Removes the record; False if there was none."""
        removed = self._session.execute(
            delete(DatasetRow).where(DatasetRow.id == dataset_id).returning(DatasetRow.id)
        )
        return removed.first() is not None


def _row(stored: StoredDataset, created_at: dt.datetime) -> DatasetRow:
    return DatasetRow(
        id=stored.id,
        sha256=stored.sha256,
        name=stored.name,
        task_type=stored.task_type.value,
        project=stored.project,
        n_examples=stored.profile.n_examples,
        n_bytes=stored.n_bytes,
        file_format=stored.file_format.value,
        encoding=stored.encoding,
        columns={role.value: name for role, name in stored.columns.items()},
        profile=profile_to_json(stored.profile),
        warnings=list(stored.warnings),
        created_at=created_at,
    )


def _record(row: DatasetRow) -> DatasetRecord:
    stored = StoredDataset(
        id=row.id,
        sha256=row.sha256,
        name=row.name,
        task_type=TaskType(row.task_type),
        project=row.project,
        columns={ColumnRole(role): name for role, name in row.columns.items()},
        file_format=FileFormat(row.file_format),
        encoding=row.encoding,
        n_bytes=row.n_bytes,
        profile=profile_from_json(row.profile),
        warnings=tuple(row.warnings),
    )
    return DatasetRecord(stored=stored, created_at=row.created_at)


def _encoded(row: DatasetRow) -> str:
    text = f"{row.created_at.isoformat()} {row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[dt.datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
        instant, dataset_id = text.split(" ")
        return dt.datetime.fromisoformat(instant).astimezone(dt.UTC), dataset_id
    except (ValueError, binascii.Error):
        raise InvalidCursorError from None
