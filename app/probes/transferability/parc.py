"""PARC: whether examples of different classes have less alike features than examples of one class.

Notation:
    n, d      examples, width
    F         features, standardised over the examples, shape (n, d)
    A         1 - Pearson correlation of every two rows of F, shape (n (n - 1) / 2,)
    B         1 - Pearson correlation of every two rows of the one-hot labels: 0 for one class, else the same

    PARC = Spearman correlation of A and B

Source: Bolya et al. 2021, "Scalable Diverse Model Selection for Accessible Transfer Learning", the
standardisation and the 500 examples as in their code. Their reduction to 32 principal axes is left out:
correlations along a row would depend on the axes' arbitrary signs.

Between -1 and 1. B has two values only, so the largest possible is below 1. Ties have their mean rank. Equal
rows are alike as any two can be: duplicates of one class raise the score. Rows without spread correlate with
nothing, and features that are all equal score 0. A class of one example has no pair of its own.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.probes.transferability.base import Array, Labels, centred, checked, evenly_drawn

MOST_EXAMPLES = 500
"""Drawn evenly from the classes: 125,000 pairs."""
_DIGITS = 9
"""Of a correlation; what differs below is rounding, and ties."""


def parc(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """PARC of the features; see `Estimator`. The seed is of the examples drawn."""
    del n_classes
    f, codes = checked("parc", features, labels)
    drawn = evenly_drawn(codes, MOST_EXAMPLES, seed)
    f, codes = centred(f[drawn]), codes[drawn]
    deviations = f.std(axis=0)
    pairs = np.triu_indices(len(f), 1)
    distances = 1.0 - _row_correlations(f / np.where(deviations > 0.0, deviations, 1.0))[pairs]
    differ = (codes[pairs[0]] != codes[pairs[1]]).astype(np.float64)
    return _correlation(rankdata(distances), rankdata(differ))


def _row_correlations(f: Array) -> Array:
    """Pearson correlations of rows, 0 for rows without spread, shape (n, n)."""
    rows = centred(f.T).T
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(lengths > 0.0, lengths, 1.0)
    return np.round(unit @ unit.T, _DIGITS)


def _correlation(a: Array, b: Array) -> float:
    """Pearson correlation, 0 where either does not vary."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0.0 else 0.0
