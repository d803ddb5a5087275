"""Estimators' scores on scales on which a step means about the same on any task.

Scores that are shares become log odds, as metrics do; those that count directions are divided by how many
there could be; the others are left as they are, and their level on a task is left to the belief.
"""

from collections.abc import Mapping

import numpy as np

LEAST_SHARE = 0.01
"""Shares are kept this far from 0 and 1."""
_SHARES = frozenset({"linear_probe", "knn", "sfda"})


def comparable(scores: Mapping[str, float], n_classes: int) -> dict[str, float]:
    """The scores of one candidate on comparable scales.

    Args:
        scores: By estimator.
        n_classes: Of the task.
    """
    return {name: _comparable(name, value, n_classes) for name, value in scores.items()}


def _comparable(name: str, value: float, n_classes: int) -> float:
    if name in _SHARES:
        return _log_odds(value)
    match name:
        case "nleep":  # a mean log probability
            return _log_odds(float(np.exp(value)))
        case "h_score":
            return _log_odds(value / max(n_classes - 1, 1))
        case "parc":  # a rank correlation
            return _log_odds(0.5 * (1.0 + value))
        case "gbc":  # minus a mean of overlaps
            return float(-np.log(max(-value, 1e-9)))
        case _:
            return value


def _log_odds(share: float) -> float:
    kept = min(max(share, LEAST_SHARE), 1.0 - LEAST_SHARE)
    return float(np.log(kept) - np.log1p(-kept))
