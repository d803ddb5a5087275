"""One behavioural suite of the figure repository, against SQLite and, where there is one, PostgreSQL."""

import datetime as dt
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Table, create_engine, event, text, update
from sqlalchemy.orm import Session

from benchmarks.figures import Benchmark, Figure, FigureKind, InvalidFigureError, Protocol
from benchmarks.repository import FigureFilter, FigureRepository, SeedReport
from benchmarks.seed import ShippedFigures, load_shipped
from benchmarks.tables import BenchmarkRow, FigureRow, ImportRow
from models_registry.orm import Base
from models_registry.vocabulary import Modality, TaskType

POSTGRES = os.environ.get("ADVISOR_TEST_POSTGRES_URL", "")
DATASET = "d" * 64


@pytest.fixture(params=["sqlite", "postgresql"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    if request.param == "postgresql" and not POSTGRES:
        pytest.skip("ADVISOR_TEST_POSTGRES_URL is not set")
    engine = create_engine("sqlite://" if request.param == "sqlite" else POSTGRES)
    schema = f"figures_{uuid.uuid4().hex}"
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        event.listen(engine, "begin", lambda c: c.exec_driver_sql(f"SET LOCAL search_path TO {schema}"))
    tables = [
        t for t in (BenchmarkRow.__table__, FigureRow.__table__, ImportRow.__table__) if isinstance(t, Table)
    ]
    with engine.begin() as connection:
        Base.metadata.create_all(connection, tables=tables)
    with Session(engine) as opened:
        yield opened
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def figure(model: str = "huggingface:a/b", value: float = 0.9, **changes: object) -> Figure:
    made = Figure(
        model=model,
        benchmark="glue-sst2",
        metric="accuracy",
        value=value,
        protocol=Protocol.FINE_TUNED,
        source="https://example.org/table",
        as_of=dt.date(2024, 1, 2),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def probe(model: str = "huggingface:a/b", value: float = 0.8) -> Figure:
    return figure(model, value, benchmark="own-data", source="run 1", kind=FigureKind.PROBE)


def shipped(*figures: Figure, domain_source: str = "https://example.org") -> ShippedFigures:
    benchmark = Benchmark(
        name="glue-sst2",
        task_type=TaskType.TEXT_CLASSIFICATION,
        modality=Modality.TEXT,
        languages=("en",),
        n_classes=2,
        suite="glue",
        aliases=("sst2",),
        source=domain_source,
    )
    return ShippedFigures(benchmarks=(benchmark,), figures=figures, version="0")


def test_seeding_twice_inserts_nothing_the_second_time(session: Session) -> None:
    figures = FigureRepository(session)
    assert figures.seed(shipped(figure(), figure(value=0.91))) == SeedReport(inserted=2, unchanged=0)
    assert figures.seed(shipped(figure(), figure(value=0.91))) == SeedReport(inserted=0, unchanged=2)


def test_every_shipped_figure_survives_the_database(session: Session) -> None:
    figures, data = FigureRepository(session), load_shipped()
    report = figures.seed(data)
    assert report.inserted == len(data.figures)
    stored = {(f.model, f.benchmark, f.metric, f.value) for f in figures.published_cells()}
    assert stored == {(f.model, f.benchmark, f.metric, f.value) for f in data.figures}
    assert figures.benchmarks() == data.benchmarks


def test_a_new_review_of_a_benchmark_replaces_the_old_one(session: Session) -> None:
    figures = FigureRepository(session)
    figures.seed(shipped())
    figures.seed(shipped(domain_source="https://example.org/second"))
    assert [b.source for b in figures.benchmarks()] == ["https://example.org/second"]


def test_a_figure_given_twice_in_one_import_is_stored_once(session: Session) -> None:
    assert FigureRepository(session).bulk_import([figure(), figure()]) == SeedReport(inserted=1, unchanged=1)


def test_a_probe_figure_cannot_be_imported_as_published(session: Session) -> None:
    with pytest.raises(InvalidFigureError):
        FigureRepository(session).bulk_import([probe()])


def test_a_published_figure_cannot_be_added_as_a_probe(session: Session) -> None:
    with pytest.raises(InvalidFigureError):
        FigureRepository(session).add_probe_figures([figure()], dataset_sha256=DATASET)


def test_probe_figures_are_found_by_their_data(session: Session) -> None:
    figures = FigureRepository(session)
    figures.add_probe_figures([probe()], dataset_sha256=DATASET, project="p", run_id="r")
    figures.add_probe_figures([probe("huggingface:c/d")], dataset_sha256="e" * 64)
    (found,) = figures.probe_figures(DATASET)
    assert (found.figure, found.project, found.run_id) == (probe(), "p", "r")


def test_removing_a_dataset_leaves_published_figures(session: Session) -> None:
    figures = FigureRepository(session)
    figures.bulk_import([figure()])
    figures.add_probe_figures([probe(), probe(value=0.7)], dataset_sha256=DATASET)
    assert figures.remove_dataset("own-data") == 2
    assert len(list(figures.published_cells())) == 1


def test_removing_a_dataset_leaves_another_one_of_the_same_bytes(session: Session) -> None:
    figures = FigureRepository(session)
    other = replace(probe(), benchmark="other-columns")
    figures.add_probe_figures([probe(), other], dataset_sha256=DATASET)
    figures.remove_dataset("own-data")
    assert [f.figure for f in figures.probe_figures(DATASET)] == [other]


def test_the_version_changes_when_a_figure_comes_and_when_one_goes(session: Session) -> None:
    figures = FigureRepository(session)
    versions = [figures.version()]
    figures.add_probe_figures([probe()], dataset_sha256=DATASET)
    versions.append(figures.version())
    figures.remove_dataset("own-data")
    figures.add_probe_figures([probe(value=0.7)], dataset_sha256=DATASET)
    versions.append(figures.version())
    assert len(set(versions)) == 3


def test_the_version_stays_when_nothing_new_comes(session: Session) -> None:
    figures = FigureRepository(session)
    figures.seed(shipped(figure()))
    before = figures.version()
    figures.seed(shipped(figure()))
    assert figures.version() == before


def test_superseded_figures_are_not_in_the_snapshot(session: Session) -> None:
    figures = FigureRepository(session)
    figures.bulk_import([figure(), figure(value=0.95)])
    first, second = (f.id for f in figures.published_cells())
    session.execute(update(FigureRow).where(FigureRow.id == first).values(superseded_by=second))
    assert [f.id for f in figures.published_cells()] == [second]


def test_pages_give_every_figure_once(session: Session) -> None:
    figures = FigureRepository(session)
    figures.bulk_import([figure(value=0.5 + i / 100) for i in range(7)])
    seen, after = [], 0
    while True:
        page = figures.page(FigureFilter(), after=after, limit=3)
        seen += [f.figure.value for f in page.figures]
        if page.next_after is None:
            break
        after = page.next_after
    assert seen == [0.5 + i / 100 for i in range(7)]


@pytest.mark.parametrize(
    ("wanted", "n"),
    [
        (FigureFilter(model="huggingface:c/d"), 1),
        (FigureFilter(benchmark="glue-sst2"), 2),
        (FigureFilter(protocol=Protocol.ZERO_SHOT), 0),
        (FigureFilter(kind=FigureKind.PROBE), 0),
        (FigureFilter(kind=FigureKind.PROBE, project="p"), 1),
    ],
)
def test_pages_keep_to_their_filter_and_to_the_project(
    session: Session, wanted: FigureFilter, n: int
) -> None:
    figures = FigureRepository(session)
    figures.bulk_import([figure(), figure("huggingface:c/d")])
    figures.add_probe_figures([probe()], dataset_sha256=DATASET, project="p")
    assert len(figures.page(wanted).figures) == n


def test_nothing_is_committed_by_the_repository(session: Session) -> None:
    figures = FigureRepository(session)
    figures.bulk_import([figure()])
    session.rollback()
    assert list(figures.published_cells()) == []
