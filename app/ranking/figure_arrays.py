"""Figures as arrays: a million of them in a hundred megabytes, each found again by its number."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, FigureCells, Protocol

Array = NDArray[np.float64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFigure:
    """A figure with its number in the database."""

    id: int
    figure: Figure


CODED = ("model", "benchmark", "metric", "protocol", "split", "source")
"""Texts that repeat and are stored once."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FigureArrays:
    """K figures by column.

    Attributes:
        ids: Numbers in the database, shape (K,).
        values: On each metric's own scale, shape (K,).
        std_errors: Same scale; 0 where not published, shape (K,).
        days: Proleptic ordinals of the tables' dates, shape (K,).
        codes: By name of `CODED`, indices into `words`, each of shape (K,).
        words: The texts, by name of `CODED`.
        known_digest: What `digest` says, where it was worked out before.
    """

    ids: NDArray[np.int64]
    values: Array
    std_errors: Array
    days: Codes
    codes: dict[str, Codes]
    words: dict[str, Sequence[str]]
    known_digest: str = ""

    def digest(self) -> str:
        """SHA-256 of all of them, numbers included, in hexadecimal digits."""
        if self.known_digest:
            return self.known_digest
        found = hashlib.sha256()
        for numbers in (self.ids, self.values, self.std_errors, *self.codes.values()):
            found.update(np.ascontiguousarray(numbers).data)
        for words in self.words.values():
            found.update("\0".join(words).encode())
        return found.hexdigest()

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, rows: Iterable[FigureCells]) -> "FigureArrays":
        """Of rows in any order."""
        numbers: dict[str, dict[str, int]] = {name: {} for name in CODED}
        codes: dict[str, list[int]] = {name: [] for name in CODED}
        plain: list[tuple[int, float, float, int]] = []
        for row in rows:
            plain.append((row.id, row.value, row.std_error or 0.0, row.as_of.toordinal()))
            for name, text in (
                ("model", row.model),
                ("benchmark", row.benchmark),
                ("metric", row.metric),
                ("protocol", row.protocol),
                ("split", row.split),
                ("source", row.source),
            ):
                known = numbers[name]
                codes[name].append(known.setdefault(text, len(known)))
        ids, values, errors, days = (
            (list(column) for column in zip(*plain, strict=True)) if plain else ([],) * 4
        )
        return cls(
            ids=np.array(ids, dtype=np.int64),
            values=np.array(values, dtype=np.float64),
            std_errors=np.array(errors, dtype=np.float64),
            days=np.array(days, dtype=np.int32),
            codes={name: np.array(found, dtype=np.int32) for name, found in codes.items()},
            words={name: list(found) for name, found in numbers.items()},
        )

    @classmethod
    def of_figures(cls, figures: Iterable[NumberedFigure]) -> "FigureArrays":
        """Of figures with their numbers."""
        return cls.of(
            FigureCells(
                id=n.id,
                model=n.figure.model,
                benchmark=n.figure.benchmark,
                metric=n.figure.metric,
                value=n.figure.value,
                protocol=str(n.figure.protocol),
                split=n.figure.split,
                std_error=n.figure.std_error,
                source=n.figure.source,
                as_of=n.figure.as_of,
            )
            for n in figures
        )

    def text(self, name: str, number: int) -> str:
        """A coded text of one figure."""
        return self.words[name][int(self.codes[name][number])]

    def figure(self, number: int) -> NumberedFigure:
        """One figure as it was published."""
        return NumberedFigure(
            id=int(self.ids[number]),
            figure=Figure(
                model=self.text("model", number),
                benchmark=self.text("benchmark", number),
                metric=self.text("metric", number),
                value=float(self.values[number]),
                protocol=Protocol(self.text("protocol", number)),
                split=self.text("split", number),
                std_error=float(self.std_errors[number]) or None,
                source=self.text("source", number),
                as_of=dt.date.fromordinal(int(self.days[number])),
            ),
        )
