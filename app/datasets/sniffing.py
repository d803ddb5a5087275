"""How a delimited file separates and quotes its fields, told from its beginning.

`csv.Sniffer` guesses from character counts and is fooled by prose; here each plausible dialect parses the
sample, and the one that gives the most rows of one width is taken.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

MAX_SNIFFED_ROWS = 2_000


class Rows(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """The reader itself."""

    def __next__(self) -> list[str]:
        """The next row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How fields are separated and quoted.

    Attributes:
        delimiter: One character.
        quoted: Whether double quotes enclose fields.
        escape: Character that takes the meaning of the next, instead of doubled quotes.
        strict: Whether malformed quoting is refused rather than guessed at.
    """

    delimiter: str
    quoted: bool = True
    escape: str | None = None
    strict: bool = True


def parse(lines: Iterable[str], dialect: Dialect) -> Rows:
    """A csv reader of this dialect; raises `csv.Error` while it is read."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        escapechar=dialect.escape,
        doublequote=dialect.escape is None,
        strict=dialect.strict,
    )


def sniff(sample: str, *, is_whole: bool, prefer: str = ",") -> Dialect:
    """The dialect under which the sample is most nearly a table.

    Args:
        sample: The file's beginning.
        is_whole: Whether it is the whole file, so that an open quote at its end is an error.
        prefer: The delimiter to take where several do equally well.
    """
    best, best_score = Dialect(delimiter=prefer), 0.0
    for dialect in _candidates(prefer):
        score = _score(sample, dialect, is_whole=is_whole)
        if score > best_score + 1e-9:
            best, best_score = dialect, score
    return best


def _candidates(prefer: str) -> Iterator[Dialect]:
    """Dialects from the most to the least trustworthy, so that ties go to the former."""
    delimiters = sorted((",", "\t", ";", "|"), key=lambda delimiter: delimiter != prefer)
    strict = [Dialect(delimiter=delimiter) for delimiter in delimiters]
    yield from strict
    yield Dialect(delimiter="\t", quoted=False)
    yield from (replace(dialect, escape="\\") for dialect in strict)
    yield from (replace(dialect, strict=False) for dialect in strict)


def _score(sample: str, dialect: Dialect, *, is_whole: bool) -> float:
    """Share of rows that have the commonest width; 0 for a single column or what does not parse."""
    widths: Counter[int] = Counter()
    width = 0
    rows = parse(io.StringIO(sample, newline=""), dialect)
    try:
        for row in rows:
            widths[width] += width > 0  # counted one late: the last row of a cut sample is incomplete
            width = len(row)
            if widths.total() >= MAX_SNIFFED_ROWS:
                break
    except csv.Error as error:
        if is_whole or "unexpected end" not in str(error):
            return 0.0
        width = 0
    if is_whole or not widths.total():
        widths[width] += width > 0
    commonest, count = max(widths.items(), key=lambda item: item[1], default=(0, 0))
    return count / widths.total() if commonest >= 2 and widths.total() else 0.0
