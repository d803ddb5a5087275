"""Metrics of a number an example.

Notation:
    n    examples
    r    a correlation
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.probes.metrics.base import BOOTSTRAP_SAMPLES, UnsupportedMetricError

Array = NDArray[np.float64]


def _pearson(predictions: Array, references: Array) -> float:
    """0 where either does not vary."""
    a, b = predictions - predictions.mean(), references - references.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0.0 else 0.0


def _spearman(predictions: Array, references: Array) -> float:
    return _pearson(rankdata(predictions), rankdata(references))


def _squared(predictions: Array, references: Array) -> float:
    return float(np.mean((predictions - references) ** 2))


def _absolute(predictions: Array, references: Array) -> float:
    return float(np.mean(np.abs(predictions - references)))


_METRICS: Mapping[str, Callable[[Array, Array], float]] = MappingProxyType(
    {
        "spearmanr": _spearman,
        "pearsonr": _pearson,
        "mean_squared_error": _squared,
        "mean_absolute_error": _absolute,
    }
)
SUPPORTED = tuple(_METRICS)
_CORRELATIONS = frozenset({"spearmanr", "pearsonr"})


def score(metric: str, predictions: NDArray[np.floating], references: NDArray[np.floating]) -> float:
    """The metric's value.

    Args:
        metric: Canonical name.
        predictions: Shape (n,).
        references: Shape (n,).

    Raises:
        UnsupportedMetricError: No such metric.
    """
    if metric not in _METRICS:
        raise UnsupportedMetricError(metric)
    return _METRICS[metric](np.asarray(predictions, np.float64), np.asarray(references, np.float64))


def standard_error(
    metric: str, predictions: NDArray[np.floating], references: NDArray[np.floating], *, seed: int
) -> float:
    """Standard error over the choice of examples, by bootstrap; arguments and errors as for `score`.

    That of a correlation is never below the large-sample error (1 - r^2) / sqrt(n) (Pearson and Filon 1898).
    """
    n, rng = len(references), np.random.default_rng(seed)
    draws = (rng.integers(0, n, size=n) for _ in range(BOOTSTRAP_SAMPLES))
    found = float(np.std([score(metric, predictions[i], references[i]) for i in draws], ddof=1))
    if metric in _CORRELATIONS:
        return max(found, (1.0 - score(metric, predictions, references) ** 2) / math.sqrt(n))
    return found
