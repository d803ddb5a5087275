"""Backtests with less to go by: model families without any figure, benchmarks without any but their profile.

Families: the families of a suite's models are dealt into `FOLDS` folds. A fold's families lose all their
figures, everywhere, before anything is fitted, so that only their descriptions are known; data sets are
hidden as ever. Each column is then judged in two ways:
    apart       every model is predicted from the fold in which its family has no figures; all are compared
    mixed       in each fold, models with figures and models without are ranked together; folds are averaged

Benchmarks: a column is predicted with no figure of its suite at all, and none on its data set; only other
suites' figures say something about the models.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.evaluation.asked import AskedColumn, asked_columns
from app.evaluation.backtest import ColumnPrediction, ColumnResult, by_hidden, judge
from app.evaluation.baselines import consensus, most_parameters
from app.evaluation.corpus import Corpus, some_of
from app.evaluation.measures import Order
from app.ranking.calibration import Surprises
from app.ranking.columns import Column, is_target
from app.ranking.prior import Hyperparameters, prepare, solve, weighed

Array = NDArray[np.float64]
OnProgress = Callable[[int, int], None]

FOLDS = 5


def cold_families(
    corpus: Corpus,
    asked: Sequence[AskedColumn],
    hyper: Hyperparameters,
    *,
    on_progress: OnProgress = lambda _done, _total: None,
) -> tuple[list[ColumnResult], list[ColumnResult]]:
    """The columns judged `apart` and `mixed`; see above.

    Args:
        corpus: Everything known.
        asked: Columns of one suite.
        hyper: Held.
        on_progress: Called with the predictions done, and all.
    """
    fold_of = family_folds(corpus, asked)
    folds = sorted(set(fold_of.values()))
    found: dict[tuple[int, int], ColumnPrediction] = {}
    for fold in folds:
        hidden_families = {family for family, f in fold_of.items() if f == fold}
        for i, prediction in without_families(corpus, asked, hyper, hidden_families):
            found[i, fold] = prediction
            on_progress(len(found), len(asked) * len(folds))
    apart, mixed = [], []
    for i, column in enumerate(asked):
        mine = np.array([fold_of[corpus.described(m).family] for m in column.models])
        others = [c for c in asked if not column.hides & c.hides]
        size, agreed = most_parameters(column, (), corpus.known), consensus(column, others, corpus.known)
        pieces = [found[i, f] for f in folds]
        apart.append(judge(column, corpus, _assembled(pieces, folds, mine), {"most_parameters": size}))
        parts = [
            judge(
                column,
                corpus,
                piece,
                {"most_parameters": size, "consensus_z": _unknown_as_average(agreed, mine == f)},
            )
            for f, piece in zip(folds, pieces, strict=True)
        ]
        mixed.append(_averaged(parts))
    return apart, mixed


def family_folds(corpus: Corpus, asked: Sequence[AskedColumn]) -> dict[str, int]:
    """The fold of each family, folds being about equally large in models."""
    models = {m for column in asked for m in column.models}
    counts = Counter(corpus.described(m).family for m in models)
    sizes, fold_of = [0] * FOLDS, dict[str, int]()
    for family, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        fold_of[family] = int(np.argmin(sizes))
        sizes[fold_of[family]] += n
    return fold_of


def without_families(
    corpus: Corpus, asked: Sequence[AskedColumn], hyper: Hyperparameters, families: set[str]
) -> list[tuple[int, ColumnPrediction]]:
    """Predictions of all columns, by place, with no figure of these families in the fit."""
    figures = corpus.arrays
    is_kept = np.array([corpus.described(m).family not in families for m in figures.words["model"]])
    prepared = weighed(prepare(corpus.table(some_of(figures, is_kept[figures.codes["model"]])), hyper))
    whole = solve(prepared)
    surprises, result = Surprises.of(whole, whole.hidden_errors()), []
    for datasets, places in by_hidden(asked).items():
        hidden = np.array([c.dataset in datasets for c in prepared.table.columns.columns])
        prior, calibration = solve(prepared.hiding(hidden)), surprises.calibration(hidden)
        result += [(i, ColumnPrediction.of(asked[i], corpus, prior, calibration)) for i in places]
    return result


def _assembled(
    pieces: Sequence[ColumnPrediction], folds: Sequence[int], fold: NDArray[np.intp]
) -> ColumnPrediction:
    """Each model's prediction from its own fold."""
    place, model = np.searchsorted(np.array(folds), fold), np.arange(len(fold))
    return ColumnPrediction(
        mean=np.array([p.mean for p in pieces])[place, model],
        variance=np.array([p.variance for p in pieces])[place, model],
        level_variance=float(np.mean([p.level_variance for p in pieces])),
    )


