"""`head`: a linear classifier on frozen features, its regularisation chosen by cross-validation.

It is solved rather than stepped: on cached features this takes seconds, and has no learning rate to get
wrong.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.probes.logistic import LinearClassifier, cross_validate, fit

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HeadFit:
    """A fitted head.

    Attributes:
        classifier: Logits of raw features.
        inverse_regularisation: C that cross-validation chose.
        out_of_fold: Predictions on the training part by folds that did not see the example, shape (n,).
    """

    classifier: LinearClassifier
    inverse_regularisation: float
    out_of_fold: Labels


def fit_head(
    features: NDArray[np.floating],
    labels: Labels,
    groups: Labels,
    *,
    n_classes: int,
    seed: int,
    class_weights: tuple[float, ...] | None = None,
) -> HeadFit:
    """The head that suits these features.

    Args:
        features: Shape (n, d).
        labels: Shape (n,).
        groups: Examples of one group share a fold, shape (n,).
        n_classes: Classes of the task.
        seed: Of the folds.
        class_weights: Weight of each class in the loss.
    """
    weights = None if class_weights is None else np.asarray(class_weights, dtype=np.float64)
    found = cross_validate(features, labels, groups, n_classes=n_classes, seed=seed, class_weights=weights)
    classifier = fit(
        features,
        labels,
        n_classes=n_classes,
        inverse_regularisation=found.inverse_regularisation,
        class_weights=weights,
    )
    return HeadFit(
        classifier=classifier,
        inverse_regularisation=found.inverse_regularisation,
        out_of_fold=found.probabilities.argmax(axis=1).astype(np.int64),
    )
