"""Figures and benchmarks in the database; callers own the transaction."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from benchmarks.figures import Benchmark, Figure, FigureKind, InvalidFigureError, Protocol
from benchmarks.rows import StoredFigure, Tie, benchmark_of, cells_of, row_of, stored_figure
from benchmarks.seed import ShippedFigures
from benchmarks.tables import BenchmarkRow, FigureRow

CHUNK = 1000
"""Rows a statement: 17 columns times this stays below SQLite's 32,766 variables."""


class LightFigure(NamedTuple):
    """What the snapshot in memory needs of a figure, and no more."""

    id: int
    model: str
    benchmark: str
    metric: str
    value: float
    protocol: str
    split: str
    std_error: float | None
    n_test: int | None
    kind: str
    dataset_sha256: str | None
    project: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedReport:
    """How many figures were new, and how many the database held already."""

    inserted: int
    unchanged: int


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
        self._put_benchmarks(shipped.benchmarks)
        return self._insert([row_of(figure) for figure in shipped.figures])

    def bulk_import(self, figures: Iterable[Figure]) -> SeedReport:
        """Published figures are present; those held already stay as they were.

        Raises:
            InvalidFigureError: One of them is a probe's, which belongs to a data set.
        """
        return self._insert([row_of(_of_kind(figure, FigureKind.PUBLISHED)) for figure in figures])

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
        return self._insert([row_of(_of_kind(figure, FigureKind.PROBE), tie) for figure in figures])

    def all_figures(self) -> Iterator[LightFigure]:
        """Every figure in force, streamed in the order of arrival."""
        columns = [getattr(FigureRow, name) for name in LightFigure._fields]
        statement = select(*columns).where(FigureRow.superseded_by.is_(None)).order_by(FigureRow.id)
        for row in self._session.execute(statement.execution_options(yield_per=CHUNK)):
            yield LightFigure._make(row)

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

    def version(self, kind: FigureKind | None = None) -> str:
        """A hash that changes with every figure, of this kind if one is named, that comes or goes."""
        statement = select(
            func.count(FigureRow.id), func.max(FigureRow.id), func.count(FigureRow.superseded_by)
        )
        if kind is not None:
            statement = statement.where(FigureRow.kind == str(kind))
        seen: Row[int, int, int] = self._session.execute(statement).one()
        return hashlib.sha256(repr(tuple(seen)).encode()).hexdigest()[:16]

    def _insert(self, rows: Sequence[dict[str, object]]) -> SeedReport:
        held = set(self._session.scalars(select(FigureRow.fingerprint)))
        fresh = {row["fingerprint"]: row for row in rows if row["fingerprint"] not in held}
        missing = list(fresh.values())
        inserted = 0
        for start in range(0, len(missing), CHUNK):
            # Another process may seed at the same time: what it inserted first is no error.
            statement = self._dialect_insert(FigureRow).on_conflict_do_nothing()
            inserted += len(
                self._session.execute(statement.returning(FigureRow.id), missing[start : start + CHUNK]).all()
            )
        return SeedReport(inserted=inserted, unchanged=len(rows) - inserted)

    def _put_benchmarks(self, benchmarks: Sequence[Benchmark]) -> None:
        if not benchmarks:
            return
        statement = self._dialect_insert(BenchmarkRow)
        columns = [column.name for column in BenchmarkRow.__table__.columns if column.name != "name"]
        update = {name: statement.excluded[name] for name in columns}
        rows = [cells_of(benchmark) for benchmark in benchmarks]
        self._session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=update), rows)

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
