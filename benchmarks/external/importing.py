"""From a file to the database: in chunks, once, going on where it was interrupted.

A file is read twice: first for the scale of its columns, then for its figures. Each chunk is one transaction,
in which the place reached is noted beside the figures; a second run of the same file skips to that place.
"""

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session

from benchmarks.external.formats import FORMATS
from benchmarks.external.record import Record, UnreadableFileError
from benchmarks.external.resolve import Origin, Resolver
from benchmarks.external.scale import Scales
from benchmarks.figures import Figure
from benchmarks.importers.names import ModelNames
from benchmarks.importers.reading import Refusal, RefusalReason
from benchmarks.repository import FigureRepository, ImportProgress
from benchmarks.shipped_files import read_aliases, read_benchmarks

CHUNK = 20_000
"""Records a transaction: the database is locked for a second or two at a time."""
N_EXAMPLES = 3
"""Refusals shown of each reason."""
_BLOCK = 1 << 20

Scope = Callable[[], AbstractContextManager[Session]]
OnRefusal = Callable[[Refusal], None]
OnProgress = Callable[[int, int | None], None]


@dataclass(slots=True)
class ImportOutcome:
    """What an import did.

    Attributes:
        n_read: Records dealt with, those of an earlier, interrupted run included.
        n_resumed: Of these, those of the earlier run.
        n_inserted: New figures.
        n_unchanged: Figures that the database held already.
        n_benchmarks: Benchmarks described for the first time.
        refused: Refusals of this run, by reason.
        examples: The first of them.
    """

    n_read: int = 0
    n_resumed: int = 0
    n_inserted: int = 0
    n_unchanged: int = 0
    n_benchmarks: int = 0
    refused: Counter[RefusalReason] = field(default_factory=Counter)
    examples: defaultdict[RefusalReason, list[str]] = field(default_factory=lambda: defaultdict(list))

    def refuse(self, refusal: Refusal) -> None:
        """Count a refusal and keep the first few rows of its reason."""
        self.refused[refusal.reason] += 1
        if len(self.examples[refusal.reason]) < N_EXAMPLES:
            self.examples[refusal.reason].append(refusal.row)


def import_figures(
    source: str,
    path: Path,
    *,
    read: Scope,
    write: Scope,
    url: str = "",
    on_refusal: OnRefusal = lambda _: None,
    on_progress: OnProgress = lambda _n, _total: None,
) -> ImportOutcome:
    """The figures of a file or folder are in the database; idempotent.

    Args:
        source: A key of `FORMATS`.
        path: The file or folder.
        read: Opens a reading session.
        write: Opens a write transaction, committed at its end.
        url: Address of figures that have none of their own; the file's name by default.
        on_refusal: Called for every record that becomes no figure.
        on_progress: Called after every chunk with the records dealt with, and how many there are where known.

    Raises:
        UnreadableFileError: The path does not exist or is not of this format.
    """
    if not path.exists():
        raise UnreadableFileError(path, "there is no such file or folder")
    url = url or f"{source}:{path.name}"
    digest = _digest(path, url)
    with read() as session:
        repository = FigureRepository(session)
        before = repository.import_progress(source, digest)
        known = {b.name: b for b in (*read_benchmarks(), *repository.benchmarks())}
    outcome = ImportOutcome()
    if before is not None:
        outcome.n_read = outcome.n_resumed = before.n_read
        if before.is_finished:
            return outcome
    scales = Scales.of(FORMATS[source](path))
    on_progress(outcome.n_read, scales.n_seen)
    resolver = Resolver(Origin(source=source, url=url, as_of=_day(path)), known.values(), _names(), scales)
    for chunk in _chunks(FORMATS[source](path), skip=outcome.n_resumed):
        figures = list(_figures(chunk, resolver, outcome, on_refusal))
        new = resolver.take_new()
        outcome.n_read += len(chunk)
        outcome.n_benchmarks += len(new)
        with write() as session:
            repository = FigureRepository(session)
            repository.put_benchmarks(new)
            report = repository.bulk_import(figures)
            _note(repository, source, digest, outcome.n_read, is_finished=outcome.n_read == scales.n_seen)
        outcome.n_inserted += report.inserted
        outcome.n_unchanged += report.unchanged
        on_progress(outcome.n_read, scales.n_seen)
    return outcome


def _names() -> ModelNames:
    return ModelNames(read_aliases())


def _chunks(records: Iterator[Record | Refusal], *, skip: int) -> Iterator[list[Record | Refusal]]:
    rest = islice(records, skip, None)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _figures(
    chunk: list[Record | Refusal], resolver: Resolver, outcome: ImportOutcome, on_refusal: OnRefusal
) -> Iterator[Figure]:
    for record in chunk:
        made = resolver.figure(record) if isinstance(record, Record) else record
        if isinstance(made, Figure):
            yield made
        else:
            outcome.refuse(made)
            on_refusal(made)


def _note(repository: FigureRepository, source: str, digest: str, n_read: int, *, is_finished: bool) -> None:
    repository.note_import(
        ImportProgress(source=source, sha256=digest, n_read=n_read, is_finished=is_finished)
    )


def _digest(path: Path, url: str) -> str:
    """SHA-256 of a file, or of the names, sizes and times of a folder's files, and of the stated address."""
    digest = hashlib.sha256(url.encode() + b"\0")
    if path.is_file():
        with path.open("rb") as lines:
            while block := lines.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        status = file.stat()
        digest.update(f"{file.relative_to(path)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _day(path: Path) -> dt.date:
    """The day on which the file was last written: the latest on which its figures were known."""
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()
