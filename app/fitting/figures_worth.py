"""What the figures' belief about differences between candidates was worth on recorded sets.

Notation, for one task of n candidates; deviations from the mean over the candidates:
    m~, t~      believed and true final scores, shape (n,)
    D           believed covariance of the true deviations, shape (n, n), of rank n - 1
    slope       regression of t~ on m~ over all tasks
    variance    mean over tasks of (t~ - slope m~)' D^+ (t~ - slope m~) / (n - 1)

Both are shrunk to 1 as by `UNDOUBTED` more tasks on which the figures' belief was right.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.fitting.recorded_tasks import RecordedTask
from app.ranking.probe_model import FiguresWorth

Array = NDArray[np.float64]

UNDOUBTED = 1.0
"""Tasks' worth of belief in the figures as they are."""
DIGITS = 5
RESOLUTION = 1e-9
"""Eigenvalues below it belong to the mean that was taken out."""


def figures_worth(tasks: Sequence[RecordedTask]) -> FiguresWorth:
    """What these tasks show, each weighing the same."""
    moments, squares = [], []
    for task in tasks:
        believed, true = _deviations(task)
        moments.append(float(believed @ true) / len(true))
        squares.append(float(believed @ believed) / len(true))
    undoubted = UNDOUBTED * float(np.mean(squares))
    slope = (sum(moments) + undoubted) / max(sum(squares) + undoubted, RESOLUTION)
    surprises = [_surprise(task, slope) for task in tasks]
    variance = (sum(surprises) + UNDOUBTED) / (len(tasks) + UNDOUBTED)
    return FiguresWorth(slope=round(slope, DIGITS), variance=round(variance, DIGITS))


def _deviations(task: RecordedTask) -> tuple[Array, Array]:
    t, _ = task.final.comparable(task.metric)
    return task.prior.mean - task.prior.mean.mean(), t - t.mean()


def _surprise(task: RecordedTask, slope: float) -> float:
    believed, true = _deviations(task)
    n = len(true)
    apart = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(apart @ task.prior.covariance @ apart)
    kept = values > RESOLUTION
    along = vectors[:, kept].T @ (true - slope * believed)
    return float(np.mean(along**2 / values[kept])) if kept.any() else 1.0
