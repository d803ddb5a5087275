"""Which regions of an example moved a prediction: Shapley values by Kernel SHAP.

Notation:
    R     regions of an example;  v(S)  the output where only the regions in S are left
    phi   worth of each region, shape (R,): their sum is v(all) - v(none)

Source: Lundberg and Lee 2017, "A Unified Approach to Interpreting Model Predictions", section 4.1, by
`captum` (Kokhlikyan et al. 2020). Regions are left out of what the model reads, not of what it computes, so
that one routine serves every model and strategy.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.probes.explanations import N_SAMPLES

AT_ONCE = 32

Outputs = Callable[[NDArray[np.bool_]], NDArray[np.float64]]
"""From masks of shape (m, R), True for what is left, to v of each, shape (m,)."""


def shapley_values(outputs: Outputs, n_regions: int, *, seed: int) -> NDArray[np.float64]:
    """Phi of every region.

    Args:
        outputs: v.
        n_regions: R.
        seed: Of the sets that are tried.
    """
    if n_regions == 0:
        return np.empty(0)
    if n_regions == 1:
        both = outputs(np.array([[True], [False]]))
        return both[:1] - both[1:]
    from captum.attr import KernelShap

    def forward(masks: Tensor) -> Tensor:
        return torch.from_numpy(outputs(masks.cpu().numpy() > 0.5))

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (captum draws from the global generators)
    found: Tensor = KernelShap(forward).attribute(
        torch.ones(1, n_regions), n_samples=N_SAMPLES, perturbations_per_eval=AT_ONCE
    )
    return np.asarray(found[0].double().numpy())
