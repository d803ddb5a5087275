"""Comma-, tab-, semicolon- and bar-separated files."""

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from app.datasets.errors import DatasetError
from app.datasets.sniffing import Dialect, parse
from app.datasets.table import (
    MAX_FIELD_CHARACTERS,
    FieldTooLongError,
    HeaderOnlyError,
    MalformedRowError,
    Record,
    require_distinct,
    require_few_columns,
    text_lines,
)

_QUOTES = (
    'Put a field that holds the delimiter, a quote or a line break in "quotes" and double quotes inside.'
)
_LONGEST_NAME = 64
"""A first row with a longer cell is data, not names."""


class RaggedRowError(DatasetError):
    """A row with more or fewer fields than the header.

    Attributes:
        line: Its line, from 1.
        expected: Fields of the header.
        found: Fields of the row.
    """

    def __init__(self, line: int, expected: int, found: int) -> None:
        self.line, self.expected, self.found = line, expected, found
        super().__init__(
            f"Line {line} has {found} fields; the first row has {expected}.", remedy=_QUOTES, rows=(line,)
        )


class DelimitedSource:
    """A delimited file; satisfies `RecordSource`.

    Args:
        path: The file.
        encoding: A codec that decodes it.
        dialect: How fields are separated and quoted.
        known_names: Case-folded names that mark a first row as a header.
    """

    unit = "line"

    def __init__(self, path: Path, encoding: str, dialect: Dialect, known_names: Collection[str]) -> None:
        self._path, self._encoding, self._dialect = path, encoding, dialect
        rows = [row for _, row in _first(self._rows(), 200)]
        first = rows[0] if rows else []
        require_few_columns(len(first))
        self._has_header = _is_header(first, rows[1:], known_names)
        if not rows or (self._has_header and len(rows) == 1):
            raise HeaderOnlyError
        self.columns = _names(first) if self._has_header else _numbered(len(first))
        self.warnings = () if self._has_header else (_no_header(self.columns),)

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """The values of these columns, line by line.

        Raises:
            RaggedRowError: A row has not as many fields as the first.
            MalformedRowError: Quotes do not match.
            FieldTooLongError: A value is too long.
        """
        places = [self.columns.index(name) for name in columns]
        rows = self._rows()
        if self._has_header:
            next(rows)
        width = len(self.columns)
        for line, row in rows:
            if len(row) != width:
                raise RaggedRowError(line, width, len(row))
            yield line, [row[place] for place in places]

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Non-blank rows with the line on which each begins."""
        csv.field_size_limit(MAX_FIELD_CHARACTERS)  # of the whole process; importers allow more
        reader = parse(text_lines(self._path, self._encoding), self._dialect)
        line = 1
        try:
            for row in reader:
                if not self._dialect.strict and reader.line_num > line:
                    raise MalformedRowError(line, "a quote is not closed, or text follows it", _QUOTES)
                if row:
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            if "field limit" in str(error):
                raise FieldTooLongError(line, MAX_FIELD_CHARACTERS) from None
            raise MalformedRowError(line, "a quote is not closed, or text follows it", _QUOTES) from None


def _first(rows: Iterator[tuple[int, list[str]]], n: int) -> list[tuple[int, list[str]]]:
    return [row for row, _ in zip(rows, range(n), strict=False)]


def _is_header(first: list[str], rest: list[list[str]], known_names: Collection[str]) -> bool:
    """Whether the first row names the columns: a known name, or short words that do not recur below."""
    cells = [cell.strip() for cell in first]
    if any(cell.casefold() in known_names for cell in cells):
        return True
    if len(set(cells)) < len(cells) or any(len(cell) > _LONGEST_NAME or _is_number(cell) for cell in cells):
        return False
    return not any(
        cell and cell == row[i].strip() for row in rest for i, cell in enumerate(cells[: len(row)])
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _names(first: list[str]) -> tuple[str, ...]:
    names = [cell.strip() or f"column_{i}" for i, cell in enumerate(first, start=1)]
    require_distinct(names)
    return tuple(names)


def _numbered(n: int) -> tuple[str, ...]:
    return tuple(f"column_{i}" for i in range(1, n + 1))


def _no_header(columns: tuple[str, ...]) -> str:
    return f"No header row was found: the columns are called {columns[0]} to {columns[-1]}."
