"""What a transferability estimator is: a number from frozen features that says how well a model will do."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


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


def checked(
    estimator: str, features: NDArray[np.floating], labels: Labels, *, n_least: int = 2
) -> tuple[Array, Labels]:
    """Features in double precision, and the classes that occur renumbered from 0.

    Raises:
        UndefinedScoreError: One class only, fewer than `n_least` examples, or a value that is not finite.
    """
    present, codes = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise UndefinedScoreError(estimator, "all examples have the same class")
    if len(labels) < n_least:
        raise UndefinedScoreError(estimator, f"{len(labels)} examples are fewer than {n_least}")
    values = np.asarray(features, dtype=np.float64)
    if not np.isfinite(values).all():
        raise UndefinedScoreError(estimator, "features are not finite")
    return values, codes.astype(np.int64)
