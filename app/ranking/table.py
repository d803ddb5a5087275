"""Figures as arrays: the score table that the prior is fitted to.

Notation:
    N           observed cells (one model on one column; repeated figures are averaged)
    y           score on the comparable scale, shape (N,)
    e           standard error of y where published, else 0, shape (N,)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import Column, ColumnTable
from benchmarks.figures import Benchmark, Figure, Protocol
from benchmarks.metrics import metric_named
from app.ranking.described import Described

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFigure:
    """A figure with its number in the database."""

    id: int
    figure: Figure


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreTable:
    """Observed cells of models x columns.

    Attributes:
        models: `hub:id` of each model, length M.
        described: What is known of each model.
        columns: All columns, length C.
        model: Index of each cell's model, shape (N,).
        column: Index of each cell's column, shape (N,).
        scores: y, shape (N,).
        errors: e, shape (N,).
        figures: The figures behind each cell, length N.
    """

    models: Sequence[str]
    described: Sequence[Described]
    columns: ColumnTable
    model: Index
    column: Index
    scores: Array
    errors: Array
    figures: Sequence[tuple[NumberedFigure, ...]]

    def __len__(self) -> int:
        return len(self.scores)

    def subset(self, keep: NDArray[np.bool_]) -> "ScoreTable":
        """The table of these cells only, with the models and columns that they are of.

        Args:
            keep: Which cells stay, shape (N,).
        """
        cells = np.flatnonzero(keep)
        models, model = np.unique(self.model[cells], return_inverse=True)
        columns, column = np.unique(self.column[cells], return_inverse=True)
        return ScoreTable(
            models=[self.models[m] for m in models],
            described=[self.described[m] for m in models],
            columns=ColumnTable([self.columns.columns[c] for c in columns]),
            model=model.astype(np.intp),
            column=column.astype(np.intp),
            scores=self.scores[cells],
            errors=self.errors[cells],
            figures=[self.figures[i] for i in cells],
        )

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Where each model stands in `models`."""
        return {name: i for i, name in enumerate(self.models)}


def build_table(
    figures: Iterable[NumberedFigure],
    benchmarks: Mapping[str, Benchmark],
    models_known: Mapping[str, Described],
    *,
    min_models: int = 3,
) -> ScoreTable:
    """The table of these figures.

    A model that is an exact or compressed copy of another keeps its own row. Columns with fewer than `min_models` models say nothing about which is better
    and are left out.

    Args:
        figures: Numbered figures, any order.
        benchmarks: By canonical name.
        models_known: What is known of models, by name; of others only the name is.
        min_models: Smallest column kept.
    """
    cells: dict[tuple[str, tuple[str, str, str]], list[NumberedFigure]] = defaultdict(list)
    for numbered in figures:
        f = numbered.figure
        if f.benchmark in benchmarks:
            cells[f.model, (f.benchmark, f.protocol.value, f.metric)].append(numbered)
    models_of: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for model, key in cells:
        models_of[key].add(model)
    kept = sorted((m, k) for m, k in cells if len(models_of[k]) >= min_models)
    keys = sorted({k for _, k in kept})
    models = sorted({m for m, _ in kept})
    return _table(models, keys, kept, cells, benchmarks, models_known)


def _table(
    models: list[str],
    keys: list[tuple[str, str, str]],
    kept: list[tuple[str, tuple[str, str, str]]],
    cells: Mapping[tuple[str, tuple[str, str, str]], list[NumberedFigure]],
    benchmarks: Mapping[str, Benchmark],
    models_known: Mapping[str, Described],
) -> ScoreTable:
    model_number = {m: i for i, m in enumerate(models)}
    column_number = {k: j for j, k in enumerate(keys)}
    groups = [tuple(cells[cell]) for cell in kept]
    scored = np.array([_score(group) for group in groups], dtype=np.float64).reshape(len(groups), 2)
    return ScoreTable(
        models=models,
        described=[models_known.get(m) or Described(name=m, family=m) for m in models],
        columns=ColumnTable([_column(k, benchmarks) for k in keys]),
        model=np.array([model_number[m] for m, _ in kept], dtype=np.intp),
        column=np.array([column_number[k] for _, k in kept], dtype=np.intp),
        scores=scored[:, 0],
        errors=scored[:, 1],
        figures=groups,
    )


def _column(key: tuple[str, str, str], benchmarks: Mapping[str, Benchmark]) -> Column:
    benchmark, protocol, metric = key
    return Column.of(benchmarks[benchmark], Protocol(protocol), metric)


def _score(group: Sequence[NumberedFigure]) -> tuple[float, float]:
    """Mean score of repeated figures and its standard error, comparable scale."""
    metric = metric_named(group[0].figure.metric)
    y = metric.to_comparable([n.figure.value for n in group])
    slope = metric.slope(y)
    errors = [(n.figure.std_error or 0.0) / max(s, 1e-6) for n, s in zip(group, slope, strict=True)]
    return float(y.mean()), float(np.sqrt(np.sum(np.square(errors))) / len(group))
