"""Whether the prior beats the best static list, or benchmarks happened to be kind to it.

Notation, over the benchmarks b of suites s:
    list_s      the static list with the best mean on suite s, chosen with the results at hand, in its favour
    d_b         gain of the prior over list_s on b: larger tau, or smaller regret, is a gain
Benchmarks are drawn with replacement within each suite (paired bootstrap, stratified; Efron and Tibshirani,
1993, chapter 8), so that large suites stay as large as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

N_DRAWS = 10_000
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A mean gain with its 95 % interval.

    Attributes:
        mean: Over benchmarks.
        low: 2.5 % quantile of the draws.
        high: 97.5 % quantile.
    """

    mean: float
    low: float
    high: float


def best_list(static: Mapping[str, Array], *, larger_is_better: bool) -> str:
    """The list with the best mean; of equals the first.

    Args:
        static: Measure of each list on each benchmark of a suite, each of shape (n,).
        larger_is_better: As of tau; not as of regret.
    """
    sign = 1.0 if larger_is_better else -1.0
    return max(static, key=lambda name: sign * float(np.mean(static[name])))


def gains(prior: Array, static: Array, *, larger_is_better: bool) -> Array:
    """Gain d on each benchmark of a suite, shape (n,)."""
    return np.asarray(prior - static if larger_is_better else static - prior)


def pooled_gain(suites: Sequence[Array], *, seed: int = 0) -> Gain:
    """The mean gain over all benchmarks of some suites.

    Args:
        suites: d of the benchmarks of each suite.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    totals = np.zeros(N_DRAWS)
    for d in suites:
        totals += d[rng.integers(len(d), size=(N_DRAWS, len(d)))].sum(axis=1)
    n = sum(map(len, suites))
    low, high = np.quantile(totals / n, INTERVAL).tolist()
    return Gain(mean=float(sum(d.sum() for d in suites) / n), low=low, high=high)
