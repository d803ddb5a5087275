"""Metrics of a query's answer among all passages, from the rank of the one passage that answers it.

They are those of the item that a user meets next, too, among all items (Krichene and Rendle 2020, "On Sampled
Metrics for Item Recommendation": ranks among a sample order models differently).

Notation:
    r    rank from 1, shape (n,)

Source: Jarvelin and Kekalainen 2002, "Cumulated Gain-based Evaluation of IR Techniques"; with one relevant
passage the ideal gain is 1 and average precision is 1 / r.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.probes.metrics.base import UnsupportedMetricError

Array = NDArray[np.float64]
DEPTH = 10


def _recall(depth: int) -> Callable[[Array], Array]:
    return lambda r: np.asarray(r <= depth, dtype=np.float64)


def _gain(r: Array) -> Array:
    return np.where(r <= DEPTH, 1.0 / np.log2(1.0 + r), 0.0)


_METRICS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "ndcg_at_10": _gain,
        "recall_at_1": _recall(1),
        "recall_at_5": _recall(5),
        "recall_at_10": _recall(10),
        "hit_rate_at_10": _recall(10),
        "map": lambda r: 1.0 / r,
    }
)
SUPPORTED = tuple(_METRICS)


def score(metric: str, predictions: NDArray[np.integer], references: NDArray[np.integer]) -> float:
    """The metric's value.

    Args:
        metric: Canonical name.
        predictions: r.
        references: The rank that each should have, which is 1.

    Raises:
        UnsupportedMetricError: No such metric.
    """
    return float(_values(metric, predictions, references).mean())


def standard_error(
    metric: str, predictions: NDArray[np.integer], references: NDArray[np.integer], *, seed: int
) -> float:
    """Standard error over the choice of queries, in closed form; arguments and errors as for `score`."""
    del seed
    values, n = _values(metric, predictions, references), len(predictions)
    return max(float(values.std(ddof=1)) / float(np.sqrt(n)) if n > 1 else 1.0, 0.5 / max(n, 1))


def _values(metric: str, predictions: NDArray[np.integer], references: NDArray[np.integer]) -> Array:
    if metric not in _METRICS:
        raise UnsupportedMetricError(metric)
    del references
    return _METRICS[metric](np.asarray(predictions, dtype=np.float64))
