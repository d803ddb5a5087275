"""How much wider beliefs must be for their intervals to hold what they say, on labelled sets left out.

Notation, of one candidate, comparable scale:
    m, s^2      believed final score and variance of the belief
    t, v        measured final score and variance of its sampling error
    k           spread: |t - m| <= z sqrt(k^2 s^2 + v), z the interval's quantile, holds for its level

Relations and variances are learnt from a dozen labelled sets; what they leave unexplained on the next one is
more than on these.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from app.fitting.recorded_observations import heads_of, slices_of
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.posterior import INTERVAL_LEVEL
from app.ranking.probe_model import ProbeModel
from app.ranking.probed import Observation, Probed

Array = NDArray[np.float64]

STAGES = (0.125, 0.5)
"""Shares of training after which beliefs are looked at, beside those before and after passes."""
LEAST, MOST = 0.5, 4.0
DIGITS = 4


def spread_of(tasks: Sequence[RecordedTask], without: Mapping[str, ProbeModel]) -> float:
    """The spread with which intervals hold their level, mean over labelled sets.

    Args:
        tasks: Recorded.
        without: What was learnt without each labelled set; none leaves beliefs as they are.
    """
    if not without:
        return 1.0
    found = {
        dataset: np.hstack([_seen(t, model) for t in tasks if t.dataset == dataset])
        for dataset, model in without.items()
    }
    away, variances, errors = np.hstack(list(found.values()))
    weights = np.concatenate([np.full(s.shape[1], 1.0 / s.shape[1]) for s in found.values()]) / len(found)
    z = float(norm.ppf(0.5 + INTERVAL_LEVEL / 2))

    def excess(k: float) -> float:
        held = away <= z * np.sqrt(k**2 * variances + errors)
        return float(weights @ held) - INTERVAL_LEVEL

    if excess(LEAST) >= 0.0 or excess(MOST) <= 0.0:
        return LEAST if excess(LEAST) >= 0.0 else MOST
    return round(float(brentq(excess, LEAST, MOST, xtol=1e-3)), DIGITS)


def _seen(task: RecordedTask, model: ProbeModel) -> Array:
    """|t - m|, s^2 and v of every candidate at every stage, shape (3, stages x n)."""
    t, error = task.final.comparable(task.metric)
    prior, columns = model.joined(task.prior, task.groups), []
    for observations in _stages(task):
        belief = Probed(prior, model, task.groups, observations).belief
        columns.append([np.abs(t - belief.mean[::2]), belief.variance[::2], error])
    return np.hstack(columns)


def _stages(task: RecordedTask) -> Iterator[tuple[Observation, ...]]:
    """What is known beforehand, after passes over all training examples, and after slices beside them."""
    yield ()
    passes = heads_of(task)
    yield passes
    for share in STAGES:
        yield (*passes, *slices_of(task, share))
