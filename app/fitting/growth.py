"""What more data bring: the step from what a run trains on to all that the user has."""

from collections.abc import Sequence

import numpy as np

from app.fitting.fine_tunes import FineTunePoint
from app.fitting.probe_relations import DIGITS, LEAST_OWN, LEAST_SHARED
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.probe_model import Growth, Relations

LEAST_GROWN = 3
"""Labelled sets recorded at two sizes from which growth is learnt."""
TYPICAL_GROWTH = Growth(gain=0.15, shared=0.02, own=0.02)
"""Where nothing is recorded at two sizes: learning curves of accuracy on text sets rise by 1 to 3 points a
doubling at some hundred examples."""


def growth_of_fine_tunes(tasks: Sequence[RecordedTask], smaller: Sequence[FineTunePoint]) -> Growth:
    """A doubling's worth of what the same candidates reach with more of the same data."""
    gains, variances = dict[str, list[float]](), list[float]()
    finals = {(task.dataset, model): (task, i) for task in tasks for i, model in enumerate(task.models)}
    for point in smaller:
        found = finals.get((point.dataset, point.model))
        if found is None:
            continue
        task, i = found
        y, variance = task.final.comparable(task.metric)
        x, error = task.metric.measured(point.metric, point.std_error)
        doublings = float(np.log2(task.n_train / point.n_train))
        gains.setdefault(point.dataset, []).append(float(y[i] - x) / doublings)
        variances.append(float(variance[i] + error) / doublings**2)
    if len(gains) < LEAST_GROWN:
        return TYPICAL_GROWTH
    means = np.array([np.mean(g) for g in gains.values()])
    apart = [np.square(np.array(g) - np.mean(g)).sum() for g in gains.values()]
    degrees = sum(len(g) - 1 for g in gains.values())
    # Steps of a random walk: the variance of k doublings is k times that of one, that of their mean a k-th.
    k = float(np.mean([np.log2(tasks[0].n_train / p.n_train) for p in smaller]))
    own = float(np.sum(apart)) / max(degrees, 1) - float(np.mean(variances))
    shared = float(means.var(ddof=1)) - own / float(np.mean([len(g) for g in gains.values()]))
    return Growth(
        gain=round(float(means.mean()), DIGITS),
        shared=round(max(shared * k, LEAST_SHARED**2), DIGITS),
        own=round(max(own * k, LEAST_OWN), DIGITS),
    )


def growth_of_heads(relations: Relations) -> Growth:
    """A doubling's worth of what a head on all training examples has before one on the smallest part."""
    first = relations.at(float(relations.shares[0]))
    doublings = -float(np.log2(relations.shares[0]))
    return Growth(
        gain=round(-first.intercept / doublings, DIGITS),
        shared=round(max(first.shared**2 / doublings, LEAST_SHARED**2), DIGITS),
        own=round(max(first.own / doublings, LEAST_OWN), DIGITS),
    )
