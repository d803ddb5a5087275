"""The snapshot follows the database, and its version follows the contents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database
from app.fits import EmptyDatabaseError
from app.migrations import upgrade
from app.ranking.fitted import load_hyperparameters
from app.snapshot import CHECK_SECONDS, SnapshotCache
from benchmarks.figures import FigureKind
from benchmarks.repository import FigureRepository
from benchmarks.seed import ShippedFigures
from models_registry.repository import ModelRepository
from tests.factories import make_benchmark, make_entry, make_figure


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'snapshot.db'}"
    upgrade(url)
    database = Database(url)
    yield database
    database.close()


def fill(database: Database) -> None:
    models = [make_entry(f"org/model-{i}") for i in range(4)]
    figures = tuple(make_figure(m.key, b, 0.8 + i / 100) for i, m in enumerate(models) for b in ("a", "b"))
    shipped = ShippedFigures(
        benchmarks=(make_benchmark("a"), make_benchmark("b")), figures=figures, version="1"
    )
    with database.write() as session:
        for model in models:
            ModelRepository(session).add(model)
        FigureRepository(session).seed(shipped)


def add_model(database: Database, name: str) -> None:
    with database.write() as session:
        ModelRepository(session).add(make_entry(name))


def cache_of(database: Database, clock: Clock) -> SnapshotCache:
    return SnapshotCache(
        database,
        Path(database.engine.url.database or "").parent / "fits",
        hyper=load_hyperparameters(),
        clock=clock,
    )


def test_an_empty_database_has_nothing_to_answer_from(database: Database) -> None:
    with pytest.raises(EmptyDatabaseError):
        cache_of(database, Clock()).current()


def test_an_unchanged_database_keeps_its_snapshot(database: Database) -> None:
    fill(database)
    clock = Clock()
    cache = cache_of(database, clock)
    first = cache.current()
    clock.seconds += 10 * CHECK_SECONDS

    assert cache.current() is first


def test_what_another_process_wrote_is_seen_after_the_next_check(database: Database) -> None:
    fill(database)
    clock = Clock()
    cache = cache_of(database, clock)
    first = cache.current()
    add_model(database, "org/new")
    at_once = cache.current()
    clock.seconds += CHECK_SECONDS
    later = cache.current()

    assert at_once is first
    assert later.database.n_models == first.database.n_models + 1
    assert later.database.version != first.database.version


def test_what_this_process_wrote_is_seen_at_once(database: Database) -> None:
    fill(database)
    cache = cache_of(database, Clock())
    first = cache.current()
    add_model(database, "org/new")
    cache.expire()

    assert cache.current().database.n_models == first.database.n_models + 1


def test_probe_figures_do_not_rebuild_the_snapshot(database: Database) -> None:
    fill(database)
    cache = cache_of(database, Clock())
    first = cache.current()
    figure = make_figure("huggingface:org/model-0", "ds_0123456789abcdef", 0.9, kind=FigureKind.PROBE)
    with database.write() as session:
        FigureRepository(session).add_probe_figures([figure], dataset_sha256="0" * 64)
    cache.expire()

    assert cache.current() is first


def test_equal_contents_have_equal_versions(database: Database, tmp_path: Path) -> None:
    fill(database)
    url = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade(url)
    other = Database(url)
    fill(other)
    versions = {cache_of(d, Clock()).current().database.version for d in (database, other)}
    other.close()

    assert len(versions) == 1
