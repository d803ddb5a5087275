"""The database's schema: brought to the newest revision, and filled with what ships."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic import command
from app.db import Database
from benchmarks.repository import SHIPPED, FigureRepository
from benchmarks.seed import load_shipped, shipped_version
from models_registry.catalogue import load_catalogue
from models_registry.repository import ModelRepository

ROOT = Path(__file__).resolve().parent.parent
LOCK_NUMBER = 5_821_077
"""Of PostgreSQL's advisory lock: processes that start at the same time migrate one after another."""


def alembic_config(url: str) -> Config:
    """The configuration of the migrations for this database, whatever folder the process runs in."""
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """The database at this URL has the newest schema; one that has it already is left alone."""
    database = Database(url)
    try:
        if not is_current(database):
            command.upgrade(alembic_config(url), "head")
    finally:
        database.close()


def is_current(database: Database) -> bool:
    """Whether the database has the newest schema."""
    head = ScriptDirectory.from_config(alembic_config(str(database.url))).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def seed(database: Database) -> None:
    """The catalogue and the figures that ship are in the database; idempotent, and quick the second time."""
    catalogue, version = load_catalogue(), shipped_version()
    with database.read() as session:
        is_seeded = FigureRepository(session).import_progress(SHIPPED, version) is not None
    shipped = None if is_seeded else load_shipped()
    with database.write() as session:
        ModelRepository(session).upsert_catalogue(catalogue)
        if shipped is not None:
            FigureRepository(session).seed(shipped)
