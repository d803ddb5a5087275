"""The table of models behaves alike on SQLite and on PostgreSQL."""

import datetime as dt
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from models_registry.catalogue import Catalogue, InvalidModelNameError, UnknownModelError, load_catalogue
from models_registry.entry import ModelEntry
from models_registry.orm import Base
from models_registry.repository import ModelExistsError, ModelFilter, ModelRepository
from models_registry.tables import ModelRow, Origin
from models_registry.vocabulary import Modality

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
SHIPPED = load_catalogue()


def _urls() -> list[str]:
    postgres = os.environ.get("ADVISOR_TEST_POSTGRES_URL")
    return ["sqlite://", *([postgres] if postgres else [])]


@pytest.fixture(params=_urls(), ids=lambda url: url.partition(":")[0])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    engine = create_engine(request.param)
    with engine.connect() as connection, connection.begin() as transaction:
        # One transaction holds table and rows, so that nothing is left behind on a shared server.
        Base.metadata.create_all(connection, tables=[Base.metadata.tables["models"]])
        connection.exec_driver_sql("DELETE FROM models")
        with Session(connection, join_transaction_mode="create_savepoint") as opened:
            yield opened
        transaction.rollback()
    engine.dispose()


@pytest.fixture
def models(session: Session) -> ModelRepository:
    return ModelRepository(session, now=lambda: NOON)


def _own(**changes: object) -> ModelEntry:
    entry = SHIPPED.get("google-bert/bert-base-uncased")
    return entry.model_copy(update={"hub": "local", "id": "mine/bert", "aliases": (), **changes})


def test_the_whole_catalogue_comes_back_as_it_went_in(models: ModelRepository) -> None:
    assert models.upsert_catalogue(SHIPPED) == len(SHIPPED)
    assert {e.name: e for e in models.page(limit=1_000)} == {e.name: e for e in SHIPPED}


def test_storing_the_same_catalogue_again_changes_nothing(models: ModelRepository) -> None:
    models.upsert_catalogue(SHIPPED)
    assert models.upsert_catalogue(SHIPPED) == 0


def test_changed_new_and_removed_entries_are_counted(models: ModelRepository) -> None:
    first, second, third = SHIPPED.entries[:3]
    models.upsert_catalogue(Catalogue.of([first, second]))
    corrected = first.model_copy(update={"n_layers": first.n_layers + 1})
    assert models.upsert_catalogue(Catalogue.of([corrected, third])) == 3
    assert models.get(first.name) == corrected
    with pytest.raises(UnknownModelError):
        models.get(second.name)


def test_a_users_model_outlives_the_catalogue(models: ModelRepository) -> None:
    models.add(_own())
    models.upsert_catalogue(Catalogue.of(SHIPPED.entries[:1]))
    assert models.get(_own().name) == _own()
    assert models.count(ModelFilter(origin=Origin.USER)) == 1


def test_adding_the_same_description_twice_is_no_error(models: ModelRepository) -> None:
    models.add(_own())
    models.add(_own())
    assert models.count() == 1


def test_another_description_under_a_taken_name_is_refused(models: ModelRepository) -> None:
    models.add(_own())
    with pytest.raises(ModelExistsError) as caught:
        models.add(_own(n_layers=3))
    assert caught.value.name == _own().name


def test_a_user_cannot_redescribe_a_model_of_the_catalogue(models: ModelRepository) -> None:
    models.upsert_catalogue(SHIPPED)
    with pytest.raises(ModelExistsError):
        models.add(SHIPPED.entries[0].model_copy(update={"licence": "mit", "n_layers": 99}))


def test_pages_together_hold_every_model_once_and_in_order(models: ModelRepository) -> None:
    models.upsert_catalogue(SHIPPED)
    seen: list[str] = []
    while page := models.page(after=seen[-1] if seen else None, limit=50):
        seen += [entry.name for entry in page]
    assert sorted(seen) == sorted(entry.name for entry in SHIPPED)
    assert len(seen) == len(set(seen))


def test_filters_are_joined_by_and(models: ModelRepository) -> None:
    models.upsert_catalogue(SHIPPED)
    where = ModelFilter(
        hub="huggingface",
        modality=Modality.IMAGE,
        family="resnet",
        max_parameters=12_000_000,
        licences=("bsd-3-clause",),
    )
    assert [entry.id for entry in models.page(where=where)] == ["timm/resnet18.tv_in1k"]
    assert models.count(where) == 1


def test_a_path_is_refused_before_the_database_is_asked(models: ModelRepository) -> None:
    with pytest.raises(InvalidModelNameError):
        models.get("../etc/passwd")


def test_times_are_aware_and_in_utc(models: ModelRepository, session: Session) -> None:
    models.add(_own())
    session.expire_all()
    stored = session.scalars(select(ModelRow.created_at)).one()
    assert (stored, stored.utcoffset()) == (NOON, dt.timedelta())


def test_the_repository_leaves_the_transaction_to_its_caller(
    models: ModelRepository, session: Session
) -> None:
    models.upsert_catalogue(SHIPPED)
    session.rollback()
    assert models.count() == 0
