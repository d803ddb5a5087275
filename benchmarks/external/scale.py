"""Percent or fraction: told by a metric's declared range over a whole column of a file.

Notation:
    column      all values of one metric, as it is spelt, on one data set in the file
    high        the largest value of the metric's range; 1 for error rates, whose range is open

A column whose values all lie in the range is taken as it stands. Where values exceed it and nearly all of
them exceed `high`, it is in percent, and the few that do not are refused, since 0.9 may be 0.9 % or 90 %.
Anything between, or beyond 100 times the range, cannot be told.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.external.record import Record
from benchmarks.external.spelling import metric_spelt, number_of
from benchmarks.importers.reading import Refusal
from benchmarks.metrics import Metric

PERCENT = 0.01
LEAST_BEYOND = 0.9
"""Share of the values other than 0 that exceed `high` in a column of percentages."""
_RATE_LIMIT = 1.0

ColumnKey = tuple[str, str]


@dataclass(slots=True)
class _Column:
    """What has been seen of a column."""

    n: int = 0
    n_beyond: int = 0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, value: float, limit: float) -> None:
        if value != 0.0:
            self.n += 1
            self.n_beyond += abs(value) > limit
        self.low = min(self.low, value)
        self.high = max(self.high, value)


def _limit(metric: Metric) -> float:
    return metric.high if metric.is_bounded else _RATE_LIMIT


class Scales:
    """The scale of every column; memory grows with the columns, not with their values."""

    def __init__(self) -> None:
        self._columns: dict[ColumnKey, _Column] = {}
        self.n_seen = 0

    @classmethod
    def of(cls, records: Iterable[Record | Refusal]) -> "Scales":
        """The scales of a file, which is read to its end."""
        scales = cls()
        for record in records:
            scales.n_seen += 1
            if isinstance(record, Record):
                scales.add(record)
        return scales

    def add(self, record: Record) -> None:
        """Count one value."""
        metric, number = metric_spelt(record.metric), number_of(record.value)
        if metric is None or number is None or record.is_scaled or not metric.is_rate:
            return
        column = self._columns.setdefault((record.benchmark, record.metric), _Column())
        column.add(number[0], _limit(metric))

    def factor(self, record: Record, metric: Metric, value: float) -> float | None:
        """What a value is to be multiplied by; None where that cannot be told."""
        if record.is_scaled or not metric.is_rate:
            return 1.0
        column = self._columns[record.benchmark, record.metric]
        limit = _limit(metric)
        if metric.low <= column.low and column.high <= limit:
            return 1.0
        if not metric.is_bounded and column.n_beyond <= (1.0 - LEAST_BEYOND) * column.n:
            return 1.0  # an error rate may exceed 1: more insertions than words
        in_percent = column.low >= 100.0 * metric.low and column.high <= 100.0 * limit
        if metric.is_bounded and not in_percent:
            return None
        if column.n_beyond < LEAST_BEYOND * column.n:
            return None
        return PERCENT if abs(value) > limit or value == 0.0 else None
