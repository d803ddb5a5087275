"""Who of many eligible models is worth a belief with covariances: those that may be shown."""

import numpy as np
from numpy.typing import NDArray

from app.question import Question
from app.ranking.cost import Costs
from app.ranking.evidence import CLOSER_LOOK, MOST_BELIEVED, EvidenceBase
from app.ranking.posterior import utility
from app.ranking.rest import Rest
from app.recall import Recall
from app.remembered import ARM_OF_STRATEGY, REMEMBERED

Array = NDArray[np.float64]

SPARE = 2
"""Models looked at closer for each that is shown."""


def screened(
    question: Question, base: EvidenceBase, recall: Recall, costs: Costs
) -> tuple[Recall, Rest | None]:
    """The same without models that many others surpass, and these; all stay where they are few.

    Args:
        question: The task and the weights.
        base: Figures and candidates.
        recall: Who is eligible.
        costs: Of every strategy and model of the pool.
    """
    eligible = recall.eligible.nonzero()[0]
    target = REMEMBERED.target(question.profile)
    if len(eligible) <= MOST_BELIEVED or not base.is_large(target):
        return recall, None
    outlook = base.outlook(target)
    models = recall.pool.models[eligible]
    arms = outlook.mean[models].T[ARM_OF_STRATEGY]  # (strategies, models)
    deviation = outlook.deviation[models].T[ARM_OF_STRATEGY]
    work = costs.latency_ms[eligible], costs.train_seconds[:, eligible]
    fits = recall.fits[:, eligible]
    below = np.full(len(eligible), np.inf)
    # Who may score best and who may be most useful: with default weights it is the same question.
    for weights in {(1.0, 0.0, 0.0), question.weights}:
        useful = np.where(fits, utility(arms, *work, weights), -np.inf)
        below = np.minimum(below, _below_the_best(useful, weights[0] * deviation))
    n = max(CLOSER_LOOK, SPARE * question.top_k)
    if n >= len(eligible):
        return recall, None
    order = np.argpartition(below, n - 1)
    out = np.sort(order[n:])
    best = np.where(fits[:, out], arms[:, out], -np.inf).argmax(axis=0)
    rest = Rest(mean=arms[best, out], deviation=deviation[best, out], adaptation=ARM_OF_STRATEGY[best])
    return recall.outranked(eligible[out], below[out], float(below[order[n - 1]])), rest


def _below_the_best(useful: Array, deviation: Array) -> Array:
    """How many standard deviations each model's best arm lies below the best of all, at least 0, shape (n,).

    Args:
        useful: Expected utility of every arm, shape (arms, n).
        deviation: Of each, same scale, shape (arms, n).
    """
    best = useful.argmax(axis=0)
    models = np.arange(useful.shape[1])
    mean, own = useful[best, models], deviation[best, models]
    leader = int(mean.argmax())
    apart = np.sqrt(np.square(own) + np.square(own[leader]))
    return np.asarray((mean[leader] - mean) / np.maximum(apart, 1e-9))
