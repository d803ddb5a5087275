"""Whether names (of classes, of entities, of languages) have other shares in a later sample.

Notation:
    m, n    examples of the earlier and of the later sample;  K  names
    p, q    shares of the names among all that the earlier, the later examples carry, shape (K,)
    T       total variation, half the sum of |p - q|: the share of later names that would have to be others

T is above 0 by chance alone, the more the more names there are; how far, and how far at most, is found by
dealing the examples to both samples anew, which is exact whatever the number of names and however rare they
are (chi-squared is not where fewer than five are expected of one).

Source: Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses", section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_DEALS = 999

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ShareShift:
    """How far the shares of names are apart.

    Attributes:
        names: Sorted.
        earlier: Their shares, shape (K,).
        later: Likewise.
        distance: T.
        by_chance: T on average if both samples are of one distribution.
        noticed_from: The T that is reached by chance with the probability `alpha`.
        p_value: Of one distribution.
    """

    names: tuple[str, ...]
    earlier: Array
    later: Array
    distance: float
    by_chance: float
    noticed_from: float
    p_value: float


def share_shift(
    earlier: Sequence[Sequence[str]], later: Sequence[Sequence[str]], *, alpha: float, seed: int
) -> ShareShift:
    """How far the shares of the names that examples carry are apart.

    Args:
        earlier: Names of each of m examples.
        later: Names of each of n examples.
        alpha: Probability of a distance that is noticed although nothing changed.
        seed: Of the deals.
    """
    rows = [*earlier, *later]
    names, codes = np.unique([name for row in rows for name in row], return_inverse=True)
    owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    is_later = np.arange(len(rows)) >= len(earlier)
    totals = np.bincount(codes, minlength=len(names)).astype(np.float64)

    def shares(dealt: NDArray[np.bool_]) -> tuple[Array, Array]:
        counts = np.bincount(codes, weights=dealt[owners], minlength=len(names)).astype(np.float64)
        return _normalised(totals - counts), _normalised(counts)

    p, q = shares(is_later)
    distance = _distance(p, q)
    rng = np.random.default_rng(seed)
    dealt = np.array([_distance(*shares(rng.permutation(is_later))) for _ in range(N_DEALS)])
    return ShareShift(
        names=tuple(str(name) for name in names),
        earlier=p,
        later=q,
        distance=distance,
        by_chance=float(dealt.mean()),
        noticed_from=float(np.quantile(dealt, 1.0 - alpha)),
        p_value=float((1 + np.sum(dealt >= distance - 1e-12)) / (1 + N_DEALS)),
    )


def _normalised(counts: Array) -> Array:
    return np.asarray(counts / max(float(counts.sum()), 1.0), dtype=np.float64)


def _distance(p: Array, q: Array) -> float:
    return float(np.abs(p - q).sum() / 2.0)
