"""How well the prior predicts benchmarks that it has not seen, one hidden at a time.

Every figure of the hidden benchmark is taken away, under every protocol; the prior is solved again on the
rest, with the variances held, and asked for the models that were measured on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import kendalltau, weightedtau

from app.ranking.columns import Column
from app.ranking.described import Described
from app.ranking.posterior import INTERVAL_LEVEL
from app.ranking.prediction import Candidate, predict
from app.ranking.prior import Hyperparameters, Prior, fit_prior
from app.ranking.table import NumberedFigure, ScoreTable, build_table
from benchmarks.figures import Benchmark
from benchmarks.metrics import Direction, metric_named

Array = NDArray[np.float64]
MIN_MODELS = 5
"""Benchmarks with fewer models say little about an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenResult:
    """How one hidden column was predicted.

    Attributes:
        name: Of the benchmark.
        suite: It belongs to.
        protocol: Of the column.
        tau_w: scipy's weightedtau(true, predicted).
        tau: Kendall's tau.
        regret_at_1: Points lost by the first instead of the best.
        regret_at_3: By the best of the first three.
        relative_coverage: Of the 80 % intervals once the column's median error is known.
        absolute_coverage: Of the 80 % intervals as they are served.
        n_models: In the column.
    """

    name: str
    suite: str
    protocol: str
    tau_w: float
    tau: float
    regret_at_1: float
    regret_at_3: float
    relative_coverage: float
    absolute_coverage: float
    n_models: int


def backtest(
    figures: Sequence[NumberedFigure],
    benchmarks: Mapping[str, Benchmark],
    models_known: Mapping[str, Described],
    hyper: Hyperparameters,
    *,
    suites: frozenset[str] | None = None,
) -> list[HiddenResult]:
    """Hide every benchmark of these suites once.

    Args:
        figures: All figures.
        benchmarks: By name.
        models_known: What is known of models, by name.
        hyper: Variances, held.
        suites: Suites to report; all by default.
    """
    whole = build_table(figures, benchmarks, models_known)
    results = []
    for name in sorted({c.benchmark for c in whole.columns.columns}):
        if suites is not None and benchmarks[name].suite not in suites:
            continue
        rest = [f for f in figures if f.figure.benchmark != name]
        prior = fit_prior(build_table(rest, benchmarks, models_known), hyper)
        for c, column in enumerate(whole.columns.columns):
            if column.benchmark == name and np.sum(whole.column == c) >= MIN_MODELS:
                results.append(_predict_column(prior, whole, c, column))
    return results


def _predict_column(prior: Prior, whole: ScoreTable, c: int, column: Column) -> HiddenResult:
    cells = np.flatnonzero(whole.column == c)
    candidates = [Candidate(described=whole.described[m], row=whole.models[m]) for m in whole.model[cells]]
    prediction = predict(prior, candidates, [column])
    level, level_variance, spread = prior.level_model.predict(column)
    y = whole.scores[cells]
    mean = level + spread * prediction.mean
    variance = spread**2 * (np.diag(prediction.covariance) + prior.hyper.noise) + whole.errors[cells] ** 2
    half = float(ndtri(0.5 + INTERVAL_LEVEL / 2))
    known = mean + float(np.median(y - mean))
    return HiddenResult(
        name=column.benchmark,
        suite=column.suite,
        protocol=column.protocol.value,
        tau_w=float(weightedtau(y, mean).statistic),
        tau=float(kendalltau(y, mean).statistic),
        regret_at_1=regret(y, mean, 1, column.metric),
        regret_at_3=regret(y, mean, 3, column.metric),
        relative_coverage=float(np.mean(np.abs(y - known) <= half * np.sqrt(variance))),
        absolute_coverage=float(np.mean(np.abs(y - mean) <= half * np.sqrt(variance + level_variance))),
        n_models=len(cells),
    )


def regret(true: Array, predicted: Array, k: int, metric: str) -> float:
    """Points (hundredths of a bounded metric) lost by the best of the k predicted best.

    Args:
        true: Scores on the comparable scale, shape (n,).
        predicted: On any scale that orders, larger is better, shape (n,).
        k: How many are tried.
        metric: Canonical name.
    """
    measured = metric_named(metric)
    picked = np.argsort(-predicted, kind="stable")[:k]
    best, mine = measured.from_comparable([true.max(), true[picked].max()])
    sign = 1.0 if measured.direction is Direction.HIGHER else -1.0
    return float(100.0 * sign * (best - mine))
