"""`advisor fit`: the prior is fitted to the figures as they are now."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.db import Database
from app.fits import SnapshotError, fit_database
from app.migrations import seed, upgrade
from app.ranking.store import load_fit
from app.settings import Settings, get_settings

FAILED = 1
console = Console()
errors = Console(stderr=True)


def fit_command(data: Annotated[Path | None, typer.Option(help="Data folder.")] = None) -> None:
    """Fit the prior to the figures in the database, so that no request has to wait for it."""
    settings = Settings(data_dir=data) if data else get_settings()
    started = time.monotonic()
    upgrade(settings.url)
    database = Database(settings.url)
    try:
        seed(database)
        folder = fit_database(database, settings.fits_dir)
    except SnapshotError as error:
        errors.print(f"Nothing was fitted: {error or 'there are no models or no figures'}")
        raise typer.Exit(FAILED) from None
    finally:
        database.close()
    found = load_fit(folder)
    if found is None:
        raise typer.Exit(FAILED)
    table = found[0].table
    console.print(
        f"{len(table.figures):,} figures, {len(table):,} of them in the score table of {len(table.models):,} "
        f"models on {len(table.columns):,} columns; {len(found[0].families):,} families"
    )
    console.print(f"{folder} in {time.monotonic() - started:.1f} s")
