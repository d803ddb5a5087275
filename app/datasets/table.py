"""What all kinds of files are read as: named columns and a stream of records; and its limits."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from app.datasets.encoding import BinaryFileError
from app.datasets.errors import DatasetError

MAX_COLUMNS = 1_000
MAX_FIELD_CHARACTERS = 131_072
"""Longest value; Python's csv module has the same limit, for the whole process, so it is left alone."""
MAX_LINE_CHARACTERS = 4 * 1024 * 1024
"""Longest line of a text file: bounds the memory that one line takes."""
SAMPLE_ROWS = 1_000
"""Rows from which columns are told apart."""

Record = tuple[int, Sequence[object]]
"""Line number (text files) or row number (Parquet), from 1, and the values of the columns asked for."""


class RecordSource(Protocol):
    """A file as a table. Each call of `records` reads it from its beginning, in bounded memory."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""

    @property
    def unit(self) -> str:
        """What record numbers count: `line` or `row`."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the caller should know about how the file was read."""

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """The values of these columns, record by record."""


class HeaderOnlyError(DatasetError):
    """Columns, but no rows."""

    def __init__(self) -> None:
        super().__init__("The file has a header but no rows.", remedy="Send labelled rows below the header.")


class MalformedRowError(DatasetError):
    """A record that cannot be parsed.

    Attributes:
        line: Its line, from 1.
    """

    def __init__(self, line: int, wrong: str, remedy: str) -> None:
        self.line = line
        super().__init__(f"Line {line}: {wrong}.", remedy=remedy, rows=(line,))


class FieldTooLongError(DatasetError):
    """A value or a line beyond what is read.

    Attributes:
        limit_characters: The limit.
    """

    def __init__(self, row: int, limit_characters: int, unit: str = "line") -> None:
        self.limit_characters = limit_characters
        super().__init__(
            f"At {unit} {row} a value is longer than {limit_characters:,} characters.",
            remedy="Shorten the texts; if they are not that long, a quote is not closed.",
            rows=(row,),
        )


class TooManyColumnsError(DatasetError):
    """More columns than are read.

    Attributes:
        n_columns: How many there are.
    """

    def __init__(self, n_columns: int) -> None:
        self.n_columns = n_columns
        super().__init__(
            f"The file has {n_columns:,} columns; {MAX_COLUMNS:,} are read.",
            remedy="Keep the text and label columns.",
        )


class DuplicateColumnError(DatasetError):
    """Two columns of one name."""

    def __init__(self, column: str) -> None:
        super().__init__(
            f"Two columns are called {column!r}.", remedy="Give each column its own name.", column=column
        )


def require_distinct(columns: Sequence[str]) -> None:
    """Refuses a table in which a name does not tell one column."""
    twice = next((name for i, name in enumerate(columns) if name in columns[:i]), None)
    if twice is not None:
        raise DuplicateColumnError(twice)


def require_few_columns(n_columns: int) -> None:
    """Refuses a table that is too wide."""
    if n_columns > MAX_COLUMNS:
        raise TooManyColumnsError(n_columns)


def text_lines(path: Path, encoding: str) -> Iterator[str]:
    r"""The file's lines with their ends as they stand (`\n`, `\r\n` or `\r`), each of bounded length.

    Raises:
        BinaryFileError: A line holds a NUL character.
        FieldTooLongError: A line is longer than the limit.
    """
    with path.open(encoding=encoding, newline="") as file:
        number = 0
        while line := file.readline(MAX_LINE_CHARACTERS + 1):
            number += 1
            if len(line) > MAX_LINE_CHARACTERS:
                raise FieldTooLongError(number, MAX_LINE_CHARACTERS)
            if "\0" in line:
                raise BinaryFileError(number)
            yield line
