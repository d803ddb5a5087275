"""How well the prior predicts data sets that it has not seen, one hidden at a time.

All figures of the hidden data set are taken away, whatever the suite, the protocol and the spelling; the
prior is solved again on the rest, with the hyper-parameters held, and asked for the models measured on it.

Two things are taken from all figures, as they cost most and hardly depend on one data set: how noisy each
column is, and by how much intervals are to be widened, the hidden columns' own part left out of the latter.
`is_exact` fits these anew too, as if the hidden figures had never been.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.evaluation.asked import AskedColumn
from app.evaluation.baselines import predictions
from app.evaluation.corpus import Corpus, some_of
from app.evaluation.measures import SERVED_LEVEL, Order, coverage
from app.ranking.calibration import Calibration, Surprises, calibrate
from app.ranking.prediction import predict
from app.ranking.prior import Hyperparameters, Prior, fit_prior, prepare, solve, weighed
from app.ranking.traits import trained_before

Array = NDArray[np.float64]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ColumnResult:
    """How one hidden column was predicted.

    Attributes:
        asked: The column with the truth.
        order: How the prior ordered it.
        baselines: How the static lists did.
        apart: The same without models that were trained on the hidden data set before.
        baselines_apart: The same of the static lists.
        n_trained_before: Models that were.
        relative_coverage: Of the intervals of `LEVELS` once the column's median error is known.
        absolute_coverage: Of these intervals as they are served.
    """

    asked: AskedColumn
    order: Order
    baselines: Mapping[str, Order]
    apart: Order
    baselines_apart: Mapping[str, Order]
    n_trained_before: int
    relative_coverage: tuple[float, ...]
    absolute_coverage: tuple[float, ...]

    @property
    def coverage(self) -> float:
        """Relative coverage of the interval that is served."""
        return self.relative_coverage[SERVED_LEVEL]


def backtest(
    corpus: Corpus,
    asked: Sequence[AskedColumn],
    hyper: Hyperparameters,
    *,
    is_exact: bool = False,
    on_progress: OnProgress = lambda _done, _total: None,
) -> list[ColumnResult]:
    """Hide every data set of these columns once.

    Args:
        corpus: Everything known, the asked columns included.
        asked: Columns of one suite, to be predicted.
        hyper: Held.
        is_exact: Whether nothing at all is kept from a fit to all figures.
        on_progress: Called with the columns done, and all.
    """
    results: dict[int, ColumnResult] = {}
    fits = _exact_fits if is_exact else _fits
    for places, prior, calibration in fits(corpus, asked, hyper):
        for i in places:
            found = ColumnPrediction.of(asked[i], corpus, prior, calibration)
            results[i] = judge(asked[i], corpus, found, predictions(asked[i], asked, corpus.known))
        on_progress(len(results), len(asked))
    return [results[i] for i in range(len(asked))]


def by_hidden(asked: Sequence[AskedColumn]) -> dict[frozenset[str], list[int]]:
    """Places of the columns that are hidden together."""
    found: dict[frozenset[str], list[int]] = {}
    for i, column in enumerate(asked):
        found.setdefault(column.hides, []).append(i)
    return found


_Fit = tuple[list[int], Prior, Calibration]


def _fits(corpus: Corpus, asked: Sequence[AskedColumn], hyper: Hyperparameters) -> Iterator[_Fit]:
    prepared = weighed(prepare(corpus.table(corpus.arrays), hyper))
    whole = solve(prepared)
    surprises = Surprises.of(whole, whole.hidden_errors())
    for datasets, places in by_hidden(asked).items():
        hidden = np.array([c.dataset in datasets for c in prepared.table.columns.columns])
        yield places, solve(prepared.hiding(hidden)), surprises.calibration(hidden)


def _exact_fits(corpus: Corpus, asked: Sequence[AskedColumn], hyper: Hyperparameters) -> Iterator[_Fit]:
    figures = corpus.arrays
    dataset = [corpus.benchmarks[b].dataset for b in figures.words["benchmark"]]
    for datasets, places in by_hidden(asked).items():
        is_hidden = np.array([name in datasets for name in dataset])
        prior = fit_prior(corpus.table(some_of(figures, ~is_hidden[figures.codes["benchmark"]])), hyper)
        yield places, prior, calibrate(prior, prior.hidden_errors())


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ColumnPrediction:
    """What a prior expects of the models of a column, comparable scale.

    Attributes:
        mean: m, shape (n,).
        variance: v given the level, shape (n,).
        level_variance: Of the level that all share.
    """

    mean: Array
    variance: Array
    level_variance: float

    @classmethod
    def of(
        cls, asked: AskedColumn, corpus: Corpus, prior: Prior, calibration: Calibration
    ) -> "ColumnPrediction":
        """What is served, with the published errors of the figures to be met."""
        candidates = [corpus.candidate(m, prior.table) for m in asked.models]
        prediction = predict(prior, candidates, [asked.column])
        level, level_variance, spread = prior.level_model.predict(asked.column)
        scale = spread**2 * calibration.factor(asked.column)
        noisy = np.diag(prediction.covariance) + prior.hyper.noise
        return cls(
            mean=level + spread * prediction.mean,
            variance=scale * noisy + asked.errors**2,
            level_variance=level_variance,
        )


def judge(
    asked: AskedColumn, corpus: Corpus, found: ColumnPrediction, static: Mapping[str, Array]
) -> ColumnResult:
    """How a prediction and static lists compare with the truth.

    Args:
        asked: The truth.
        corpus: What is known of models.
        found: The prediction.
        static: What each static list predicts, each of shape (n,).
    """
    described = [corpus.described(m) for m in asked.models]
    apart = ~trained_before(described, asked.column)
    error, metric = asked.scores - found.mean, asked.column.metric

    def order(predicted: Array, keep: NDArray[np.bool_]) -> Order:
        return Order.of(asked.scores[keep], predicted[keep], metric)

    everything = np.ones(len(asked), dtype=bool)
    return ColumnResult(
        asked=asked,
        order=order(found.mean, everything),
        baselines={name: order(p, everything) for name, p in static.items()},
        apart=order(found.mean, apart),
        baselines_apart={name: order(p, apart) for name, p in static.items()},
        n_trained_before=int(np.sum(~apart)),
        relative_coverage=coverage(error - np.median(error), found.variance),
        absolute_coverage=coverage(error, found.variance + found.level_variance),
    )
