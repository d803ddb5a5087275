"""Figures as a score table: the cells that the prior is fitted to.

Notation:
    N           observed cells (one model on one column; repeated figures are averaged)
    y           score on the comparable scale, shape (N,)
    e           standard error of y where published, else 0, shape (N,)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.ranking.coded import Coded
from app.ranking.columns import Column, ColumnTable, is_target
from app.ranking.described import Described
from app.ranking.figure_arrays import FigureArrays, NumberedFigure
from benchmarks.figures import Benchmark, Protocol
from benchmarks.metrics import metric_named

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MOST_ALIKE = 2
"""Columns kept of one data set under one protocol that trains nothing: severities of one corruption and
directions of one retrieval are near-copies that cost much and add nothing."""

__all__ = ["MOST_ALIKE", "NumberedFigure", "ScoreTable", "build_table", "table_of"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreTable:
    """Observed cells of models x columns, ordered by model.

    Attributes:
        models: `hub:id` of each model, length M.
        described: What is known of each model.
        columns: All columns, length C.
        model: Index of each cell's model, ascending, shape (N,).
        column: Index of each cell's column, shape (N,).
        scores: y, shape (N,).
        errors: e, shape (N,).
        first: Number of each cell's first figure, shape (N,).
        figures: All figures.
        known_families: The family of each model, where it is at hand.
    """

    models: Sequence[str]
    described: Sequence[Described]
    columns: ColumnTable
    model: Index
    column: Index
    scores: Array
    errors: Array
    first: Index
    figures: FigureArrays
    known_families: Coded[str] | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Where each model stands in `models`."""
        return {name: i for i, name in enumerate(self.models)}

    @cached_property
    def families(self) -> Coded[str]:
        """The family of each model."""
        return self.known_families or Coded.of(d.family for d in self.described)

    @cached_property
    def starts(self) -> Index:
        """Where the cells of each model begin, and where the last one's end, shape (M + 1,)."""
        return np.searchsorted(self.model, np.arange(len(self.models) + 1))

    def cells_of(self, model: int) -> Index:
        """The cells of a model."""
        return np.arange(self.starts[model], self.starts[model + 1])

    def cell_of(self, figure_id: int) -> int | None:
        """The cell that a figure is part of, by the figure's number in the database; None if of none."""
        found = np.flatnonzero(self.figures.ids == figure_id)
        if len(found) == 0:
            return None
        number = int(found[0])
        names = ("model", "benchmark", "protocol", "metric")
        model = self.number_of.get(self.figures.text("model", number))
        for cell in () if model is None else self.cells_of(model).tolist():
            first = int(self.first[cell])
            if all(self.figures.codes[n][first] == self.figures.codes[n][number] for n in names):
                return int(cell)
        return None

    def figure(self, cell: int) -> NumberedFigure:
        """The figure of a cell, the first where several were averaged."""
        return self.figures.figure(int(self.first[cell]))


def build_table(
    figures: Iterable[NumberedFigure],
    benchmarks: Mapping[str, Benchmark],
    models_known: Mapping[str, Described],
    *,
    min_models: int = 3,
) -> ScoreTable:
    """The table of these figures; see `table_of`."""
    return table_of(FigureArrays.of_figures(figures), benchmarks, models_known, min_models=min_models)


