"""Metrics of several labels an example.

Notation:
    n, K    examples, labels
    p       probability of each label, shape (n, K); one of more than a half says that it applies
    w       how often each example was drawn in each resample, shape (B, n)

Average precision: Zhu 2004, "Recall, Precision and Average Precision"; its mean is over the labels that
occur.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.probes.metrics.base import BOOTSTRAP_SAMPLES, UnsupportedMetricError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
THRESHOLD = 0.5


def _f1(hits: Array, predicted: Array, true: Array) -> Array:
    return np.asarray(2.0 * hits / np.maximum(predicted + true, 1.0))


def _counts(p: Array, truth: Flags, w: Array) -> tuple[Array, Array, Array]:
    """Hits, predictions and true labels, each of shape (B, K)."""
    said = p > THRESHOLD
    return w @ (said & truth), w @ said.astype(float), w @ truth.astype(float)


def _f1_micro(p: Array, truth: Flags, w: Array) -> Array:
    return _f1(*(found.sum(axis=1) for found in _counts(p, truth, w)))


def _f1_macro(p: Array, truth: Flags, w: Array) -> Array:
    hits, predicted, true = _counts(p, truth, w)
    occurs = (predicted + true > 0).sum(axis=1)
    return np.asarray(_f1(hits, predicted, true).sum(axis=1) / np.maximum(occurs, 1))


def _exact_match(p: Array, truth: Flags, w: Array) -> Array:
    right = ((p > THRESHOLD) == truth).all(axis=1)
    return np.asarray(w @ right.astype(float) / w.sum(axis=1))


def _map(p: Array, truth: Flags, w: Array) -> Array:
    """Mean over labels of the precision at each true example, equal scores taken together."""
    total, n_labels = np.zeros(len(w)), np.zeros(len(w))
    for scores, true in zip(p.T, truth.T, strict=True):
        order = np.argsort(-scores, kind="stable")
        drawn, hit = w[:, order], w[:, order] * true[order]
        last = np.flatnonzero(np.append(np.diff(scores[order]) != 0.0, True))  # of each run of equal scores
        seen, hits = drawn.cumsum(axis=1)[:, last], hit.cumsum(axis=1)[:, last]
        gained = np.diff(hits, axis=1, prepend=0.0)
        positives = hits[:, -1]
        total += (gained * hits / np.maximum(seen, 1.0)).sum(axis=1) / np.maximum(positives, 1.0)
        n_labels += positives > 0
    return np.asarray(total / np.maximum(n_labels, 1.0))


_METRICS: Mapping[str, Callable[[Array, Flags, Array], Array]] = MappingProxyType(
    {"f1_micro": _f1_micro, "f1_macro": _f1_macro, "map": _map, "exact_match": _exact_match}
)
SUPPORTED = tuple(_METRICS)


def score(metric: str, predictions: NDArray[np.floating], references: Flags) -> float:
    """The metric's value.

    Args:
        metric: Canonical name.
        predictions: p, shape (n, K).
        references: Whether each label applies, shape (n, K).

    Raises:
        UnsupportedMetricError: No such metric.
    """
    return float(_resampled(metric, predictions, references, np.ones((1, len(references))))[0])


def standard_error(metric: str, predictions: NDArray[np.floating], references: Flags, *, seed: int) -> float:
    """Standard error over the choice of examples, by bootstrap; arguments and errors as for `score`."""
    n = len(references)
    w = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=BOOTSTRAP_SAMPLES)
    found = _resampled(metric, predictions, references, w.astype(float))
    return max(float(np.std(found, ddof=1)), 0.5 / n)


def _resampled(metric: str, predictions: NDArray[np.floating], references: Flags, w: Array) -> Array:
    if metric not in _METRICS:
        raise UnsupportedMetricError(metric)
    return _METRICS[metric](np.asarray(predictions, dtype=np.float64), np.asarray(references, dtype=bool), w)
