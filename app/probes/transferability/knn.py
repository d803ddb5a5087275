"""Leave-one-out accuracy of nearest neighbours by cosine similarity.

Notation:
    n, K      examples, classes that occur
    k         neighbours, 5
    S         cosine similarities, between -1 and 1, shape (n, n)
    W         how much of a neighbour each example is of another, between 0 and 1, shape (n, n)

An example's neighbours are the k most similar among those outside its own group; each votes (1 + S) / 2 for
its class. Examples that tie for the last places share them: W = places left / examples that tie. Classes that
tie for most votes share the example: it counts 1 / (number that tie) if its own class is among them. So
neither the order of the examples nor that of the classes matters.

Source: Puigcerver et al. 2021, "Scalable Transfer Learning with Expert Models", leave-one-out
accuracy of neighbours for the choice of a model; Renggli et al. 2022, "Which Model to Transfer? Finding the
Needle in the Growing Haystack", by cosine similarity. Both take one neighbour; five are less noisy on the
hundreds of examples of a probe, and the weights break their ties.

Rows equal to the bit are one group unless the caller knows better, and a group's members are never each
other's neighbours. An example with fewer than k others uses those; a row of zeros is equally unlike all.
Features that differ by length alone tell nothing apart. Classes of one example are predicted wrong.
"""

import numpy as np
from numpy.typing import NDArray

from app.probes.logistic import groups_of_equal_rows
from app.probes.transferability.base import Array, Labels, UndefinedScoreError, checked

N_NEIGHBOURS = 5
_ROUNDING = 1e-9
"""Of similarities and votes; those that differ by less tie."""
_ROWS_AT_ONCE = 1024
"""Bounds the memory: n x 1,024 similarities are held at once."""


def knn(
    features: NDArray[np.floating],
    labels: Labels,
    *,
    n_classes: int,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> float:
    """Leave-one-out accuracy, between 0 and 1; see `Estimator`. Nothing in it is random.

    Args:
        features: Shape (n, d).
        labels: Shape (n,).
        n_classes: Classes of the task.
        seed: Unused.
        groups: Examples that are never each other's neighbours, shape (n,); None takes equal rows together.

    Raises:
        UndefinedScoreError: One class, or one group.
    """
    del n_classes, seed
    f, codes = checked("knn", features, labels)
    together = groups_of_equal_rows(features) if groups is None else groups
    if len(np.unique(together)) < 2:
        raise UndefinedScoreError("knn", "all examples belong together")
    lengths = np.linalg.norm(f, axis=1, keepdims=True)
    unit = f / np.where(lengths > 0.0, lengths, 1.0)
    hits = 0.0
    for start in range(0, len(f), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        similarities = unit[rows] @ unit.T
        similarities[together[rows, None] == together[None, :]] = -np.inf
        hits += _hits(_votes(similarities, codes), codes[rows])
    return hits / len(f)


def _votes(similarities: Array, codes: Labels) -> Array:
    """Votes by class, shape (rows, K); examples of similarity -inf have none."""
    n_rows, k = len(similarities), min(N_NEIGHBOURS, similarities.shape[1])
    last = np.partition(similarities, -k, axis=1)[:, -k]
    # Everybody near enough, a few a row; where there are fewer than k, `last` is -inf and all of them are.
    row, other = np.nonzero(similarities >= np.maximum(last - _ROUNDING, -1.5)[:, None])
    similarity = similarities[row, other]
    ties = similarity <= last[row] + _ROUNDING
    n_ties = np.bincount(row[ties], minlength=n_rows)
    places = k - np.bincount(row[~ties], minlength=n_rows)
    shares = np.where(ties, (places / np.maximum(n_ties, 1))[row], 1.0)  # W
    n_classes = int(codes.max()) + 1
    weights = shares * (0.5 + 0.5 * similarity)
    votes = np.bincount(row * n_classes + codes[other], weights=weights, minlength=n_rows * n_classes)
    return np.maximum(votes.reshape(n_rows, n_classes), 0.0)


def _hits(votes: Array, codes: Labels) -> float:
    """Examples whose class has most votes, ties shared."""
    winners = votes >= votes.max(axis=1, keepdims=True) * (1.0 - _ROUNDING)
    won = winners[np.arange(len(codes)), codes]
    return float(np.sum(won / winners.sum(axis=1)))
