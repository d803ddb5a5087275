"""What a backtest asks for: hidden columns with the truth about them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import Column
from benchmarks.figures import Benchmark, Figure, Protocol
from benchmarks.metrics import metric_named

Array = NDArray[np.float64]

MIN_MODELS = 5
"""Columns with fewer models say little about an order."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AskedColumn:
    """A column to be predicted, with what was measured on it.

    Attributes:
        name: Of the benchmark, as it is reported.
        column: Its description.
        hides: Data sets whose figures are hidden while it is predicted.
        models: The models measured on it, n of them.
        scores: What they reached, comparable scale, shape (n,).
        errors: Standard errors of these, 0 where not published, shape (n,).
        values: What they reached on the metric's own scale, shape (n,).
    """

    name: str
    column: Column
    hides: frozenset[str]
    models: tuple[str, ...]
    scores: Array
    errors: Array
    values: Array

    def __len__(self) -> int:
        return len(self.models)

    def only(self, keep: NDArray[np.bool_]) -> "AskedColumn":
        """The same for some of the models, shape (n,)."""
        return AskedColumn(
            name=self.name,
            column=self.column,
            hides=self.hides,
            models=tuple(m for m, kept in zip(self.models, keep, strict=True) if kept),
            scores=self.scores[keep],
            errors=self.errors[keep],
            values=self.values[keep],
        )


def asked_columns(
    figures: Iterable[Figure],
    benchmarks: Mapping[str, Benchmark],
    *,
    names: Mapping[str, str] | None = None,
    also_hidden: Mapping[str, frozenset[str]] | None = None,
) -> list[AskedColumn]:
    """The columns of these figures that have models enough, by name; repeated figures are averaged.

    Args:
        figures: To be predicted.
        benchmarks: By name.
        names: How benchmarks are to be reported, where not by their own name.
        also_hidden: Data sets that a benchmark may be besides its own, by benchmark.
    """
    found: dict[tuple[str, Protocol, str], dict[str, list[Figure]]] = defaultdict(dict)
    for figure in figures:
        key = figure.benchmark, figure.protocol, figure.metric
        found[key].setdefault(figure.model, []).append(figure)
    asked = []
    for (benchmark, protocol, metric), rows in found.items():
        if len(rows) >= MIN_MODELS:
            column = Column.of(benchmarks[benchmark], protocol, metric)
            more = (also_hidden or {}).get(benchmark, frozenset())
            asked.append(_asked((names or {}).get(benchmark, benchmark), column, more, rows))
    return sorted(asked, key=lambda a: (a.name, a.column.protocol, a.column.metric))


def _asked(
    name: str, column: Column, also_hidden: frozenset[str], rows: Mapping[str, list[Figure]]
) -> AskedColumn:
    metric, models = metric_named(column.metric), sorted(rows)
    scores, errors = np.empty(len(models)), np.empty(len(models))
    for i, model in enumerate(models):
        y = metric.to_comparable([f.value for f in rows[model]])
        e = np.array([f.std_error or 0.0 for f in rows[model]]) / np.maximum(metric.slope(y), 1e-6)
        scores[i], errors[i] = y.mean(), np.sqrt(np.sum(e**2)) / len(e)
    return AskedColumn(
        name=name,
        column=column,
        hides=also_hidden | {column.dataset},
        models=tuple(models),
        scores=scores,
        errors=errors,
        values=metric.from_comparable(scores),
    )
