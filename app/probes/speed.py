"""How fast this machine trains: an encoder layer of MiniLM's size, there and back, in each precision."""

import statistics
import time

import torch
from torch import nn

from app.probes.messages import BRAIN, SINGLE
from app.probes.precision import Precision

WIDTH, HEADS, INNER = 384, 12, 1_536
TEXTS, TOKENS = 16, 32
"""A batch as a probe trains on it."""
OPERATIONS = 3.0 * 2.0 * TEXTS * TOKENS * (4 * WIDTH**2 + 2 * WIDTH * INNER + 2 * TOKENS * WIDTH)
"""The backward pass counts twice."""
SECONDS = 0.4
"""Of each precision: the median is what the machine sustains, not what it reaches for a moment."""


def training_flops(seconds: float = SECONDS) -> dict[str, float]:
    """Operations a second by precision; of precisions that the processor lacks, what emulating them reaches.

    Args:
        seconds: Spent on each precision.
    """
    return {name: _flops(name, seconds) for name in (SINGLE, BRAIN)}


def _flops(name: str, seconds: float) -> float:
    device = torch.device("cpu")
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, activation="gelu", batch_first=True)
    inputs = torch.randn(TEXTS, TOKENS, WIDTH, requires_grad=True)
    precision = Precision(device, name)
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < 3:
        began = time.perf_counter()
        with precision.autocast():
            loss = layer(inputs).float().square().mean()
        precision.backward(loss)
        taken.append(time.perf_counter() - began)
    return OPERATIONS / statistics.median(taken[1:])