def table_of(
    figures: FigureArrays,
    benchmarks: Mapping[str, Benchmark],
    models_known: Mapping[str, Described],
    *,
    min_models: int = 3,
) -> ScoreTable:
    """The table of these figures.

    A model that is an exact or compressed copy of another keeps its own row. Columns with fewer than
    `min_models` models say nothing about which is better and are left out.

    Args:
        figures: In any order; those on benchmarks that are not named are left out.
        benchmarks: By canonical name.
        models_known: What is known of models, by name; of others only the name is.
        min_models: Smallest column kept.
    """
    columns, column = _columns(figures, benchmarks)
    model = figures.codes["model"].astype(np.intp)
    by_name = np.argsort(np.argsort(figures.words["model"], kind="stable"))
    model = np.asarray(by_name, dtype=np.intp)[model] if len(model) else model
    names = sorted(figures.words["model"])
    use = np.flatnonzero(column >= 0)
    cell, first, of_figure = np.unique(
        model[use] * max(len(columns), 1) + column[use], return_index=True, return_inverse=True
    )
    score, error = _scores(figures)
    counts = np.bincount(of_figure, minlength=len(cell))
    mean = np.bincount(of_figure, weights=score[use], minlength=len(cell)) / np.maximum(counts, 1)
    squared = np.bincount(of_figure, weights=error[use] ** 2, minlength=len(cell))
    cell_model, cell_column = np.divmod(cell, max(len(columns), 1))
    keep = _kept_columns(columns, np.bincount(cell_column, minlength=len(columns)), min_models)
    chosen = np.flatnonzero(keep[cell_column]) if len(cell) else np.empty(0, dtype=np.intp)
    models, new_model = np.unique(cell_model[chosen], return_inverse=True)
    kept, new_column = np.unique(cell_column[chosen], return_inverse=True)
    known = [names[m] for m in models]
    return ScoreTable(
        models=known,
        described=[models_known.get(m) or Described(name=m, family=m) for m in known],
        columns=ColumnTable([columns[c] for c in kept]),
        model=new_model.astype(np.intp),
        column=new_column.astype(np.intp),
        scores=mean[chosen],
        errors=(np.sqrt(squared) / np.maximum(counts, 1))[chosen],
        first=use[first][chosen],
        figures=figures,
    )


def _columns(figures: FigureArrays, benchmarks: Mapping[str, Benchmark]) -> tuple[list[Column], Index]:
    """All columns, in the order of their names, and each figure's, -1 on benchmarks that are not named."""
    words, codes = figures.words, figures.codes
    sizes = len(words["protocol"]), len(words["metric"])
    joint = (codes["benchmark"].astype(np.int64) * sizes[0] + codes["protocol"]) * sizes[1] + codes["metric"]
    seen, inverse = np.unique(joint, return_inverse=True)
    keys = []
    for number in seen.tolist():
        rest, metric = divmod(number, sizes[1])
        benchmark, protocol = divmod(rest, sizes[0])
        keys.append((words["benchmark"][benchmark], words["protocol"][protocol], words["metric"][metric]))
    order = sorted((i for i, key in enumerate(keys) if key[0] in benchmarks), key=lambda i: keys[i])
    place = np.full(len(keys), -1, dtype=np.intp)
    place[order] = np.arange(len(order))
    columns = [Column.of(benchmarks[keys[i][0]], Protocol(keys[i][1]), keys[i][2]) for i in order]
    return columns, place[inverse] if keys else np.empty(0, dtype=np.intp)


def _kept_columns(columns: Sequence[Column], counts: Index, min_models: int) -> NDArray[np.bool_]:
    """Which columns have models enough and are no near-copies of kept ones, shape (C,)."""
    keep = counts >= min_models
    alike: dict[tuple[str, Protocol], int] = {}
    for c in sorted(range(len(columns)), key=lambda c: -int(counts[c])):
        if not is_target(columns[c]) and keep[c]:
            key = columns[c].dataset, columns[c].protocol
            alike[key] = alike.get(key, 0) + 1
            keep[c] = alike[key] <= MOST_ALIKE
    return np.asarray(keep)


def _scores(figures: FigureArrays) -> tuple[Array, Array]:
    """Y and its standard error of every figure, each of shape (K,)."""
    score, error = np.empty(len(figures)), np.zeros(len(figures))
    for number, name in enumerate(figures.words["metric"]):
        metric = metric_named(name)
        mine = np.flatnonzero(figures.codes["metric"] == number)
        score[mine] = metric.to_comparable(figures.values[mine])
        error[mine] = figures.std_errors[mine] / np.maximum(metric.slope(score[mine]), 1e-6)
    return score, error
