"""Metrics of a tag a token: entity F1 as CoNLL counts it, and the share of right tags.

Notation:
    n    sentences
    C    counts of each sentence: hits, predictions, truths, shape (n, 3)

Source: Tjong Kim Sang and De Meulder 2003, section 2.2 (an entity is right if its type and both its ends
are), by `seqeval` (Nakayama 2018).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.probes.metrics.base import BOOTSTRAP_SAMPLES, UnsupportedMetricError

Array = NDArray[np.float64]
Tags = Sequence[str]


def _entities(predicted: Tags, true: Tags) -> tuple[int, int, int]:
    from seqeval.metrics.sequence_labeling import get_entities

    said, there = set(get_entities(list(predicted))), set(get_entities(list(true)))
    return len(said & there), len(said), len(there)


def _tokens(predicted: Tags, true: Tags) -> tuple[int, int, int]:
    return sum(a == b for a, b in zip(predicted, true, strict=True)), len(predicted), len(true)


_COUNTS: Mapping[str, Callable[[Tags, Tags], tuple[int, int, int]]] = MappingProxyType(
    {"entity_f1": _entities, "accuracy": _tokens}
)
SUPPORTED = tuple(_COUNTS)


def score(metric: str, predictions: Sequence[Tags], references: Sequence[Tags]) -> float:
    """The metric's value: F1 of what is counted, which of tokens is their accuracy.

    Args:
        metric: Canonical name.
        predictions: Tags of n sentences.
        references: The true ones, as many a sentence.

    Raises:
        UnsupportedMetricError: No such metric.
    """
    return float(_f1(_counted(metric, predictions, references).sum(axis=0)))


def standard_error(
    metric: str, predictions: Sequence[Tags], references: Sequence[Tags], *, seed: int
) -> float:
    """Standard error over the choice of sentences, by bootstrap; arguments and errors as for `score`."""
    counts, n = _counted(metric, predictions, references), len(references)
    w = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=BOOTSTRAP_SAMPLES)
    return max(float(np.std(_f1(w @ counts), ddof=1)), 0.5 / max(float(counts[:, 2].sum()), 1.0))


def _counted(metric: str, predictions: Sequence[Tags], references: Sequence[Tags]) -> Array:
    if metric not in _COUNTS:
        raise UnsupportedMetricError(metric)
    count = _COUNTS[metric]
    found = [count(p, r) for p, r in zip(predictions, references, strict=True)]
    return np.array(found, dtype=np.float64).reshape(len(found), 3)


def _f1(counts: Array) -> Array:
    return np.asarray(2.0 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1.0))
