"""Standard scores: how good each model was on a column, comparable between columns.

Notation:
    y           scores of one column on the comparable scale, shape (n,)
    centre      their median
    spread      (90 % quantile - median) / 1.28: the upper half, so that failed runs do not stretch it
    z           standard score of each cell: r * (y - centre) / spread + (1 - r) * normal score of its rank

Ranks resist outliers and saturated columns and say the more the more models there are; gaps between few
models say more than their ranks. So r = k / (k + n) with k = `GAP_MODELS`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

Array = NDArray[np.float64]
Index = NDArray[np.intp]

UPPER = 0.9
GAP_MODELS = 20.0
"""Models at which gaps count as much as ranks."""
CLIP = 3.0
"""Gaps beyond this are taken as this: a failed run must not bend its column."""
SPREAD_PSEUDO_COUNT = 6.0
"""Models' worth of belief that a column spreads as the typical one does."""
MIN_SPREAD = 0.02
"""Comparable units; about half a point of accuracy at 80 %: less is not told apart by any test set here."""


def centres_and_spreads(
    scores: Array, column: Index, n_columns: int, is_hidden: NDArray[np.bool_] | None = None
) -> tuple[Array, Array]:
    """Median and upper spread of every column, the spread shrunk to the typical one, each of shape (C,).

    Args:
        scores: y of every cell, shape (N,).
        column: Column of every cell, shape (N,); each column has a cell.
        n_columns: C.
        is_hidden: Columns that say nothing about what is typical, shape (C,).
    """
    centres, raw, counts = np.empty(n_columns), np.empty(n_columns), np.empty(n_columns)
    for c, cells in enumerate(cells_by(column, n_columns)):
        y = scores[cells]
        centres[c] = np.median(y)
        raw[c] = max((np.quantile(y, UPPER) - centres[c]) / ndtri(UPPER), 0.25 * np.std(y), MIN_SPREAD)
        counts[c] = len(y)
    share = counts / (counts + SPREAD_PSEUDO_COUNT)
    typical = float(np.median(np.log(raw if is_hidden is None else raw[~is_hidden])))
    return centres, np.asarray(np.exp(share * np.log(raw) + (1.0 - share) * typical))


def standard_scores(scores: Array, column: Index, centres: Array, spreads: Array) -> Array:
    """Z of every cell, shape (N,).

    Args:
        scores: y of every cell, shape (N,).
        column: Column of every cell, shape (N,).
        centres: Of every column, shape (C,).
        spreads: Of every column, shape (C,).
    """
    result = np.empty(len(scores))
    for c, cells in enumerate(cells_by(column, len(centres))):
        y, n = scores[cells], len(cells)
        gap = np.clip((y - centres[c]) / spreads[c], -CLIP, CLIP)
        normal = ndtri((rankdata(y) - 0.5) / n)
        share = GAP_MODELS / (GAP_MODELS + n)
        result[cells] = share * gap + (1.0 - share) * normal
    return result


def cells_by(group: Index, n_groups: int) -> list[Index]:
    """Indices of the cells of each group, ascending."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=n_groups))
    return np.split(order, ends[:-1])
