"""Static lists that a prior has to beat: each ranks a hidden column from the other columns of its own suite.

Notation, over the columns c of a suite that are not hidden, on each metric's own scale turned so that larger
is better:
    x_mc        what model m reached on c
    z_mc        (x_mc - mean_c) / sd_c
    q_mc        (rank of m on c - 0.5) / n_c, ties sharing their mean rank, the best being ranked n_c
A model that was measured on none of the columns ranks last; a mean is over those that it was measured on.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.evaluation.asked import AskedColumn
from app.ranking.columns import ColumnTable
from app.ranking.described import Described
from benchmarks.metrics import Direction, metric_named

Array = NDArray[np.float64]
Known = Mapping[str, Described]
Baseline = Callable[[AskedColumn, Sequence[AskedColumn], Known], Array]


def oriented(column: AskedColumn) -> Array:
    """Values x of one column, shape (n,)."""
    sign = 1.0 if metric_named(column.column.metric).direction is Direction.HIGHER else -1.0
    return sign * column.values


def z_scores(column: AskedColumn) -> Array:
    """Scores z of one column, shape (n,); 0 where all models tie."""
    x = oriented(column)
    return np.asarray((x - x.mean()) / max(float(x.std()), 1e-12))


def exponential_ranks(column: AskedColumn) -> Array:
    """Scores -log(1 - q) of one column, shape (n,): the scores of ranks under an exponential distribution."""
    return np.asarray(-np.log1p(-(rankdata(oriented(column)) - 0.5) / len(column)))


def most_parameters(asked: AskedColumn, _others: Sequence[AskedColumn], known: Known) -> Array:
    """The larger, the better; unknown sizes last."""
    sizes = [known[m].n_parameters if m in known else None for m in asked.models]
    return np.array([float(size or 0) for size in sizes])


def best_average(asked: AskedColumn, others: Sequence[AskedColumn], _known: Known) -> Array:
    """Mean of x."""
    return _means(asked, others, oriented)


def consensus(asked: AskedColumn, others: Sequence[AskedColumn], _known: Known) -> Array:
    """Mean of z."""
    return _means(asked, others, z_scores)


def top_heavy(asked: AskedColumn, others: Sequence[AskedColumn], _known: Known) -> Array:
    """Mean of -log(1 - q): the top of each list counts most."""
    return _means(asked, others, exponential_ranks)


def nearest_benchmark(asked: AskedColumn, others: Sequence[AskedColumn], _known: Known) -> Array:
    """Values x on the column whose description is most like the hidden one's, all kernel components alike."""
    if not others:
        return np.zeros(len(asked))
    similarity = ColumnTable([asked.column]).similarity(ColumnTable([o.column for o in others]))
    return _means(asked, [others[int(np.argmax(similarity.sum(axis=0)[0]))]], oriented)


BASELINES: Mapping[str, Baseline] = {
    "most_parameters": most_parameters,
    "best_average": best_average,
    "consensus_z": consensus,
    "top_heavy": top_heavy,
    "nearest_benchmark": nearest_benchmark,
}


def predictions(asked: AskedColumn, suite: Sequence[AskedColumn], known: Known) -> dict[str, Array]:
    """What each baseline predicts, by name, each of shape (n,).

    Args:
        asked: The hidden column.
        suite: All columns of its suite; those on hidden data sets are not looked at.
        known: What is known of models.
    """
    others = [c for c in suite if not asked.hides & c.hides]
    return {name: baseline(asked, others, known) for name, baseline in BASELINES.items()}


def _means(asked: AskedColumn, others: Sequence[AskedColumn], score: Callable[[AskedColumn], Array]) -> Array:
    """Mean score of each model of the hidden column over other columns, shape (n,)."""
    place = {model: i for i, model in enumerate(asked.models)}
    totals, counts = np.zeros(len(asked)), np.zeros(len(asked))
    for other in others:
        scores = score(other)
        pairs = [(place[m], i) for i, m in enumerate(other.models) if m in place]
        mine, theirs = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        totals[mine] += scores[theirs]
        counts[mine] += 1.0
    means = totals / np.maximum(counts, 1.0)
    seen = counts > 0
    last = means[seen].min() - 1.0 if seen.any() else 0.0
    return np.where(seen, means, last)
