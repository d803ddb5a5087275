"""The best weighted mean of several candidates' predictions, and what it is worth on other examples.

Notation:
    M      candidates;  n, U, K  examples, units, outputs a unit
    w      weights, shape (M,), summing to 1
    theta  the metric

Weights are chosen by ensemble selection (Caruana et al. 2004, "Ensemble Selection from Libraries of Models",
section 2: candidates are added one by one, with replacement, whichever helps the metric most), begun from the
best by itself. Chosen and scored on the same examples a blend looks better than it is, so its score is
cross-fitted: each fold is predicted with weights chosen on the others. The standard error of its gain is a
grouped jackknife (Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 4) of both
scores at once, whatever the metric.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Weights = NDArray[np.float64]
Theta = Callable[[Weights, Index], float]
"""Larger is better: the metric of the mean with these weights, on the examples at these places."""

ROUNDS = 15
"""Candidates added at most: weights come in steps of a fifteenth, finer than a thousand examples can tell."""
PATIENCE = 4
"""Rounds without a better mean after which none is looked for: a weight of a fifth is still found."""
FOLDS = 5
JACKKNIFED = 20
"""Parts that are left out in turn; the relative error of a standard error is about 1 / sqrt(2 x 19)."""


def select(theta: Theta, n_members: int, rows: Index) -> Weights:
    """The weights that ensemble selection finds, shape (M,).

    Args:
        theta: The metric.
        n_members: M.
        rows: Places of the examples to choose by.
    """
    single = np.eye(n_members)
    alone = [theta(weights, rows) for weights in single]
    counts = chosen = single[int(np.argmax(alone))]
    best, n_worse = max(alone), 0
    for _ in range(ROUNDS):
        found = [theta((counts + one) / (counts.sum() + 1), rows) for one in single]
        counts = counts + single[int(np.argmax(found))]
        n_worse += 1
        if max(found) > best:
            chosen, best, n_worse = counts, max(found), 0
        if n_worse == PATIENCE:
            break
    return np.asarray(chosen / chosen.sum())


def parts_of(groups: Index, n_parts: int, seed: int) -> list[Index]:
    """Places of the examples of each part; those of one group are in one part, and no part is empty.

    Args:
        groups: Shape (n,).
        n_parts: At most.
        seed: Decides which group goes where.
    """
    names, places = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return [
        found
        for part in range(min(n_parts, len(names)))
        if len(found := np.flatnonzero(order[places] % n_parts == part))
    ]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CrossFitted:
    """Weights of each example's prediction, chosen without it.

    Attributes:
        weights: Shape (n, M).
        overall: Chosen on all examples, shape (M,).
    """

    weights: Weights
    overall: Weights


def cross_fit(theta: Theta, n_members: int, groups: Index, *, seed: int) -> CrossFitted:
    """The weights of every example, by those of other folds.

    Args:
        theta: The metric.
        n_members: M.
        groups: Of the examples, shape (n,).
        seed: Of the folds.
    """
    weights = np.empty((len(groups), n_members))
    everyone = np.arange(len(groups))
    for fold in parts_of(groups, FOLDS, seed):
        weights[fold] = select(theta, n_members, np.setdiff1d(everyone, fold))
    return CrossFitted(weights=weights, overall=select(theta, n_members, everyone))


def jackknifed(theta: Callable[[Index], float], groups: Index, *, seed: int) -> float:
    """Standard error of a statistic over the choice of examples.

    Args:
        theta: The statistic on the examples at these places.
        groups: Of the examples, shape (n,).
        seed: Decides which are left out together.
    """
    parts, everyone = parts_of(groups, JACKKNIFED, seed), np.arange(len(groups))
    found = np.array([theta(np.setdiff1d(everyone, part)) for part in parts])
    return float(np.sqrt((len(parts) - 1) / len(parts) * np.sum((found - found.mean()) ** 2)))


def blended(members: Sequence[NDArray[np.floating]], weights: Weights) -> NDArray[np.float64]:
    """The weighted mean.

    Args:
        members: M arrays of shape (U, K).
        weights: Shape (M,), or one row a unit, shape (U, M).
    """
    given = np.broadcast_to(np.atleast_2d(weights), (len(members[0]), len(members)))
    return np.asarray(sum(given[:, i, None] * found for i, found in enumerate(members)), dtype=np.float64)
