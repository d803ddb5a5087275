"""`full`: every weight is trained, with AdamW under a linear warm-up and decay.

Notation:
    n     training examples

Sources: Mosbach, Andriushchenko and Klakow 2021, "On the Stability of Fine-tuning BERT" (warm-up, bias
correction, enough steps); Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features" (the head begins
as the solution on frozen features).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation

MOST_GRADIENT_NORM = 1.0
"""Gradients are clipped to this length, as in Devlin et al. 2019."""
POOLED_BATCHES = 16
"""Texts of so many batches are sorted by length together: padding nearly gone, order still random."""


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone as it is: all of it trains."""
    del backbone, total_steps
    return Adaptation()


def rate_at(step: int, *, peak: float, total_steps: int, warmup_fraction: float) -> float:
    """Learning rate of a step (from 0): a linear rise to the peak, then a linear fall towards 0."""
    warmup = math.ceil(warmup_fraction * total_steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (total_steps - step) / max(total_steps - warmup, 1)


def make_optimizer(model: nn.Module, *, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW, its update fused into one pass; biases and norms are not decayed."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def steps_per_epoch(n_train: int, batch_size: int) -> int:
    """Batches of one pass."""
    return -(-n_train // batch_size)


def epoch_batches(
    lengths: NDArray[np.int64], batch_size: int, *, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """The batches of one pass in their order: a function of seed and epoch, so that nothing need be kept.

    Args:
        lengths: Tokens of each text, shape (n,).
        batch_size: Texts a batch.
        seed: Of the trial.
        epoch: From 0.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths)).astype(np.int64)
    batches = list(_bucketed(order, lengths, batch_size))
    return [batches[i] for i in rng.permutation(len(batches))]


def _bucketed(
    order: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int
) -> Iterator[NDArray[np.int64]]:
    pool = batch_size * POOLED_BATCHES
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        for first in range(0, len(rows), batch_size):
            yield rows[first : first + batch_size]
