"""The linear probe: what a cross-validated linear classifier on frozen features scores.

Unlike the other estimators it predicts the metric itself, with a standard error.

Source: Alain and Bengio 2017, "Understanding intermediate layers using linear classifier probes"; the
regularisation is chosen by the same cross-validation (`app.probes.logistic`), by log loss, whose optimism
over six strengths is far below the standard error of the folds.

Copies of a row stay in one fold, so that no example is predicted from its duplicate. Where copies have
different labels, ties cost what they would cost on new data. A class with fewer examples than folds is
missing from some of the training folds and is predicted wrong there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.probes import metrics
from app.probes.logistic import cross_validate, groups_of_equal_rows
from app.probes.transferability.base import Labels, UndefinedScoreError, checked

LEAST_EXAMPLES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeScore:
    """A predicted metric.

    Attributes:
        value: On the metric's own scale.
        std_error: Over the choice of examples.
        inverse_regularisation: C of the classifier that was chosen.
    """

    value: float
    std_error: float
    inverse_regularisation: float


def linear_probe(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """Cross-validated accuracy; see `Estimator`."""
    return probe(features, labels, n_classes=n_classes, seed=seed, metric="accuracy").value


def probe(
    features: NDArray[np.floating],
    labels: Labels,
    *,
    n_classes: int,
    seed: int,
    metric: str,
    groups: NDArray[np.int64] | None = None,
) -> ProbeScore:
    """What a linear classifier on these features scores on new examples.

    Args:
        features: Shape (n, d).
        labels: Shape (n,).
        n_classes: Classes of the task.
        seed: Of the folds.
        metric: Canonical name.
        groups: Examples that must stay together, shape (n,); None takes equal rows together.

    Raises:
        UndefinedScoreError: One class, fewer than four examples, or fewer than two groups.
    """
    checked("linear_probe", features, labels, n_least=LEAST_EXAMPLES)
    together = groups_of_equal_rows(features) if groups is None else groups
    if len(np.unique(together)) < 2:
        raise UndefinedScoreError("linear_probe", "all examples belong together")
    found = cross_validate(features, labels, together, n_classes=n_classes, seed=seed)
    predictions = found.probabilities.argmax(axis=1)
    return ProbeScore(
        value=metrics.score(metric, predictions, labels),
        std_error=metrics.standard_error(metric, predictions, labels, seed=seed),
        inverse_regularisation=found.inverse_regularisation,
    )
