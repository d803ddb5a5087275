"""Data sets in the database."""

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.datasets.columns import ColumnChoices
from app.datasets.ingest import ingest
from app.datasets.repository import DatasetRepository, InvalidCursorError
from app.datasets.storage import StoredDataset
from app.datasets.tables import DatasetRow
from app.db import Database
from models_registry.orm import Base
from models_registry.vocabulary import TaskType

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'advisor.db'}")
    Base.metadata.create_all(database.engine, tables=[DatasetRow.__table__])  # type: ignore[list-item]
    yield database
    database.close()


def stored(folder: Path, number: int = 0, project: str = "p") -> StoredDataset:
    text = "text,label\n" + "".join(f"some {number} {i} words,{i % 2}\n" for i in range(6))
    return ingest(
        io.BytesIO(text.encode()),
        filename=f"{number}.csv",
        choices=ColumnChoices(),
        task_type=TaskType.TEXT_CLASSIFICATION,
        project=project,
        data_dir=folder,
        max_bytes=10_000,
    )


def test_a_data_set_comes_back_as_it_was_added(database: Database, tmp_path: Path) -> None:
    dataset = stored(tmp_path)
    with database.write() as session:
        DatasetRepository(session).add(dataset, created_at=NOON)
    with database.read() as session:
        record = DatasetRepository(session).get(dataset.id)
    assert record is not None
    assert record.stored == dataset
    assert record.created_at == NOON


def test_times_are_utc_whatever_zone_they_came_in(database: Database, tmp_path: Path) -> None:
    shanghai = dt.timezone(dt.timedelta(hours=8))
    dataset = stored(tmp_path)
    with database.write() as session:
        DatasetRepository(session).add(dataset, created_at=NOON.astimezone(shanghai))
    with database.read() as session:
        created_at = session.scalars(select(DatasetRow.created_at)).one()
    assert (created_at, created_at.tzinfo) == (NOON, dt.UTC)


def test_a_time_without_zone_is_refused(database: Database, tmp_path: Path) -> None:
    dataset = stored(tmp_path)
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(Exception, match="naive"), database.write() as session:
        DatasetRepository(session).add(dataset, created_at=naive)


def test_adding_twice_keeps_the_first(database: Database, tmp_path: Path) -> None:
    dataset = stored(tmp_path)
    for hours in (0, 1):
        with database.write() as session:
            record = DatasetRepository(session).add(dataset, created_at=NOON + dt.timedelta(hours=hours))
    assert record.created_at == NOON


def test_another_projects_data_set_is_not_found(database: Database, tmp_path: Path) -> None:
    dataset = stored(tmp_path, project="theirs")
    with database.write() as session:
        repository = DatasetRepository(session)
        repository.add(dataset, created_at=NOON)
        assert repository.get(dataset.id, project="mine") is None
        assert repository.get(dataset.id, project="theirs") is not None
        assert repository.page(project="mine").items == ()


def test_pages_give_each_data_set_once_newest_first(database: Database, tmp_path: Path) -> None:
    datasets = [stored(tmp_path, number) for number in range(5)]
    with database.write() as session:
        repository = DatasetRepository(session)
        for number, dataset in enumerate(datasets):  # pairs share an instant
            repository.add(dataset, created_at=NOON + dt.timedelta(minutes=number // 2))
    seen, cursor = [], None
    with database.read() as session:
        while True:
            page = DatasetRepository(session).page(project="p", cursor=cursor, limit=2)
            seen += [(item.created_at, item.stored.id) for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert seen == sorted(seen, reverse=True)
    assert {dataset_id for _, dataset_id in seen} == {dataset.id for dataset in datasets}
    assert len(seen) == 5


@pytest.mark.parametrize("cursor", ["x", "!!", "bm90IGEgZGF0ZQ", "é"])
def test_a_cursor_that_was_not_given_out_is_refused(database: Database, cursor: str) -> None:
    with database.read() as session, pytest.raises(InvalidCursorError):
        DatasetRepository(session).page(cursor=cursor)


def test_a_deleted_data_set_is_gone(database: Database, tmp_path: Path) -> None:
    dataset = stored(tmp_path)
    with database.write() as session:
        repository = DatasetRepository(session)
        repository.add(dataset, created_at=NOON)
        assert repository.delete(dataset.id)
        assert not repository.delete(dataset.id)
    with database.read() as session:
        assert DatasetRepository(session).get(dataset.id) is None
