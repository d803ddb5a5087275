"""Effective robustness: how a model does on shifted test sets beside models that are as good on the original.

Notation:
    u       accuracy on the original test set, comparable scale (logit), shape (n,)
    v       accuracy on the shifted test set, comparable scale, shape (n,)
    a + b u line of v over all n models measured on both
    r       v - (a + b u): effective robustness on this shift

Among models that saw nothing of a shift, accuracy on it is close to a line in accuracy on the original: what
lies off the line is robustness that accuracy does not show.

Source: Taori et al. 2020, "Measuring robustness to natural distribution shifts in image classification".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.figure_arrays import FigureArrays
from benchmarks.figures import Benchmark
from benchmarks.metrics import metric_named

Array = NDArray[np.float64]

MIN_MODELS = 20
"""Models on both test sets from which a line means something."""
METRIC = "accuracy"
"""All shifted test sets at hand are of classification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """What a model's figures on shifted test sets say.

    Attributes:
        gain: Mean over its shifts of accuracy on the shifted test set less what models as accurate on the
            original reach; a fraction.
        deviation: Mean of r in standard deviations of its line.
        shifts: Data sets of the shifted test sets, by name.
    """

    gain: float
    deviation: float
    shifts: tuple[str, ...]


def robustness(figures: FigureArrays, benchmarks: Iterable[Benchmark]) -> Mapping[str, Robustness]:
    """Every model that was measured on a shifted test set and its original, by name."""
    found: defaultdict[str, list[tuple[str, float, float]]] = defaultdict(list)
    accuracies = _Accuracies(figures)
    for benchmark in benchmarks:
        if benchmark.shifted_from:
            original, shifted = accuracies.of(benchmark.shifted_from), accuracies.of(benchmark.name)
            for model, gain, deviation in _off_the_line(original, shifted):
                found[model].append((benchmark.dataset, gain, deviation))
    return {
        model: Robustness(
            gain=float(np.mean([gain for _, gain, _ in rows])),
            deviation=float(np.mean([deviation for _, _, deviation in rows])),
            shifts=tuple(sorted({dataset for dataset, _, _ in rows})),
        )
        for model, rows in found.items()
    }


class _Accuracies:
    """Accuracies by benchmark and model, repeated figures averaged."""

    def __init__(self, figures: FigureArrays) -> None:
        self._figures = figures
        self._numbers = {name: i for i, name in enumerate(figures.words["benchmark"])}
        metrics = list(figures.words["metric"])
        self._metric = metrics.index(METRIC) if METRIC in metrics else -1

    def of(self, benchmark: str) -> dict[str, float]:
        codes = self._figures.codes
        mine = np.flatnonzero(
            (codes["benchmark"] == self._numbers.get(benchmark, -1)) & (codes["metric"] == self._metric)
        )
        values: defaultdict[str, list[float]] = defaultdict(list)
        for number in mine.tolist():
            values[self._figures.text("model", number)].append(float(self._figures.values[number]))
        return {model: float(np.mean(of_model)) for model, of_model in values.items()}


def _off_the_line(
    original: Mapping[str, float], shifted: Mapping[str, float]
) -> Iterable[tuple[str, float, float]]:
    """Each model on both, with its gain in accuracy and its deviation in standard deviations."""
    models = sorted(original.keys() & shifted.keys())
    if len(models) < MIN_MODELS:
        return
    metric = metric_named(METRIC)
    u = metric.to_comparable([original[m] for m in models])
    v = metric.to_comparable([shifted[m] for m in models])
    b, a = np.polyfit(u, v, 1)
    off = v - (a + b * u)
    spread = float(off.std())
    if spread == 0.0:
        return
    gains = np.array([shifted[m] for m in models]) - metric.from_comparable(a + b * u)
    yield from zip(models, gains.tolist(), (off / spread).tolist(), strict=True)
