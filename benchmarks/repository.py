"""Figures and benchmarks in the database; callers own the transaction."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from benchmarks.figures import (
    Benchmark,
    Figure,
    FigureCells,
    FigureKind,
    InvalidFigureError,
    Protocol,
)
from benchmarks.rows import StoredFigure, Tie, benchmark_of, cells_of, row_of, stored_figure
from benchmarks.seed import ShippedFigures
from benchmarks.tables import BenchmarkRow, FigureRow, ImportRow

CHUNK = 20_000
"""Figures inserted at a time: their rows are held in memory, some 20 MB."""
PAGE = 1_000
"""Rows fetched at a time."""
SHIPPED = "shipped"
"""The source under which the figures that ship are noted as imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedReport:
    """How many figures were new, and how many the database held already."""

    inserted: int
    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far a file has been read into the database.

    Attributes:
        source: The importer.
        sha256: Of the file, in hexadecimal.
        n_read: Records of the file that are dealt with: stored or refused.
        is_finished: Whether these were all.
    """

    source: str
    sha256: str
    n_read: int
    is_finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FigurePage:
    """One page of figures; `next_after` is None on the last one."""

    figures: tuple[StoredFigure, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFilter:
    """What a page shows; None leaves a field free.

    Attributes:
        model: Canonical model name.
        benchmark: Canonical benchmark name.
        protocol: How the model met the benchmark.
        kind: Published or probe.
        project: Probe figures of this project are shown beside those that everybody may see.
    """

    model: str | None = None
    benchmark: str | None = None
    protocol: Protocol | None = None
    kind: FigureKind | None = None
    project: str | None = None


class FigureRepository:
    """Reads and writes figures in the given session; never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def seed(self, shipped: ShippedFigures) -> SeedReport:
        """The shipped benchmarks are up to date and the shipped figures present; idempotent."""
        self.put_benchmarks(shipped.benchmarks)
        report = self._insert(row_of(figure) for figure in shipped.figures)
        self.note_import(ImportProgress(source=SHIPPED, sha256=shipped.version, n_read=len(shipped.figures)))
        return report

    def bulk_import(self, figures: Iterable[Figure]) -> SeedReport:
        """Published figures are present; those held already stay as they were.

        Raises:
            InvalidFigureError: One of them is a probe's, which belongs to a data set.
        """
        return self._insert(row_of(_of_kind(figure, FigureKind.PUBLISHED)) for figure in figures)

    def add_probe_figures(
        self,
        figures: Iterable[Figure],
        *,
        dataset_sha256: str,
        project: str | None = None,
        run_id: str | None = None,
    ) -> SeedReport:
        """Figures of a finished probe are present, tied to the data they were measured on.

        Raises:
            InvalidFigureError: One of them is a published figure.
        """
        tie = Tie(dataset_sha256=dataset_sha256, project=project, run_id=run_id)
        return self._insert(row_of(_of_kind(figure, FigureKind.PROBE), tie) for figure in figures)

    def published_cells(self) -> Iterator[FigureCells]:
        """Every published figure in force, streamed in the order of arrival."""
        columns = [getattr(FigureRow, name) for name in FigureCells._fields]
        statement = (
            select(*columns)
            .where(FigureRow.superseded_by.is_(None), FigureRow.kind == str(FigureKind.PUBLISHED))
            .order_by(FigureRow.id)
        )
        for row in self._session.execute(statement.execution_options(yield_per=PAGE)):
            yield FigureCells._make(row)

    def probe_figures(self, dataset_sha256: str) -> tuple[StoredFigure, ...]:
        """Probe figures of this data in force, oldest first."""
        statement = (
            select(FigureRow)
            .where(FigureRow.dataset_sha256 == dataset_sha256, FigureRow.superseded_by.is_(None))
            .order_by(FigureRow.id)
        )
        return tuple(stored_figure(row) for row in self._session.scalars(statement))

    def page(self, wanted: FigureFilter, *, after: int = 0, limit: int = 50) -> FigurePage:
        """The next figures after a row number, at most `limit` of them, oldest first."""
        statement = _filtered(wanted).where(FigureRow.id > after).order_by(FigureRow.id).limit(limit + 1)
        rows = self._session.scalars(statement).all()
        figures = tuple(stored_figure(row) for row in rows[:limit])
        return FigurePage(figures=figures, next_after=figures[-1].id if len(rows) > limit else None)

    def remove_dataset(self, dataset_id: str) -> int:
        """No probe figure of this data set is left; returns how many there were.

        By id rather than by hash: the same bytes may be another data set too, with other columns.
        """
        statement = delete(FigureRow).where(
            FigureRow.benchmark == dataset_id, FigureRow.kind == str(FigureKind.PROBE)
        )
        return len(self._session.execute(statement.returning(FigureRow.id)).all())

    def benchmarks(self) -> tuple[Benchmark, ...]:
        """The reviewed benchmarks, by name."""
        rows = self._session.scalars(select(BenchmarkRow).order_by(BenchmarkRow.name))
        return tuple(benchmark_of(row) for row in rows)

    def put_benchmarks(self, benchmarks: Sequence[Benchmark]) -> None:
        """These benchmarks are described as given; a description held already is replaced."""
        if not benchmarks:
            return
        statement = self._dialect_insert(BenchmarkRow)
        columns = [column.name for column in BenchmarkRow.__table__.columns if column.name != "name"]
        update = {name: statement.excluded[name] for name in columns}
        rows = [cells_of(benchmark) for benchmark in benchmarks]
        upsert = statement.on_conflict_do_update(index_elements=["name"], set_=update)
        self._session.connection().execute(upsert, rows)

    def import_progress(self, source: str, sha256: str) -> ImportProgress | None:
        """How far the import of this file has come; None where it never began."""
        row = self._session.get(ImportRow, (source, sha256))
        if row is None:
            return None
        return ImportProgress(source=source, sha256=sha256, n_read=row.n_read, is_finished=row.is_finished)

    def note_import(self, progress: ImportProgress) -> None:
        """The import of this file has come as far as this."""
        self._session.merge(
            ImportRow(
                source=progress.source,
                sha256=progress.sha256,
                n_read=progress.n_read,
                is_finished=progress.is_finished,
            )
        )
        self._session.flush()

    def newest(self, kind: FigureKind) -> int:
        """The largest number of a figure of this kind, 0 without any: grows with every one that comes."""
        statement = select(FigureRow.id).where(FigureRow.kind == str(kind))
        return self._session.scalar(statement.order_by(FigureRow.id.desc()).limit(1)) or 0

    def version(self, kind: FigureKind | None = None) -> str:
        """A hash that changes with every figure, of this kind if one is named, that comes or goes."""
        statement = select(
            func.count(FigureRow.id), func.max(FigureRow.id), func.count(FigureRow.superseded_by)
        )
        if kind is not None:
            statement = statement.where(FigureRow.kind == str(kind))
        seen: Row[int, int, int] = self._session.execute(statement).one()
        return hashlib.sha256(repr(tuple(seen)).encode()).hexdigest()[:16]

    def _insert(self, rows: Iterable[dict[str, object]]) -> SeedReport:
        """Insert what is new; another process may insert the same at the same time."""
        statement = self._dialect_insert(FigureRow).on_conflict_do_nothing()
        connection = self._session.connection()
        read = inserted = 0
        iterator = iter(rows)
        while chunk := list(islice(iterator, CHUNK)):
            read += len(chunk)
            counted = connection.execute(statement, chunk, execution_options={"preserve_rowcount": True})
            inserted += counted.rowcount
        return SeedReport(inserted=inserted, unchanged=read - inserted)

    def _dialect_insert(self, table: type) -> postgresql.Insert | sqlite.Insert:
        is_postgresql = self._session.get_bind().dialect.name == "postgresql"
        return postgresql.insert(table) if is_postgresql else sqlite.insert(table)


def _of_kind(figure: Figure, kind: FigureKind) -> Figure:
    if figure.kind is not kind:
        raise InvalidFigureError("kind", f"expected a {kind} figure, got a {figure.kind} one")
    return figure


def _filtered(wanted: FigureFilter) -> Select[FigureRow]:
    statement = select(FigureRow).where(FigureRow.project.is_(None) | (FigureRow.project == wanted.project))
    chosen = {
        FigureRow.model: wanted.model,
        FigureRow.benchmark: wanted.benchmark,
        FigureRow.protocol: wanted.protocol,
        FigureRow.kind: wanted.kind,
    }
    return statement.where(*(column == str(value) for column, value in chosen.items() if value is not None))
