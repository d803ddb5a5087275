"""All that a backtest draws on: figures, benchmarks and models, those that ship and those of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from app.ranking.described import Described, describe
from app.ranking.figure_arrays import FigureArrays, NumberedFigure
from app.ranking.prediction import Candidate
from app.ranking.table import ScoreTable, table_of
from benchmarks.facts import ModelFacts, load_model_facts
from benchmarks.figures import Benchmark, Figure
from benchmarks.seed import load_shipped
from models_registry.catalogue import load_catalogue


@dataclass(frozen=True, eq=False, kw_only=True)
class Corpus:
    """What is known before anything is hidden.

    Attributes:
        figures: All figures.
        benchmarks: By name.
        known: What is known of models, by name.
        copies: The model that another is a copy of, by the copy's name.
    """

    figures: Sequence[Figure]
    benchmarks: Mapping[str, Benchmark]
    known: Mapping[str, Described]
    copies: Mapping[str, str]

    @cached_property
    def arrays(self) -> FigureArrays:
        """The figures as arrays, numbered in their order."""
        return FigureArrays.of_figures(NumberedFigure(id=i, figure=f) for i, f in enumerate(self.figures))

    def table(self, figures: FigureArrays) -> ScoreTable:
        """The score table of some of the figures."""
        return table_of(figures, self.benchmarks, self.known)

    def described(self, model: str) -> Described:
        """What is known of a model; of others only the name is."""
        return self.known.get(model) or Described(name=model, family=model)

    def candidate(self, model: str, table: ScoreTable) -> Candidate:
        """A model as the service ranks it: a copy without figures is predicted as what it is a copy of."""
        row = model if model in table.number_of else self.copies.get(model, model)
        return Candidate(described=self.described(model), row=row)


@lru_cache(maxsize=1)
def shipped_corpus() -> Corpus:
    """The figures, benchmarks and models that ship."""
    shipped = load_shipped()
    return Corpus(
        figures=shipped.figures,
        benchmarks={b.name: b for b in shipped.benchmarks},
        known=describe(load_catalogue().entries, load_model_facts()),
        copies={e.key: e.derived_from for e in load_catalogue().entries if e.derived_from},
    )


def joined(
    shipped: Corpus,
    figures: Sequence[Figure],
    benchmarks: Mapping[str, Benchmark],
    facts: Mapping[str, ModelFacts],
    replaced: frozenset[int],
) -> Corpus:
    """The shipped corpus with figures of a file.

    Args:
        shipped: What ships.
        figures: Of the file.
        benchmarks: The file's own, by name.
        facts: What the file tells of models.
        replaced: Places of shipped figures that the file's stand for.
    """
    entries = load_catalogue().entries
    kept = [f for i, f in enumerate(shipped.figures) if i not in replaced]
    return Corpus(
        figures=[*kept, *figures],
        benchmarks={**shipped.benchmarks, **benchmarks},
        known=describe(entries, {**load_model_facts(), **facts}) if facts else shipped.known,
        copies=shipped.copies,
    )


def some_of(figures: FigureArrays, keep: NDArray[np.bool_]) -> FigureArrays:
    """Some of the figures, by a mask of shape (K,)."""
    return replace(
        figures,
        ids=figures.ids[keep],
        values=figures.values[keep],
        std_errors=figures.std_errors[keep],
        days=figures.days[keep],
        codes={name: codes[keep] for name, codes in figures.codes.items()},
    )