def _unknown_as_average(scores: Array, is_unknown: NDArray[np.bool_]) -> Array:
    """Scores with those of models without figures replaced by the mean of the others, 0 without any."""
    known = scores[~is_unknown]
    return np.where(is_unknown, known.mean() if len(known) else 0.0, scores)


def _averaged(parts: Sequence[ColumnResult]) -> ColumnResult:
    """The mean of several results on one column."""

    def mean(pick: Callable[[ColumnResult], Mapping[str, Order]]) -> dict[str, Order]:
        return {name: Order.mean([pick(p)[name] for p in parts]) for name in pick(parts[0])}

    return replace(
        parts[0],
        order=Order.mean([p.order for p in parts]),
        baselines=mean(lambda p: p.baselines),
        apart=Order.mean([p.apart for p in parts]),
        baselines_apart=mean(lambda p: p.baselines_apart),
        relative_coverage=tuple(np.mean([p.relative_coverage for p in parts], axis=0).tolist()),
        absolute_coverage=tuple(np.mean([p.absolute_coverage for p in parts], axis=0).tolist()),
    )


def cold_benchmarks(
    corpus: Corpus,
    asked: Sequence[AskedColumn],
    hyper: Hyperparameters,
    *,
    on_progress: OnProgress = lambda _done, _total: None,
) -> list[ColumnResult]:
    """The columns predicted from other suites' figures alone; consensus is that of all their target columns.

    Args:
        corpus: Everything known.
        asked: Columns of one suite.
        hyper: Held.
        on_progress: Called with the columns done, and all.
    """
    prepared = weighed(prepare(corpus.table(corpus.arrays), hyper))
    whole = solve(prepared)
    surprises, columns = Surprises.of(whole, whole.hidden_errors()), prepared.table.columns.columns
    suites = {a.column.suite for a in asked}
    elsewhere = _target_columns(corpus, suites)
    results: dict[int, ColumnResult] = {}
    for datasets, places in by_hidden(asked).items():
        hidden = np.array([c.dataset in datasets or c.suite in suites for c in columns])
        prior, calibration = solve(prepared.hiding(hidden)), surprises.calibration(hidden)
        others = [c for c in elsewhere if not c.hides & datasets]
        for i in places:
            static = {
                "most_parameters": most_parameters(asked[i], (), corpus.known),
                "consensus_z": consensus(asked[i], others, corpus.known),
            }
            found = ColumnPrediction.of(asked[i], corpus, prior, calibration)
            results[i] = judge(asked[i], corpus, found, static)
        on_progress(len(results), len(asked))
    return [results[i] for i in range(len(asked))]


def _target_columns(corpus: Corpus, without: set[str]) -> list[AskedColumn]:
    """All columns that models were trained on, but those of some suites."""
    figures = [
        f
        for f in corpus.figures
        if corpus.benchmarks[f.benchmark].suite not in without
        and is_target(Column.of(corpus.benchmarks[f.benchmark], f.protocol, f.metric))
    ]
    return asked_columns(figures, corpus.benchmarks)
