"""Rows whose figures slid into other columns: put back where that can be proven by counting.

Notation:
    v_i     value printed in column i, i < n
    n_j     examples of column j's test set; None where the metric is no share of examples
    fits    v fits column j where v * n_j is a whole number; where n_j is None, where v fits no other column

Where runs are missing or were repeated, later values stand in earlier columns, or earlier in later ones, but
the order is kept. An alignment matches values with columns in order, each at most once, and only where they
fit; the best alignments are those with the most matches (longest common subsequence). A column is proven
where all best alignments give it the same value.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-8
"""Of v, as sources print 16 digits; no test set at hand has more than 50,000 examples, 2e-5 apart."""
LEAST_MATCHED = 2 / 3
"""Share of the columns that must be matched: below, too few counts agree to prove anything."""

Row = Sequence[float | None]


def aligned(row: Row, sizes: Sequence[int | None]) -> tuple[float | None, ...] | None:
    """The row with every proven value in its own column, None elsewhere; None where nothing is proven.

    Args:
        row: Values as printed, by column.
        sizes: n_j, same length.
    """
    values = [value for value in row if value is not None]
    fits = _fits(np.array(values), sizes)
    forward = _matches(fits)
    backward = _matches(fits[::-1, ::-1])[::-1, ::-1]
    best = int(forward[-1, -1])
    if best < LEAST_MATCHED * len(sizes):
        return None
    placed: list[float | None] = []
    for j in range(len(sizes)):
        on_best = fits[:, j] & (forward[:-1, j] + 1 + backward[1:, j + 1] == best)
        without = int(np.max(forward[:, j] + backward[:, j + 1]))
        candidates = {values[i] for i in np.flatnonzero(on_best)}
        placed.append(candidates.pop() if len(candidates) == 1 and without < best else None)
    return tuple(placed)


def _fits(values: NDArray[np.float64], sizes: Sequence[int | None]) -> NDArray[np.bool_]:
    """Which value fits which column, shape (values, columns)."""
    known = np.array([size or 1 for size in sizes], dtype=np.float64)
    is_count = np.array([size is not None for size in sizes])
    counts = values[:, None] * known
    whole = (np.abs(counts - np.round(counts)) < TOLERANCE * known) & is_count
    return np.asarray(np.where(is_count, whole, ~whole.any(axis=1, keepdims=True)), dtype=np.bool_)


def _matches(fits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Most matches between the first i values and the first j columns, shape (values + 1, columns + 1)."""
    most = np.zeros((fits.shape[0] + 1, fits.shape[1] + 1), dtype=np.int64)
    for i, fitting in enumerate(fits):
        for j, fit in enumerate(fitting):
            most[i + 1, j + 1] = max(most[i, j] + fit, most[i, j + 1], most[i + 1, j])
    return most
