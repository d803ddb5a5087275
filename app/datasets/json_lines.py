"""JSON Lines: one object a line."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from app.datasets.table import (
    SAMPLE_ROWS,
    HeaderOnlyError,
    MalformedRowError,
    Record,
    require_few_columns,
    text_lines,
)

_REMEDY = 'Write one JSON object a line, like {"text": "...", "label": "..."}.'


class JsonLinesSource:
    """A JSON Lines file; satisfies `RecordSource`. Its columns are the keys of the first rows."""

    unit = "line"
    warnings: tuple[str, ...] = ()

    def __init__(self, path: Path, encoding: str) -> None:
        self._path, self._encoding = path, encoding
        names: dict[str, None] = {}
        for _, row in islice(self._objects(), SAMPLE_ROWS):
            names.update(dict.fromkeys(row))
            require_few_columns(len(names))
        if not names:
            raise HeaderOnlyError
        self.columns = tuple(names)

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """The values of these keys, line by line; None where a line has no such key.

        Raises:
            MalformedRowError: A line is not a JSON object.
        """
        for line, row in self._objects():
            yield line, [row.get(name) for name in columns]

    def _objects(self) -> Iterator[tuple[int, dict[str, object]]]:
        for number, line in enumerate(text_lines(self._path, self._encoding), start=1):
            if line.isspace():
                continue
            yield number, _object(number, line)


def _object(number: int, line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except RecursionError:
        raise MalformedRowError(number, "it is nested too deeply", _REMEDY) from None
    except ValueError as error:  # also an integer of thousands of digits, which is no JSONDecodeError
        wrong = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise MalformedRowError(number, f"not valid JSON ({wrong})", _REMEDY) from None
    if not isinstance(value, dict):
        raise MalformedRowError(number, "not a JSON object", _REMEDY)
    return _mended(value) if "\\u" in line else value


def _mended(row: dict[str, object]) -> dict[str, object]:
    """Half a surrogate pair, as truncating a tweet leaves it, becomes U+FFFD: it is not text."""
    return {paired(key): paired(value) if isinstance(value, str) else value for key, value in row.items()}


def paired(text: str) -> str:
    """The text with half a surrogate pair as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
