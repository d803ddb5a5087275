"""What an observation is worth: the correlated knowledge gradient.

Notation:
    a           current means of the arms' final scores, shape (n,)
    b           how far one standard deviation of the observation moves them, shape (n,)
    Z           a standard normal variable

The value of an observation is E[max_j (a_j + b_j Z)] - max_j a_j: by how much the arm that would be picked
after it is expected to be better than the one picked now. `app.ranking.probed` says what b is.

Source: Frazier, Powell and Dayanik 2009, "The Knowledge-Gradient Policy for Correlated Normal Beliefs",
INFORMS Journal on Computing 21(4), algorithms 1 and 2.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

SLOPE_RESOLUTION = 1e-12
"""Lines whose slopes differ by less are parallel."""
FARTHEST = 15.0
"""|Z| beyond which nothing is counted: it happens once in 10^50 times."""


def expected_maximum_gain(intercepts: Array, slopes: Array) -> float:
    """E[max_j (a_j + b_j Z)] - max_j a_j for standard normal Z, but for |Z| beyond `FARTHEST`.

    Args:
        intercepts: a, shape (n,).
        slopes: b, shape (n,).
    """
    best = int(np.argmax(intercepts))
    behind = intercepts[best] - intercepts
    may_win = behind <= FARTHEST * np.abs(slopes - slopes[best])  # few do, of many arms
    may_win[best] = True
    a, b = _upper_envelope(intercepts[may_win], slopes[may_win])
    if len(a) < 2:
        return 0.0
    crossings = -np.abs((a[:-1] - a[1:]) / (b[1:] - b[:-1]))
    density = np.exp(-0.5 * crossings**2) / math.sqrt(2.0 * math.pi)
    return float(np.sum((b[1:] - b[:-1]) * (density + crossings * ndtr(crossings))))


def _upper_envelope(intercepts: Array, slopes: Array) -> tuple[Array, Array]:
    """Lines that are the highest for some Z, by increasing slope."""
    slopes = np.round(slopes / SLOPE_RESOLUTION) * SLOPE_RESOLUTION
    order = np.lexsort((intercepts, slopes))
    kept: list[tuple[float, float]] = []
    starts: list[float] = []
    for a, b in zip(intercepts[order], slopes[order], strict=True):
        while kept and b - kept[-1][1] < SLOPE_RESOLUTION / 2:  # parallel: the later one is the higher
            kept.pop()
            starts.pop()
        start = -math.inf
        while kept:
            start = (kept[-1][0] - a) / (b - kept[-1][1])
            if start > starts[-1]:
                break
            kept.pop()
            starts.pop()
            start = -math.inf
        kept.append((float(a), float(b)))
        starts.append(start)
    lines = np.array(kept, dtype=np.float64).reshape(len(kept), 2)
    return lines[:, 0], lines[:, 1]
