"""LEEP: how well a source head's predictions tell the target's classes.

Notation:
    n, Z, K   examples, source classes, target classes that occur
    P         probabilities of source classes, shape (n, Z)
    J         joint frequencies of target and source classes, sum over examples of P / n, shape (K, Z)
    Q         of target classes given source classes, J over its column sums, shape (K, Z)

    LEEP = mean over examples of log sum_z Q[y_i, z] P[i, z]

Source: Nguyen et al. 2020, "LEEP: A New Measure to Evaluate Transferability of Learned Representations",
equation 2.

At most 0, where every source class implies a target class; least, minus the entropy of the labels, where
probabilities are the same for every example. Source classes of no probability are left out. As the labels are
predicted from themselves, many source classes on few examples raise it. Equal rows are ordinary rows.
"""

import numpy as np
from numpy.typing import NDArray

from app.probes.transferability.base import Labels, checked, one_hot


def leep(probabilities: NDArray[np.floating], labels: Labels) -> float:
    """LEEP of a source head; higher is better.

    Args:
        probabilities: Of source classes, each row summing to 1, shape (n, Z).
        labels: Target classes, shape (n,).

    Raises:
        UndefinedScoreError: One class, or fewer than two examples.
    """
    p, codes = checked("leep", probabilities, labels)
    joint = one_hot(codes).T @ p / len(p)
    totals = joint.sum(axis=0)
    given_source = joint / np.where(totals > 0.0, totals, 1.0)
    return float(np.mean(np.log(np.sum(given_source[codes] * p, axis=1))))
