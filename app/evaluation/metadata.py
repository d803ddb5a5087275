"""Cells of the metadata files that may come with a figures file."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from app.evaluation.figure_rows import UnusableFiguresError
from benchmarks.external.record import UnreadableFileError
from benchmarks.external.tables import stream
from benchmarks.importers.reading import Refusal

Cells = Mapping[str, str]
Word = TypeVar("Word", bound=StrEnum)
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9}
_WHOLE = re.compile(r"([\d.]+(?:e\d+)?)\s*([kmb]?)", re.IGNORECASE)


def read_metadata(path: Path | None, key: str) -> dict[str, Cells]:
    """Rows of a metadata file by their key, names of columns in lower case; none without a file.

    Raises:
        UnusableFiguresError: It is no CSV file, or has no column of this name.
    """
    if path is None:
        return {}
    found: dict[str, Cells] = {}
    try:
        for cells in stream(path, (key,)):
            if isinstance(cells, Refusal):
                raise UnusableFiguresError(path, cells.row)
            found[cells[key].strip()] = {name.lower(): cell.strip() for name, cell in cells.items()}
    except UnreadableFileError as error:
        raise UnusableFiguresError(path, error.detail) from None
    return found


def text(cells: Cells, *names: str) -> str:
    """The first of these cells that says something."""
    return next((cells[name] for name in names if cells.get(name)), "")


def words(cells: Cells, *names: str) -> tuple[str, ...]:
    """A cell with several words, separated by bars, commas, semicolons or blanks."""
    return tuple(word for word in re.split(r"[|,;\s]+", text(cells, *names)) if word)


def whole(cells: Cells, *names: str) -> int | None:
    """A cell with a count, such as 86000000, 8.6e7 or 86M; None where there is none."""
    found = _WHOLE.fullmatch(text(cells, *names).replace(",", ""))
    return round(float(found[1]) * _UNITS.get(found[2].lower(), 1.0)) if found else None


def member(vocabulary: type[Word], cells: Cells, *names: str) -> Word | None:
    """A cell with a word of a closed vocabulary, `_` and blanks read as hyphens; None where it has none."""
    try:
        return vocabulary(re.sub(r"[\s_]+", "-", text(cells, *names).lower()))
    except ValueError:
        return None
