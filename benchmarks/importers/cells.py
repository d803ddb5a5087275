"""Reading the cells of published tables: percent signs, pairs, means in brackets, plus-minus."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
ABSENT = frozenset({"", "-", "--", "n/a", "N/A", "WIP"})


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a csv file with a header."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def raw_rows(path: Path) -> Iterator[list[str]]:
    """The rows of a csv file whose header takes more than one row."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.reader(lines)


def percent(cell: str) -> float | None:
    """The fraction that a cell such as `79.6`, `79.6%`, `*79.6*` or `79.6 ± 0.3` gives; None if absent."""
    found = _NUMBER.search(cell)
    return None if cell.strip() in ABSENT or found is None else float(found.group()) / 100.0


def pair(cell: str) -> tuple[float | None, float | None]:
    """Both fractions of `a/b` or `a / b`; None for an absent half."""
    first, _, second = cell.partition("/")
    return percent(first), percent(second)


def bracketed(cell: str) -> float | None:
    """The fraction in brackets of `best (mean)`, in ASCII or full-width brackets; None without one."""
    found = re.search(r"[(（]\s*(-?\d+(?:\.\d+)?)\s*[)）]", cell)
    return None if found is None else float(found.group(1)) / 100.0
