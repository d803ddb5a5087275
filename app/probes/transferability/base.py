"""What a transferability estimator is: a number from frozen features that says how well a model will do.

Notation:
    n, d      examples, width
    K         classes that occur
    t         regression targets

What the rows are is the caller's: one pooled vector a text, or, for labels of tokens, one vector a token and
its label. What they are compared with decides which estimators apply:

    a class a row           labels of shape (n,)            every `Estimator`
    several labels a row    0 or 1 in shape (n, K)          `logme`, of the columns as targets; others refuse
    numbers                 targets of shape (n,) or (n, t)  every `RegressionEstimator`

No estimator knows which rows belong together (tokens of one text, copies of one row) unless it says so. Those
that predict a row from other rows take equal rows together; of the others, duplicates count as often as they
occur.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_ROUNDING = 1e-12
"""Share of a feature's size below which its spread is rounding, far above float64's and below float32's."""


class UndefinedScoreError(ValueError):
    """The estimator has no value for this data.

    Attributes:
        estimator: Which.
        reason: Why.
    """

    def __init__(self, estimator: str, reason: str) -> None:
        self.estimator = estimator
        self.reason = reason
        super().__init__(f"{estimator}: {reason}")


class Estimator(Protocol):
    """Scores frozen features; the same arguments give the same score."""

    def __call__(self, features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
        """The score; higher is better.

        Args:
            features: One row an example, shape (n, d).
            labels: Classes from 0, shape (n,); not every class needs to occur.
            n_classes: Classes of the task.
            seed: Of whatever is random.

        Raises:
            UndefinedScoreError: The data has one class only, or too few examples.
        """


class RegressionEstimator(Protocol):
    """Scores frozen features against numbers; the same arguments give the same score."""

    def __call__(self, features: NDArray[np.floating], targets: NDArray[np.floating], *, seed: int) -> float:
        """The score; higher is better. It does not depend on the unit or the origin of a target.

        Args:
            features: One row an example, shape (n, d).
            targets: Shape (n,) or (n, t); the score is the mean over the targets that vary.
            seed: Of whatever is random.

        Raises:
            UndefinedScoreError: No target varies, or there are too few examples.
        """


def checked(
    estimator: str, features: NDArray[np.floating], labels: Labels, *, n_least: int = 2
) -> tuple[Array, Labels]:
    """Features in double precision, and the classes that occur renumbered from 0.

    Raises:
        UndefinedScoreError: One class only, several labels an example, fewer than `n_least` examples, or a
            value that is not finite.
    """
    if labels.ndim != 1:
        raise UndefinedScoreError(estimator, "examples have several labels")
    present, codes = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise UndefinedScoreError(estimator, "all examples have the same class")
    if len(labels) < n_least:
        raise UndefinedScoreError(estimator, f"{len(labels)} examples are fewer than {n_least}")
    return _finite(estimator, features), codes.astype(np.int64)


def checked_targets(
    estimator: str, features: NDArray[np.floating], targets: NDArray[np.number], *, n_least: int = 2
) -> tuple[Array, Array]:
    """Features in double precision, and the targets that vary, shape (n, t).

    Raises:
        UndefinedScoreError: No target varies, fewer than `n_least` examples, or a value that is not finite.
    """
    if len(targets) < n_least:
        raise UndefinedScoreError(estimator, f"{len(targets)} examples are fewer than {n_least}")
    columns = np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
    if not np.isfinite(columns).all():
        raise UndefinedScoreError(estimator, "targets are not finite")
    varying = columns[:, np.ptp(columns, axis=0) > 0.0]
    if not varying.shape[1]:
        raise UndefinedScoreError(estimator, "no target varies")
    return _finite(estimator, features), varying


def _finite(estimator: str, features: NDArray[np.floating]) -> Array:
    values = np.asarray(features, dtype=np.float64)
    if not np.isfinite(values).all():
        raise UndefinedScoreError(estimator, "features are not finite")
    return values


def centred(f: Array) -> Array:
    """Features less their means; one that varies by rounding alone becomes exactly 0."""
    found: Array = f - f.mean(axis=0)
    found[:, np.abs(found).max(axis=0) <= _ROUNDING * np.abs(f).max(axis=0)] = 0.0
    return found


def one_hot(codes: Labels) -> Array:
    """1 for an example's class, 0 for the others, shape (n, K)."""
    return np.asarray(np.eye(int(codes.max()) + 1)[codes])


def class_means(f: Array, codes: Labels) -> Array:
    """Mean features of each class, shape (K, d)."""
    return np.asarray(one_hot(codes).T @ f / np.bincount(codes)[:, None])


def evenly_drawn(codes: Labels, n_most: int, seed: int) -> Labels:
    """Indices of at most `n_most` examples, each class drawn from in proportion; of two classes at least."""
    if len(codes) <= n_most:
        return np.arange(len(codes))
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    # Both ends are drawn, so that the first and the last class never drop out.
    return by_class[np.linspace(0, len(codes) - 1, n_most).round().astype(np.int64)]
