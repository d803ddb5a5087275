"""Rows of a CSV file, one at a time, whatever its size."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from benchmarks.external.record import UnreadableFileError
from benchmarks.importers.reading import Refusal, RefusalReason

LONGEST_CELL = 10_000_000
"""Characters; descriptions of data sets may be long."""
GZIP = b"\x1f\x8b"


def open_text(path: Path) -> IO[str]:
    """A text file, decompressed where it is gzip's; a byte-order mark is no text.

    Raises:
        UnreadableFileError: It cannot be opened.
    """
    return TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="", errors="replace")


def open_bytes(path: Path) -> IO[bytes]:
    """A file's bytes, decompressed where it is gzip's.

    Raises:
        UnreadableFileError: It cannot be opened.
    """
    try:
        with path.open("rb") as lines:
            is_gzip = lines.read(len(GZIP)) == GZIP
        return cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip else path.open("rb")
    except OSError as error:
        raise UnreadableFileError(path, str(error.strerror or error)) from None


def stream(path: Path, required: Sequence[str]) -> Iterator[dict[str, str] | Refusal]:
    """Rows by column name.

    Args:
        path: The file.
        required: Columns that it must have.

    Raises:
        UnreadableFileError: A required column is missing, or the file ends in the middle of its compression.
    """
    csv.field_size_limit(LONGEST_CELL)
    with open_text(path) as lines:
        reader = csv.reader(lines)
        try:
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in required if name not in header]
            if missing:
                raise UnreadableFileError(
                    path, f"no column {', '.join(missing)}; it needs {', '.join(required)}"
                )
            for row in reader:
                if len(row) == len(header):
                    yield dict(zip(header, row, strict=True))
                elif row:
                    yield Refusal(
                        reason=RefusalReason.UNREADABLE, row=f"line {reader.line_num}: {len(row)} cells"
                    )
        except (EOFError, OSError, csv.Error) as error:
            raise UnreadableFileError(path, f"line {reader.line_num}: {error}") from None
