"""Fits of the prior to a database: made offline, in a process of their own, and kept in the data folder.

`python -m app.fits FOLDER` is that process: a fit takes seconds and hundreds of megabytes, which the API
process must not carry along.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy.orm import Session

from app.db import Database
from app.ranking.calibration import Calibration, calibrate
from app.ranking.described import describe
from app.ranking.figure_arrays import FigureArrays
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Hyperparameters, Prior, fit_prior
from app.ranking.store import FORMAT, load_fit, save_fit
from app.ranking.table import table_of
from benchmarks.facts import load_model_facts, shipped_facts_version
from benchmarks.figures import FigureKind
from benchmarks.repository import FigureRepository
from models_registry.catalogue import load_catalogue
from models_registry.repository import ModelRepository

KEPT = 3
"""Fits kept beside the newest, for processes that still read them."""


class SnapshotError(Exception):
    """There is nothing to answer from."""


class EmptyDatabaseError(SnapshotError):
    """The database holds no models, or no figures to judge them by."""


class FitError(SnapshotError):
    """The fitting process failed, or the database changed under it."""


def figures_state(session: Session) -> str:
    """A short text that changes whenever published figures do; one tiny query."""
    return FigureRepository(session).version(FigureKind.PUBLISHED)


def fit_folder(fits: Path, state: str, hyper: Hyperparameters) -> Path:
    """Where the fit of these figures belongs.

    A model without figures changes no fit, so that registering one costs none; what the shipped registry and
    facts say of those that have some does.
    """
    parts = f"{FORMAT} {state} {hyper.version} {load_catalogue().version} {shipped_facts_version()}"
    return fits / hashlib.sha256(parts.encode()).hexdigest()[:16]


def fit_database(database: Database, fits: Path) -> Path:
    """The fit of the database as it is now exists; returns its folder.

    Raises:
        EmptyDatabaseError: There are no models or no figures.
    """
    hyper = load_hyperparameters()
    with database.read() as session:
        folder = fit_folder(fits, figures_state(session), hyper)
        if load_fit(folder) is not None:
            return folder
        figures = FigureArrays.of(FigureRepository(session).published_cells())
        benchmarks = {b.name: b for b in FigureRepository(session).benchmarks()}
        entries = ModelRepository(session).catalogue().entries
    table = table_of(figures, benchmarks, describe(entries, load_model_facts()))
    if not entries or len(table) == 0:
        raise EmptyDatabaseError
    prior = fit_prior(table, hyper)
    save_fit(prior, calibrate(prior, prior.hidden_errors()), folder)
    _forget_old(fits, folder)
    return folder


def stored_fit(
    database: Database, fits: Path, state: str, hyper: Hyperparameters
) -> tuple[Prior, Calibration]:
    """The fit of this state, made now where it is missing.

    Raises:
        EmptyDatabaseError: There are no models or no figures.
        FitError: It could not be made.
    """
    folder = fit_folder(fits, state, hyper)
    found = load_fit(folder)
    if found is None:
        _run_child(database, fits)
        found = load_fit(folder)
    if found is None:
        raise FitError("the database changed while it was fitted to")
    return found


def _run_child(database: Database, fits: Path) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    # The URL may hold a password: it goes through a pipe, since command lines are public.
    child = subprocess.run(
        [sys.executable, "-m", "app.fits", str(fits)], input=url, capture_output=True, text=True, check=False
    )
    if child.returncode == NOTHING_TO_FIT:
        raise EmptyDatabaseError
    if child.returncode:
        raise FitError(child.stderr.strip().splitlines()[-1] if child.stderr.strip() else "no message")


def _forget_old(fits: Path, newest: Path) -> None:
    others = [p for p in fits.iterdir() if p.is_dir() and p != newest and not p.name.startswith(".")]
    for folder in sorted(others, key=lambda p: p.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


NOTHING_TO_FIT = 3


def main() -> int:
    """The fitting process."""
    database = Database(sys.stdin.read().strip())
    try:
        fit_database(database, Path(sys.argv[1]))
    except EmptyDatabaseError:
        return NOTHING_TO_FIT
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
