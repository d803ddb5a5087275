"""Estimators on every layer of a model, of which the best counts.

Which layer holds what a task needs differs between models and tasks (Tenney, Das and Pavlick 2019, "BERT
Rediscovers the Classical NLP Pipeline"), and a fine-tune finds it. On the recorded sets every one of these
estimators orders fine-tunes better so than on the last layer or on the mean over all (docs/probes.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.probes.transferability import ESTIMATORS, Estimator, UndefinedScoreError

ON_EVERY_LAYER = ("logme", "h_score", "knn", "transrate", "gbc", "parc")
"""Those that are quick enough: some milliseconds a layer at a thousand examples."""
QUICK: Mapping[str, Estimator] = MappingProxyType({name: ESTIMATORS[name] for name in ON_EVERY_LAYER})


def best_of_layers(
    layers: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    n_classes: int,
    seed: int,
    estimators: Mapping[str, Estimator] = QUICK,
) -> dict[str, float]:
    """The highest score over layers by estimator; those without a value on any layer are absent.

    Args:
        layers: Vectors of n examples, shape (n, layers, d).
        labels: Classes, shape (n,).
        n_classes: K.
        seed: Of what is random in an estimator.
        estimators: By name; those of `ON_EVERY_LAYER` by default.
    """
    found = dict[str, float]()
    for name, estimator in estimators.items():
        for i in range(layers.shape[1]):
            kept = np.ascontiguousarray(layers[:, i])
            try:
                value = estimator(kept, labels, n_classes=n_classes, seed=seed)
            except UndefinedScoreError:
                continue
            found[name] = max(found.get(name, value), value)
    return found
