"""Multinomial logistic regression on features, its strength of regularisation chosen by cross-validation.

Notation:
    n, d, K   examples, width, classes
    C         inverse strength of the L2 penalty on standardised features, as scikit-learn has it

Features are standardised with the training part's mean and deviation; the classifier that comes out takes raw
features, the standardisation folded into its weights.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

STRENGTHS = (1e-4, 1e-3, 5e-3, 2e-2, 1e-1, 1.0)
"""C from almost the class frequencies to almost no penalty, at unit deviations and widths of 100 to 2,000."""
N_FOLDS = 5
MOST_ITERATIONS = 200
TOLERANCE = 1e-3
"""Gradient at which the solver stops: the loss is then within about 1e-4 of its minimum."""
LEAST_DEVIATION = 1e-4
"""Of a feature, as a share of their median; one that varies less is rounding noise and is left as it is.

Three of all-MiniLM-L6-v2's 384 features are constant to about 1e-9: to standardise them would give the raw
features weights of millions, with which the first step of a fine-tune from this head has no way back.
"""
_LEAST_PROBABILITY = 1e-6
"""Bounds what one example can add to a log loss; a class that a fold never saw has probability 0."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LinearClassifier:
    """Logits of raw features.

    Attributes:
        weight: Shape (K, d).
        bias: Shape (K,).
    """

    weight: Array
    bias: Array

    def logits(self, features: NDArray[np.floating]) -> Array:
        """Shape (n, K)."""
        return np.asarray(features, dtype=np.float64) @ self.weight.T + self.bias

    def predict(self, features: NDArray[np.floating]) -> Labels:
        """Likeliest class, shape (n,)."""
        return np.asarray(self.logits(features).argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CrossValidation:
    """What cross-validation found.

    Attributes:
        inverse_regularisation: C with the least log loss; the strongest penalty of equals.
        probabilities: Of each example's classes by the folds that did not train on it, at that C, shape (n,
        K). log_losses: By C.
    """

    inverse_regularisation: float
    probabilities: Array
    log_losses: tuple[float, ...]


def cross_validate(
    features: NDArray[np.floating],
    labels: Labels,
    groups: Labels,
    *,
    n_classes: int,
    seed: int,
    class_weights: Array | None = None,
) -> CrossValidation:
    """The best C and the out-of-fold predictions it gives.

    Args:
        features: Shape (n, d).
        labels: Shape (n,).
        groups: Examples of one group share a fold, shape (n,).
        n_classes: K.
        seed: Of the folds.
        class_weights: Weight of each class in the loss, shape (K,).
    """
    folds = assign_folds(labels, groups, N_FOLDS, seed)
    probabilities = np.zeros((len(STRENGTHS), len(labels), n_classes))
    for fold in np.unique(folds):
        held_out = folds == fold
        path = _path(features[~held_out], labels[~held_out], n_classes, class_weights, STRENGTHS)
        for i, classifier in enumerate(path):
            probabilities[i, held_out] = _softmax(classifier.logits(features[held_out]))
    losses = [_log_loss(p, labels, class_weights) for p in probabilities]
    best = int(np.argmin(np.round(losses, 6)))
    return CrossValidation(
        inverse_regularisation=STRENGTHS[best],
        probabilities=probabilities[best],
        log_losses=tuple(losses),
    )


def fit(
    features: NDArray[np.floating],
    labels: Labels,
    *,
    n_classes: int,
    inverse_regularisation: float,
    class_weights: Array | None = None,
) -> LinearClassifier:
    """The classifier at this C; classes that do not occur get a logit that never wins."""
    return _path(features, labels, n_classes, class_weights, (inverse_regularisation,))[0]


def assign_folds(labels: Labels, groups: Labels, n_folds: int, seed: int) -> Labels:
    """A fold for each example, shape (n,): each class spread evenly, each group in one fold.

    A group counts for the class of its first example.
    """
    rng = np.random.default_rng(seed)
    _, first, members = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = rng.permutation(len(first))
    by_class = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    of_group = np.empty(len(first), dtype=np.int64)
    of_group[by_class] = np.arange(len(first)) % min(n_folds, len(first))
    return of_group[members]


def groups_of_equal_rows(features: NDArray[np.floating]) -> Labels:
    """One number for all rows that are equal to the bit, shape (n,)."""
    rows = np.ascontiguousarray(features)
    keys = rows.view([("", f"V{rows.dtype.itemsize * rows.shape[1]}")]).ravel()
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _path(
    features: NDArray[np.floating],
    labels: Labels,
    n_classes: int,
    class_weights: Array | None,
    strengths: tuple[float, ...],
) -> list[LinearClassifier]:
    """Classifiers for increasing C, each solved from the one before."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = np.where(deviation > LEAST_DEVIATION * np.median(deviation), deviation, 1.0)
    standardised = (features - mean) / deviation
    present = np.unique(labels)
    if len(present) == 1:
        return [_constant(int(present[0]), n_classes, features.shape[1])] * len(strengths)
    weights = None if class_weights is None else {int(k): float(class_weights[k]) for k in present}
    model = _regression(weights)
    found = []
    for strength in strengths:
        model.set_params(C=strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged to the last digit: good enough to compare models
            model.fit(standardised, labels)
        found.append(_unstandardised(model, present, n_classes, mean, deviation))
    return found


def _regression(class_weights: dict[int, float] | None) -> Any:  # noqa: ANN401  (scikit-learn is untyped)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        max_iter=MOST_ITERATIONS, tol=TOLERANCE, warm_start=True, class_weight=class_weights
    )


def _unstandardised(
    model: Any,  # noqa: ANN401
    present: Labels,
    n_classes: int,
    mean: NDArray[np.floating],
    deviation: NDArray[np.floating],
) -> LinearClassifier:
    coefficients, intercepts = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if len(present) == 2:  # scikit-learn keeps the difference of the two classes only
        coefficients = np.concatenate([-0.5 * coefficients, 0.5 * coefficients])
        intercepts = np.concatenate([-0.5 * intercepts, 0.5 * intercepts])
    weight = np.zeros((n_classes, len(mean)))
    bias = np.full(n_classes, _NEVER)
    weight[present] = coefficients / deviation
    bias[present] = intercepts - weight[present] @ mean
    return LinearClassifier(weight=weight, bias=bias)


_NEVER = -30.0
"""Logit of a class that was not trained on."""


def _constant(label: int, n_classes: int, width: int) -> LinearClassifier:
    bias = np.full(n_classes, _NEVER)
    bias[label] = 0.0
    return LinearClassifier(weight=np.zeros((n_classes, width)), bias=bias)


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _log_loss(probabilities: Array, labels: Labels, class_weights: Array | None) -> float:
    chosen = np.maximum(probabilities[np.arange(len(labels)), labels], _LEAST_PROBABILITY)
    weights = None if class_weights is None else class_weights[labels]
    return float(np.average(-np.log(chosen), weights=weights))
