"""Rows of a figures file, with values on their metrics' own scale.

Percent or fraction is told by the metric's declared range, over all values of a file's column (one metric on
one benchmark under one protocol). A column within the range is taken as it stands. One that exceeds it must
lie within a hundred times the range; then it is in percent. A value in it that would fit among the others as
a fraction (0.93 among 60 to 95), while no percentage comes down that far, can be either: few such are left
out, many make the column unusable.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.external.record import UnreadableFileError
from benchmarks.external.spelling import metric_spelt, number_of
from benchmarks.external.tables import stream
from benchmarks.figures import BenchmarkError, Protocol
from benchmarks.importers.reading import Refusal
from benchmarks.metrics import Metric, metric_named

REQUIRED = ("model", "benchmark", "metric", "value")
PERCENT = 0.01
MOST_DOUBTFUL = 0.1
"""Share of a column's values that may be left out as neither surely percent nor surely fraction."""
LOW_PERCENT = 10.0
"""A column with a percentage below this comes down to small values by itself."""
RATE_LIMIT = 1.0
MOST_RATES_BEYOND = 0.9
"""Error rates may exceed 1; they are in percent where nearly all of them do."""


class UnusableFiguresError(BenchmarkError):
    """A figures file that cannot be evaluated.

    Attributes:
        path: The file.
        detail: What is wrong, and what would be right.
    """

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"{path.name}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure as a file gives it.

    Attributes:
        model: As printed.
        benchmark: As printed.
        metric: Canonical name.
        value: On the metric's own scale, once `scaled`.
        protocol: None where the file does not say.
        split: As printed.
        n_test: Examples measured on; None where unknown.
        std_error: On the value's scale; None where not given.
        source: Address; empty where not given.
    """

    model: str
    benchmark: str
    metric: str
    value: float
    protocol: Protocol | None
    split: str
    n_test: int | None
    std_error: float | None
    source: str


def read_rows(path: Path) -> tuple[list[FigureRow], int]:
    """The rows of a file, scaled, and how many values were left out as doubtful.

    Raises:
        UnusableFiguresError: The file is no figures file, or a row or column of it cannot be used.
    """
    rows = []
    try:
        for number, cells in enumerate(stream(path, REQUIRED), start=2):
            if isinstance(cells, Refusal):
                raise UnusableFiguresError(path, cells.row)
            rows.append(_row(path, number, {name: cell.strip() for name, cell in cells.items()}))
    except UnreadableFileError as error:
        raise UnusableFiguresError(path, error.detail) from None
    if not rows:
        raise UnusableFiguresError(path, "no figures")
    columns: defaultdict[tuple[str, str, Protocol | None], list[FigureRow]] = defaultdict(list)
    for row in rows:
        columns[row.benchmark, row.metric, row.protocol].append(row)
    scaled = [row for column in columns.values() for row in _scaled(path, column)]
    return scaled, len(rows) - len(scaled)


def _row(path: Path, number: int, cells: Mapping[str, str]) -> FigureRow:
    metric, value = metric_spelt(cells["metric"]), number_of(cells["value"])
    if metric is None:
        raise UnusableFiguresError(path, f"line {number}: unknown metric {cells['metric']!r}")
    if value is None:
        raise UnusableFiguresError(path, f"line {number}: {cells['value']!r} is no number")
    if not cells["model"] or not cells["benchmark"]:
        raise UnusableFiguresError(path, f"line {number}: every figure names its model and benchmark")
    try:
        return FigureRow(
            model=cells["model"],
            benchmark=cells["benchmark"],
            metric=metric.name,
            value=value[0],
            protocol=Protocol(cells["protocol"]) if cells.get("protocol") else None,
            split=cells.get("split") or "test",
            n_test=int(float(cells["n_test"])) if cells.get("n_test") else None,
            std_error=float(cells["std_error"]) if cells.get("std_error") else value[1],
            source=cells.get("source", ""),
        )
    except ValueError as error:
        raise UnusableFiguresError(path, f"line {number}: {error}") from None


def _scaled(path: Path, rows: list[FigureRow]) -> list[FigureRow]:
    """The rows of one column on the metric's own scale, doubtful ones left out."""
    metric = metric_named(rows[0].metric)
    values = np.array([row.value for row in rows])
    try:
        factor, sure = scale_of(values, metric)
    except ValueError as error:
        where = f"{rows[0].benchmark}, {rows[0].metric}"
        raise UnusableFiguresError(path, f"{where}: {error}") from None
    return [
        replace(
            row,
            value=round(row.value * factor, 9),
            std_error=None if row.std_error is None else abs(row.std_error) * factor,
        )
        for row, kept in zip(rows, sure, strict=True)
        if kept
    ]


def scale_of(values: NDArray[np.float64], metric: Metric) -> tuple[float, NDArray[np.bool_]]:
    """What values are to be multiplied by, and which of them surely so.

    Args:
        values: Of one column, shape (n,).
        metric: Its metric.

    Raises:
        ValueError: They are neither on the metric's range nor percentages of it.
    """
    everything = np.ones(len(values), dtype=bool)
    limit = metric.high if metric.is_bounded else RATE_LIMIT
    is_beyond = np.abs(values) > limit
    if not metric.is_bounded and (not metric.is_rate or np.mean(is_beyond) < MOST_RATES_BEYOND):
        if values.min() < metric.low:
            raise ValueError(f"values lie below {metric.low:g}")
        return 1.0, everything
    if values.min() >= metric.low and values.max() <= limit:
        return 1.0, everything
    if not metric.is_rate or values.min() < metric.low / PERCENT or values.max() > metric.high / PERCENT:
        percent = f" nor in [{metric.low / PERCENT:g}, {metric.high / PERCENT:g}]" if metric.is_rate else ""
        raise ValueError(f"values lie neither in [{metric.low:g}, {metric.high:g}]{percent}")
    smallest, largest = np.abs(values[is_beyond]).min(), np.abs(values[is_beyond]).max()
    as_fraction = np.abs(values) / PERCENT
    is_doubtful = ~is_beyond & (as_fraction >= smallest) & (as_fraction <= largest)
    if smallest <= LOW_PERCENT * limit:
        return PERCENT, everything
    if np.mean(is_doubtful) > MOST_DOUBTFUL:
        raise ValueError("values are in part fractions, in part percent")
    return PERCENT, ~is_doubtful
