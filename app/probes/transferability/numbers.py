"""What frozen features say of numbers, which several labels are too."""

import numpy as np
from numpy.typing import NDArray

from app.probes.transferability import UndefinedScoreError
from app.probes.transferability.logme import logme_regression


def regression_estimates(
    layers: NDArray[np.floating], targets: NDArray[np.float64], probe: float, *, seed: int
) -> dict[str, float | None]:
    """LogME on the layer that it is highest on, and the linear probe as it is given.

    Args:
        layers: Shape (m, layers + 1, d).
        targets: Shape (m,) or (m, t).
        probe: What the cross-validated head scores, a share.
        seed: Of what is random.
    """
    found = list[float]()
    for i in range(layers.shape[1]):
        try:
            found.append(logme_regression(np.ascontiguousarray(layers[:, i]), targets, seed=seed))
        except UndefinedScoreError:
            continue
    return {"linear_probe": probe, "logme": max(found, default=None)}
