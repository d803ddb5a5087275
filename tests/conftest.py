"""The shipped database, migrated, seeded and fitted once a session; tests that change it take a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db import Database
from app.fits import fit_database
from app.migrations import seed, upgrade
from app.settings import Settings

CopyOfShipped = Callable[[Path], None]


@pytest.fixture(scope="session")
def shipped_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as `advisor serve` leaves it after its first start; never written to."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("shipped"))
    upgrade(settings.url)
    database = Database(settings.url)
    seed(database)
    fit_database(database, settings.fits_dir)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return settings.data_dir


@pytest.fixture(scope="session")
def copy_shipped(shipped_data_dir: Path) -> CopyOfShipped:
    """Puts the shipped database and its fit into a folder."""

    def copy(folder: Path) -> None:
        shutil.copy(shipped_data_dir / "advisor.db", folder / "advisor.db")
        # Fits are read only, and one more of them is a folder of its own.
        shutil.copytree(shipped_data_dir / "fits", folder / "fits", copy_function=_link)

    return copy


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
