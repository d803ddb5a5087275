"""Any accepted file as a table: the format is found by content, the name only settles ties."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.datasets.archive import is_archive
from app.datasets.conll import ConllSource
from app.datasets.delimited import DelimitedSource
from app.datasets.encoding import detect_encoding
from app.datasets.errors import DatasetError
from app.datasets.json_lines import JsonLinesSource
from app.datasets.labelled_files import labelled_files, unpack
from app.datasets.media import Medium
from app.datasets.parquet import MalformedParquetError, ParquetSource
from app.datasets.running_text import RunningText
from app.datasets.sniffing import parse, sniff
from app.datasets.squad import SquadSource, is_squad
from app.datasets.table import RecordSource
from app.datasets.upload import EmptyFileError
from app.tasks.base import TABLES, FileFormat

SNIFFED_CHARACTERS = 512 * 1024

_OTHER_FORMATS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x80\x04\x95", "a pickle"),
)
_JSON_OBJECT = re.compile(r'\{\s*("|\}|$)')
_JSON_ARRAY = re.compile(r"\[\s*(\{|\[|\]|$)")
_MARKUP = re.compile(r"<(!doctype|html|\?xml)", re.IGNORECASE)


class UnsupportedFormatError(DatasetError):
    """A file of a kind that this task is not read from.

    Attributes:
        found: What it is.
        accepted: What is read.
    """

    def __init__(self, found: str, accepted: Collection[FileFormat]) -> None:
        self.found = found
        self.accepted = tuple(accepted)
        super().__init__(f"The file is {found}.", remedy=f"Send one of: {', '.join(self.accepted)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file that is understood.

    Attributes:
        format: What it is.
        encoding: Codec of its text; None for Parquet and archives.
        source: Its records.
        warnings: What the caller should know about how it is read.
        folder: Where its files lie, below `files`; None for a table.
        seconds: How long each file is, by its name below the folder; empty where files have no length.
    """

    format: FileFormat
    encoding: str | None
    source: RecordSource
    warnings: tuple[str, ...] = ()
    folder: Path | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def open_file(
    path: Path,
    *,
    filename: str,
    accepted: Collection[FileFormat],
    known_names: Collection[str] = (),
    medium: Medium | None = None,
) -> OpenedFile:
    """The file as a table.

    Args:
        path: Where it lies, in a folder of its own: an archive is unpacked beside it.
        filename: What the caller calls it.
        accepted: Formats that the task is read from.
        known_names: Case-folded column names that mark a first row as a header.
        medium: Kind of the files that examples are; None where they are none, and archives not read.

    Raises:
        DatasetError: It is of another format or encoding, damaged, empty, or without rows.
    """
    if medium is not None and FileFormat.ARCHIVE in accepted and is_archive(path):
        return _archive(path, known_names, medium)
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PAR1"):
        opened = _parquet(path, filename)
    else:
        other = next((name for magic, name in _OTHER_FORMATS if head.startswith(magic)), None)
        if other is not None:
            raise UnsupportedFormatError(other, accepted)
        opened = _text(path, filename, accepted, known_names)
    if opened.format not in accepted:
        raise UnsupportedFormatError(f"a {opened.format} file", accepted)
    return opened


def _archive(path: Path, known_names: Collection[str], medium: Medium) -> OpenedFile:
    def open_table(manifest: Path, filename: str) -> RecordSource:
        return open_file(manifest, filename=filename, accepted=TABLES, known_names=known_names).source

    folder = path.with_name("unpacked")
    unpacked = unpack(path, folder, medium)
    source = labelled_files(unpacked, open_table)
    return OpenedFile(
        format=FileFormat.ARCHIVE,
        encoding=None,
        source=source,
        warnings=source.warnings,
        folder=folder,
        seconds=unpacked.seconds,
    )


def _parquet(path: Path, filename: str) -> OpenedFile:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        if file.read() != b"PAR1" or path.stat().st_size < 12:
            raise MalformedParquetError
    return OpenedFile(
        format=FileFormat.PARQUET,
        encoding=None,
        source=ParquetSource(path),
        warnings=_named_otherwise(filename, FileFormat.PARQUET),
    )


def _text(
    path: Path, filename: str, accepted: Collection[FileFormat], known_names: Collection[str]
) -> OpenedFile:
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(SNIFFED_CHARACTERS)
        is_whole = not file.read(1)
    start = sample.lstrip()[:200]
    if not start and is_whole:
        raise EmptyFileError
    if _MARKUP.match(start):
        raise UnsupportedFormatError("an HTML or XML page", accepted)
    if _JSON_ARRAY.match(start):
        raise UnsupportedFormatError("a JSON array, not one JSON object a line", accepted)
    if FileFormat.SQUAD in accepted and is_squad(sample):
        return OpenedFile(format=FileFormat.SQUAD, encoding=encoding, source=SquadSource(path, encoding))
    if _JSON_OBJECT.match(start):
        return _json_lines(path, encoding, filename)
    if FileFormat.CONLL in accepted and FileFormat.CSV not in accepted:
        source = ConllSource(path, encoding)
        return OpenedFile(format=FileFormat.CONLL, encoding=encoding, source=source)
    if FileFormat.TEXT in accepted and not _is_table(filename, sample, known_names):
        return OpenedFile(format=FileFormat.TEXT, encoding=encoding, source=RunningText(path, encoding))
    return _delimited(path, encoding, filename, (sample, is_whole), known_names)


def _is_table(filename: str, sample: str, known_names: Collection[str]) -> bool:
    """Whether a text is a table by its name or its header: rows of prose may look like either."""
    if Path(filename).suffix.casefold() in {".csv", ".tsv", ".tab"}:
        return True
    first = sample.lstrip().splitlines()[:1]
    dialect = sniff(sample, is_whole=False)
    header = next(iter(parse(first, replace(dialect, strict=False))), [])
    return any(name.strip().casefold() in known_names for name in header)


def _json_lines(path: Path, encoding: str, filename: str) -> OpenedFile:
    return OpenedFile(
        format=FileFormat.JSON_LINES,
        encoding=encoding,
        source=JsonLinesSource(path, encoding),
        warnings=_named_otherwise(filename, FileFormat.JSON_LINES),
    )


def _delimited(
    path: Path, encoding: str, filename: str, sample: tuple[str, bool], known_names: Collection[str]
) -> OpenedFile:
    suffix = Path(filename).suffix.casefold()
    dialect = sniff(sample[0], is_whole=sample[1], prefer="\t" if suffix in {".tsv", ".tab"} else ",")
    format_ = FileFormat.TSV if dialect.delimiter == "\t" else FileFormat.CSV
    source = DelimitedSource(path, encoding, dialect, known_names)
    warnings = (*_named_otherwise(filename, format_), *source.warnings)
    return OpenedFile(format=format_, encoding=encoding, source=source, warnings=warnings)


_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.TSV,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".parquet": FileFormat.PARQUET,
}


def _named_otherwise(filename: str, found: FileFormat) -> tuple[str, ...]:
    named = _SUFFIXES.get(Path(filename).suffix.casefold(), found)
    if named is found:
        return ()
    return (f"The file is named like {named} but holds {found}, and is read as that.",)
