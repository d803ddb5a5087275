"""What more data bring: the step from what a run trains on to all that the user has.

Notation:
    g       gain of the first doubling beyond the recorded size n;  q  fading
    J       doublings from a smaller size to n, of which the j-th before n brings g q^-j

    g (q^-1 + ... + q^-J) = g (q^-J - 1) / (1 - q)

Heads on 64, 128, 256 and all examples tell q. Hestness et al. 2017, "Deep Learning Scaling is Predictable,
Empirically", have errors fall as powers of n, which on a logit scale is a gain that fades slowly.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from app.fitting.fine_tunes import FineTunePoint
from app.fitting.probe_relations import DIGITS, LEAST_OWN, LEAST_SHARED
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.probe_model import Growth, Relations

Doublings = TypeVar("Doublings", float, NDArray[np.float64])

LEAST_GROWN = 3
"""Labelled sets recorded at two sizes from which growth is learnt."""
TYPICAL_GAIN, TYPICAL_VARIANCE = 0.1, 0.02
"""Where nothing is recorded at two sizes: learning curves of accuracy on text sets rise by 1 to 3 points a
doubling at some hundred examples."""
LEAST_FADING, MOST_FADING = 0.5, 0.99


def growth_of_fine_tunes(
    tasks: Sequence[RecordedTask], smaller: Sequence[FineTunePoint], fading: float
) -> Growth:
    """What the same candidates reach with more of the same data.

    Args:
        tasks: Recorded.
        smaller: Ends of fine-tunes of the same candidates on less of the same data.
        fading: As heads show it.
    """
    gains, variances = dict[str, list[float]](), list[float]()
    finals = {(task.dataset, model): (task, i) for task in tasks for i, model in enumerate(task.models)}
    for point in smaller:
        found = finals.get((point.dataset, point.model))
        if found is None:
            continue
        task, i = found
        y, variance = task.final.comparable(task.metric)
        x, error = task.metric.measured(point.metric, point.std_error)
        steps = _steps(fading, float(np.log2(task.n_train / point.n_train)))
        gains.setdefault(point.dataset, []).append(float(y[i] - x) / steps)
        variances.append(float(variance[i] + error) / steps**2)
    if len(gains) < LEAST_GROWN:
        return Growth(gain=TYPICAL_GAIN, shared=TYPICAL_VARIANCE, own=TYPICAL_VARIANCE, fading=fading)
    means = np.array([np.mean(g) for g in gains.values()])
    apart = [np.square(np.array(g) - np.mean(g)).sum() for g in gains.values()]
    degrees = sum(len(g) - 1 for g in gains.values())
    # Steps of a random walk: the variance of their sum is the sum of theirs, fading twice as fast.
    doublings = float(np.mean([np.log2(tasks[0].n_train / p.n_train) for p in smaller]))
    walk = _steps(fading, doublings) ** 2 / _steps(fading**2, doublings)
    own = float(np.sum(apart)) / max(degrees, 1) - float(np.mean(variances))
    shared = float(means.var(ddof=1)) - own / float(np.mean([len(g) for g in gains.values()]))
    return Growth(
        gain=round(float(means.mean()), DIGITS),
        shared=round(max(shared * walk, LEAST_SHARED**2), DIGITS),
        own=round(max(own * walk, LEAST_OWN), DIGITS),
        fading=fading,
    )


def growth_of_heads(relations: Relations) -> Growth:
    """What a head on all training examples has before those on the smaller parts."""
    parts = [s for s in relations.shares.tolist() if s < 1.0]
    doublings = -np.log2(parts)
    lost = np.array([-relations.at(share).intercept for share in parts])

    def gain(fading: float) -> float:
        steps = _steps(fading, doublings)
        return float(steps @ lost / (steps @ steps))

    def error(fading: float) -> float:
        return float(np.square(lost - gain(fading) * _steps(fading, doublings)).sum())

    bounds = (LEAST_FADING, MOST_FADING)
    fading = round(float(minimize_scalar(error, bounds=bounds, method="bounded").x), DIGITS)
    first, walk = relations.at(parts[0]), float(_steps(fading**2, doublings[0]))
    return Growth(
        gain=round(gain(fading), DIGITS),
        shared=round(max(first.shared**2 / walk, LEAST_SHARED**2), DIGITS),
        own=round(max(first.own / walk, LEAST_OWN), DIGITS),
        fading=fading,
    )


def _steps(fading: float, doublings: Doublings) -> Doublings:
    """What the last so many doublings up to the recorded size bring, in units of the next one."""
    steps: Doublings = (fading**-doublings - 1.0) / (1.0 - fading)
    return steps
