"""PED: LogME of features after classes that overlap have pushed each other apart, as a fine-tune would.

Notation:
    n, d, K   examples, width, classes that occur
    X         features, standardised over the examples, shape (n, d)
    m_k       mean of class k, shape (d,);  D_kl  distance of two means
    r_k       radius, 0.6 x square root of the summed variances of class k
    O_kl      overlap, max(r_k + r_l - D_kl, 0): the force between k and l
    h         time step, 0.1

    class k moves by sum_l min(h^2 / 2, 1) O_kl (m_k - m_l) / D_kl

Steps are repeated while the classes move more than half as far as in the first, at most six times; then X is
brought back to the features' scale, and scored by LogME.

Source: Li et al. 2023, "Exploring Model Transferability through the Lens of Potential Energy", force,
steps and constants as in the authors' code. They standardise by the features that the model has of ImageNet;
a text model has no such reference, so those of the task's examples are taken.

Classes whose means are equal have no direction to move in, and stay. A class of one example has no radius of
its own. A feature that is constant stays. Equal rows of a class move alike, and count as often as they occur.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from app.probes.transferability.base import Array, Labels, centred, checked, class_means
from app.probes.transferability.logme import logme

RADIUS = 0.6
TIME_STEP = 0.1
MOST_STEPS = 6
LEAST_MOTION = 0.5
"""Of the first step's; a step that moves the classes less is not made."""


def ped(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """LogME of the moved features; see `Estimator`. Nothing in it is random."""
    f, codes = checked("ped", features, labels)
    x = centred(f)
    deviations = x.std(axis=0)
    moved = _class_motion(x / np.where(deviations > 0.0, deviations, 1.0), codes) * deviations
    return logme(f + moved[codes], labels, n_classes=n_classes, seed=seed)


def _class_motion(x: Array, codes: Labels) -> Array:
    """How far each class ends from where it began, shape (K, d); classes keep their radius."""
    begin = class_means(x, codes)
    squares = np.bincount(codes, weights=np.sum((x - begin[codes]) ** 2, axis=1))
    radii = RADIUS * np.sqrt(squares / np.bincount(codes))
    means, first = begin, 0.0
    for _ in range(MOST_STEPS):
        step = _step(means, radii)
        motion = float(np.abs(step).sum())
        first = first or motion
        if motion <= LEAST_MOTION * first:
            break
        means = means + step
    return means - begin


def _step(means: Array, radii: Array) -> Array:
    """What each class moves in one step, shape (K, d)."""
    distances = squareform(pdist(means))
    overlaps = np.maximum(radii[:, None] + radii[None, :] - distances, 0.0)
    away = overlaps * min(0.5 * TIME_STEP**2, 1.0) / np.where(distances > 0.0, distances, np.inf)
    return np.asarray(means * away.sum(axis=1, keepdims=True) - away @ means)
