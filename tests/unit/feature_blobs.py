"""Features of classes that are round clouds."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def blobs(n: int = 120, d: int = 8, n_classes: int = 3, distance: float = 2.0) -> tuple[Array, Labels]:
    rng = np.random.default_rng(7)
    labels = np.arange(n) % n_classes
    centres = rng.standard_normal((n_classes, d)) * distance
    return centres[labels] + rng.standard_normal((n, d)), labels.astype(np.int64)
