"""Metrics of one class an example.

Notation:
    C     confusion counts, rows true, columns predicted, shape (..., K, K)
    K     classes;  n  examples

Every metric here is a function of C, so resampling n examples with replacement is one multinomial draw of C.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.probes.metrics.base import BOOTSTRAP_SAMPLES, MetricError, UnsupportedMetricError

Labels = NDArray[np.int64]
Array = NDArray[np.float64]

_CHUNK_VALUES = 4_000_000
"""Largest number of confusion counts held at once while resampling."""


class NotBinaryError(MetricError):
    """F1 of the positive class needs two classes."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        super().__init__(f"f1 is of two classes, not {n_classes}; f1_macro is of any number")


def _accuracy(predictions: Labels, references: Labels) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(references, predictions))


def _f1_macro(predictions: Labels, references: Labels) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(references, predictions, average="macro", zero_division=0.0))


def _f1_micro(predictions: Labels, references: Labels) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(references, predictions, average="micro", zero_division=0.0))


def _f1(predictions: Labels, references: Labels) -> float:
    from sklearn.metrics import f1_score

    n_classes = int(max(predictions.max(), references.max())) + 1
    if n_classes > 2:
        raise NotBinaryError(n_classes)
    return float(f1_score(references, predictions, average="binary", pos_label=1, zero_division=0.0))


def _balanced_accuracy(predictions: Labels, references: Labels) -> float:
    from sklearn.metrics import recall_score

    # `balanced_accuracy_score` warns of classes that are predicted but absent; the mean recall is the same.
    present = np.unique(references)
    return float(recall_score(references, predictions, labels=present, average="macro", zero_division=0.0))


def _matthews_correlation(predictions: Labels, references: Labels) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(references, predictions))


Score = Callable[[Labels, Labels], float]

_SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "accuracy": _accuracy,
        "f1_macro": _f1_macro,
        "f1_micro": _f1_micro,
        "f1": _f1,
        "balanced_accuracy": _balanced_accuracy,
        "matthews_correlation": _matthews_correlation,
    }
)
SUPPORTED = tuple(_SCORES)
"""Canonical names of the metrics that are computed here."""


def score(metric: str, predictions: Labels, references: Labels) -> float:
    """The metric's value.

    Args:
        metric: Canonical name.
        predictions: Predicted classes, shape (n,).
        references: True classes, shape (n,).

    Raises:
        UnsupportedMetricError: No such metric.
        NotBinaryError: `f1` of more than two classes.
    """
    return _function(metric)(predictions, references)


def standard_error(metric: str, predictions: Labels, references: Labels, *, seed: int) -> float:
    """Standard error of the metric over the choice of examples.

    In closed form for accuracy, where 0 and n hits are given half a hit, so that no certainty comes out of a
    small sample; by bootstrap for the others. That of a correlation is never below the large-sample error
    (1 - r^2) / sqrt(n) (Pearson and Filon 1898): a model that names one class is 0 in every resample, which
    is no certainty either.

    Args:
        metric: Canonical name.
        predictions: Predicted classes, shape (n,).
        references: True classes, shape (n,).
        seed: Of the bootstrap.

    Raises:
        UnsupportedMetricError: No such metric.
    """
    _function(metric)
    n = len(references)
    if metric in {"accuracy", "f1_micro"}:  # one and the same where every example has one label
        p = float(np.clip(np.mean(predictions == references), 0.5 / n, 1.0 - 0.5 / n))
        return float(np.sqrt(p * (1.0 - p) / n))
    n_classes = int(max(predictions.max(), references.max(), 1)) + 1
    cells = references * n_classes + predictions
    resampled = _resample(metric, cells, n_classes, np.random.default_rng(seed))
    found = max(float(np.std(resampled, ddof=1)), 0.5 / n)
    if metric == "matthews_correlation":
        found = max(found, (1.0 - score(metric, predictions, references) ** 2) / math.sqrt(n))
    return found


def from_confusion(metric: str, confusion: Array) -> Array:
    """The metric of confusion counts.

    Args:
        metric: Canonical name.
        confusion: C, shape (..., K, K).

    Returns:
        Shape (...).
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    if metric in {"accuracy", "f1_micro"}:
        return np.asarray(hits.sum(axis=-1) / true.sum(axis=-1))
    if metric == "balanced_accuracy":
        recall = hits / np.maximum(true, 1.0)
        return np.asarray(recall.sum(axis=-1) / np.maximum((true > 0).sum(axis=-1), 1))
    if metric == "matthews_correlation":
        return _matthews_from(hits, true, predicted)
    f1 = 2.0 * hits / np.maximum(true + predicted, 1.0)
    if metric == "f1":
        return np.asarray(f1[..., 1])
    present = (true + predicted > 0).sum(axis=-1)
    return np.asarray(f1.sum(axis=-1) / np.maximum(present, 1))


def _matthews_from(hits: Array, true: Array, predicted: Array) -> Array:
    n = true.sum(axis=-1)
    covariance = hits.sum(axis=-1) * n - (true * predicted).sum(axis=-1)
    spread = (n**2 - (true**2).sum(axis=-1)) * (n**2 - (predicted**2).sum(axis=-1))
    return np.asarray(np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1.0)), 0.0))


def _resample(metric: str, cells: Labels, n_classes: int, rng: np.random.Generator) -> Array:
    """The metric of bootstrap samples, shape (BOOTSTRAP_SAMPLES,)."""
    occupied, counts = np.unique(cells, return_counts=True)
    draws = rng.multinomial(len(cells), counts / len(cells), size=BOOTSTRAP_SAMPLES)
    values = []
    chunk = max(_CHUNK_VALUES // n_classes**2, 1)
    for start in range(0, BOOTSTRAP_SAMPLES, chunk):
        part = draws[start : start + chunk]
        confusion = np.zeros((len(part), n_classes**2))
        confusion[:, occupied] = part
        values.append(from_confusion(metric, confusion.reshape(-1, n_classes, n_classes)))
    return np.concatenate(values)


def _function(metric: str) -> Score:
    try:
        return _SCORES[metric]
    except KeyError:
        raise UnsupportedMetricError(metric) from None
