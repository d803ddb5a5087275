"""Runs the migrations on the database that `app.migrations` names, or the one of the settings."""

import importlib
from typing import Any

from sqlalchemy import Connection

from alembic import context
from app.db import Database
from app.migrations import LOCK_NUMBER
from app.settings import get_settings
from models_registry.orm import Base

TABLES = (
    "models_registry.tables",
    "benchmarks.tables",
    "app.tables",
    "app.datasets.tables",
    "app.probes.tables",
)
for module in TABLES:
    importlib.import_module(module)


def run(connection: Connection) -> None:
    """Run on this connection; SQLite alters a table by copying it."""
    options: dict[str, Any] = {
        "target_metadata": Base.metadata,
        "compare_type": True,
        "compare_server_default": True,
        "render_as_batch": connection.dialect.name == "sqlite",
    }
    context.configure(connection=connection, **options)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_NUMBER})")
        context.run_migrations()


database = Database(context.config.attributes.get("url") or get_settings().url)
try:
    engine = database.engine
    with engine.execution_options(immediate=True).connect() if database.is_sqlite else engine.connect() as c:
        run(c)
finally:
    database.close()
