"""The schema of the migrations is the schema of the tables, forwards and backwards."""

import itertools
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.util import CommandError
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from alembic import command
from app.db import Database
from app.migrations import alembic_config, is_current, seed, upgrade
from app.repository import RecommendationRepository
from benchmarks.repository import FigureRepository
from models_registry.repository import ModelRepository

POSTGRES = os.environ.get("ADVISOR_TEST_POSTGRES_URL")
TABLES = {
    "models",
    "benchmarks",
    "figures",
    "recommendations",
    "model_lists",
    "datasets",
    "probe_runs",
    "probe_trials",
    "probe_points",
    "observations",
    "events",
    "imports",
}


HEAR = "https://github.com/hearbenchmark/hear-leaderboard/blob/7ebc0af4f0ce17b9f9f1c75165ab9ad50ff2e035"
OLD_FIGURE = (
    "INSERT INTO figures "
    "(fingerprint, model, benchmark, metric, value, protocol, split, source, as_of, kind) "
    "VALUES (:mark, 'm', 'hear-esc-50', 'accuracy', 0.5, 'linear-probe', 'test', :source, '2023-09-26', "
    "'published')"
)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgresql",
            marks=pytest.mark.skipif(POSTGRES is None, reason="ADVISOR_TEST_POSTGRES_URL names no server"),
        ),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'advisor.db'}"
        return
    assert POSTGRES is not None
    yield from _fresh_postgres_database(POSTGRES)


def _fresh_postgres_database(server: str) -> Iterator[str]:
    name = f"migrations_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def tables_of(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version", "sqlite_sequence"}
    finally:
        engine.dispose()


def columns_and_indexes_of(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        found, tables = inspect(engine), tables_of(url)
        columns = {f"{table}.{c['name']}" for table in tables for c in found.get_columns(table)}
        return columns | {f"{table}:{i['name']}" for table in tables for i in found.get_indexes(table)}
    finally:
        engine.dispose()


def test_upgrade_makes_every_table(url: str) -> None:
    upgrade(url)

    assert tables_of(url) == TABLES


def test_downgrade_to_base_leaves_no_table_and_upgrade_makes_them_again(url: str) -> None:
    upgrade(url)
    command.downgrade(alembic_config(url), "base")
    assert tables_of(url) == set()

    upgrade(url)

    assert tables_of(url) == TABLES


def test_the_migrated_schema_is_the_one_of_the_tables(url: str) -> None:
    upgrade(url)

    command.check(alembic_config(url))  # raises where a revision would be generated


def test_drift_would_be_noticed(url: str) -> None:
    upgrade(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE events"))
    engine.dispose()

    with pytest.raises(CommandError):
        command.check(alembic_config(url))


def test_each_revision_is_undone_by_its_downgrade(url: str) -> None:
    config = alembic_config(url)
    upgrade(url)
    seen = [columns_and_indexes_of(url)]
    while seen[-1]:
        command.downgrade(config, "-1")
        seen.append(columns_and_indexes_of(url))

    assert all(after < before for before, after in itertools.pairwise(seen))


def test_answers_survive_the_change_of_their_form_and_back(url: str) -> None:
    config = alembic_config(url)
    rows = [{"model": f"hub:m{i}@1", "rule": "memory", "needed": "9", "available": "8"} for i in range(30)]
    body = {"id": "rec_1", "text": "酒店", "excluded": rows[:20]}
    command.upgrade(config, "2026_11_24_packed_answers")
    command.downgrade(config, "-1")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO recommendations "
                "(id, database_version, language, document, excluded, created_at) "
                "VALUES ('rec_1', '1', 'zh', :document, :excluded, '2026-11-23 00:00:00+00:00')"
            ),
            {"document": json.dumps(body, ensure_ascii=False), "excluded": json.dumps(rows)},
        )
    engine.dispose()
    upgrade(url)
    database = Database(url)
    with database.read() as session:
        kept = RecommendationRepository(session).get("rec_1")
    database.close()
    command.downgrade(config, "2026_11_24_packed_answers")
    command.downgrade(config, "-1")
    engine = create_engine(url)
    with engine.connect() as connection:
        back = connection.execute(text("SELECT document, excluded FROM recommendations")).one()
    engine.dispose()

    assert kept is not None
    assert (json.loads(kept.document), json.loads(kept.excluded), kept.model_list) == (body, rows, None)
    assert (json.loads(back[0]), json.loads(back[1])) == (body, rows[:20])


def test_a_database_without_schema_is_not_current(url: str) -> None:
    database = Database(url)
    try:
        before = is_current(database)
        upgrade(url)
        after = is_current(database)
    finally:
        database.close()

    assert (before, after) == (False, True)


def test_seeding_twice_adds_nothing(url: str) -> None:
    upgrade(url)
    database = Database(url)
    try:
        seed(database)
        first = _state(database)
        seed(database)
        second = _state(database)
    finally:
        database.close()

    assert first == second
    assert first[0] >= 80


def test_a_correction_of_shipped_figures_reads_them_anew(url: str) -> None:
    config = alembic_config(url)
    upgrade(url)
    command.downgrade(config, "2026_11_23_probe_runs")
    engine = create_engine(url)
    with engine.begin() as connection:
        for source in (f"{HEAR}/leaderboard.csv", "https://example.org/mine"):
            connection.execute(text(OLD_FIGURE), {"source": source, "mark": source[-20:]})
    upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT source FROM figures")).scalars().all() == [
            "https://example.org/mine"
        ]
    engine.dispose()


def _state(database: Database) -> tuple[int, str]:
    with database.read() as session:
        return ModelRepository(session).count(), FigureRepository(session).version()


def test_no_revision_imports_the_application() -> None:
    revisions = sorted((Path(__file__).parents[2] / "alembic" / "versions").glob("*.py"))

    assert revisions
    for revision in revisions:
        source = revision.read_text("utf-8")
        assert "from app" not in source
        assert "models_registry" not in source
