"""`advisor import`: figures of users' own files, with a progress bar and a report of what was refused."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.settings import get_settings
from benchmarks.external import FORMAT_NAMES

if TYPE_CHECKING:  # the other commands must not wait for the readers to be imported
    from benchmarks.external.importing import ImportOutcome, OnProgress, OnRefusal
    from benchmarks.importers.reading import Refusal

FAILED, UNUSABLE = 1, 2
CELL = 100
"""Characters of an example that are shown."""
errors = Console(stderr=True)


def import_command(
    source: Annotated[str, typer.Argument(help=f"Format: {', '.join(FORMAT_NAMES)}.", metavar="SOURCE")],
    path: Annotated[Path, typer.Argument(help="File, or folder where the format has several files.")],
    url: Annotated[str, typer.Option(help="Address of figures that name none; the file's name else.")] = "",
    report: Annotated[Path | None, typer.Option(help="CSV file of all refused records.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
) -> None:
    """Import figures; a second run adds nothing, an interrupted one goes on where it was.

    Ends with 0 where figures are in the database, 1 where every record was refused or the import was
    interrupted, 2 where SOURCE or PATH cannot be used.
    """
    if source not in FORMAT_NAMES:
        errors.print(f"There is no format {source!r}: it is one of {', '.join(FORMAT_NAMES)}.")
        raise typer.Exit(UNUSABLE)
    from app.db import Database
    from app.migrations import upgrade
    from benchmarks.external.importing import import_figures
    from benchmarks.external.record import UnreadableFileError

    settings = get_settings()
    chosen = settings if data is None else settings.model_copy(update={"data_dir": data})
    upgrade(chosen.url)
    database = Database(chosen.url)
    try:
        with _reported(report) as on_refusal, _shown(is_quiet=as_json) as on_progress:
            outcome = import_figures(
                source,
                path,
                read=database.read,
                write=database.write,
                url=url,
                on_refusal=on_refusal,
                on_progress=on_progress,
            )
    except UnreadableFileError as error:
        errors.print(f"{error.path}: {error.detail}")
        raise typer.Exit(UNUSABLE) from None
    except KeyboardInterrupt:
        errors.print("Interrupted: what was read so far is kept; run the same command again to go on.")
        raise typer.Exit(FAILED) from None
    finally:
        database.close()
    _print_json(outcome) if as_json else _print(outcome)
    if outcome.n_read > 0 and outcome.n_inserted + outcome.n_unchanged + outcome.n_resumed == 0:
        raise typer.Exit(FAILED)


@contextmanager
def _reported(path: Path | None) -> Iterator["OnRefusal"]:
    """Writes every refusal to a CSV file, if one is wanted."""
    if path is None:
        yield lambda _: None
        return
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("reason", "record"))

        def write(refusal: "Refusal") -> None:
            writer.writerow((refusal.reason, refusal.row))

        yield write


@contextmanager
def _shown(*, is_quiet: bool) -> Iterator["OnProgress"]:
    """A progress bar on the terminal; silent where none is attached or JSON is wanted."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=is_quiet or not errors.is_terminal) as bar:
        task = bar.add_task("Reading", total=None)

        def update(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, description="Importing")

        yield update


def _document(outcome: "ImportOutcome") -> dict[str, object]:
    return {
        "read": outcome.n_read,
        "resumed": outcome.n_resumed,
        "inserted": outcome.n_inserted,
        "unchanged": outcome.n_unchanged,
        "new_benchmarks": outcome.n_benchmarks,
        "refused": [
            {"reason": reason, "count": count, "examples": outcome.examples[reason]}
            for reason, count in outcome.refused.most_common()
        ],
    }


def _print_json(outcome: "ImportOutcome") -> None:
    sys.stdout.write(json.dumps(_document(outcome), ensure_ascii=False, indent=2) + "\n")


def _print(outcome: "ImportOutcome") -> None:
    console = Console()
    earlier = f" ({outcome.n_resumed:,} of them before)" if outcome.n_resumed else ""
    console.print(
        f"{outcome.n_read:,} records read{earlier}: {outcome.n_inserted:,} new figures, "
        f"{outcome.n_unchanged:,} held already, {outcome.n_benchmarks:,} new benchmarks."
    )
    if not outcome.refused:
        return
    table = Table("Refused", "Records", "For instance", title_justify="left")
    for reason, count in outcome.refused.most_common():
        table.add_row(reason, f"{count:,}", "\n".join(row[:CELL] for row in outcome.examples[reason]))
    console.print(table)
