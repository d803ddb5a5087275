"""Frozen features: one pass of a model over texts.

Texts are tokenised once, sorted by length and cut into batches of about equal cost, so that hardly any
padding is computed.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.probes.backbones import Backbone
from app.probes.inputs import Encoded, units_of
from app.probes.messages import SINGLE
from app.probes.precision import Precision

TOKEN_BUDGET = 1_024
"""Tokens a batch with padding: enough to fill two cores' matrix products, small enough for their caches."""
MOST_ROWS = 64
"""Texts a batch, however short they are."""

Features = NDArray[np.float32]
OnBatch = Callable[[int], None]
Reduce = Callable[[Tensor], Tensor]
"""From the layers of a batch, shape (B, layers + 1, d), to what is kept of them, shape (B, P, d)."""


def _nothing(_n_done: int) -> None:
    """Nobody listens."""


def last_layer(layers: Tensor) -> Tensor:
    """The last one, shape (B, 1, d)."""
    return layers[:, -1:]


def every_layer(layers: Tensor) -> Tensor:
    """All of them."""
    return layers


def extract_features(
    backbone: Backbone,
    tokenized: Encoded,
    *,
    rows: NDArray[np.int64] | None = None,
    reduce: Reduce = last_layer,
    precision: str = SINGLE,
    token_budget: int = TOKEN_BUDGET,
    on_batch: OnBatch = _nothing,
) -> Features:
    """P vectors a unit from one pass over the texts, shape (U, P, d); P is 0 where there are no texts.

    Args:
        backbone: The model.
        tokenized: Texts or images.
        rows: Places of n of them, in whose order vectors come; None for all.
        reduce: What is kept of the layers of each batch, so that no more is ever held.
        precision: `fp32` or `bf16`, on a processor.
        token_budget: Tokens a batch, padding included.
        on_batch: Told after each batch how many texts are done.
    """
    device = next(backbone.module.parameters()).device
    backbone.module.eval()
    wanted = np.arange(len(tokenized)) if rows is None else rows
    counts = tokenized.n_units[wanted]
    kept = np.empty((int(counts.sum()), 0, backbone.width), dtype=np.float32)
    n_done = 0
    with torch.inference_mode(), Precision(device, precision).autocast():
        for places in length_sorted_batches(tokenized.lengths[wanted], token_budget):
            batch = tokenized.batch(wanted[places]).to(device)
            vectors = reduce(backbone.encode_layers(batch)).cpu().numpy()
            if not n_done:
                kept = np.empty((len(kept), *vectors.shape[1:]), dtype=np.float32)
            kept[units_of(counts, places)] = vectors
            n_done += len(places)
            on_batch(n_done)
    return kept


def length_sorted_batches(lengths: NDArray[np.int64], token_budget: int) -> Iterator[NDArray[np.int64]]:
    """Indices of texts of about equal length, longest first: a batch that is too large fails at once.

    Args:
        lengths: Tokens of each text, shape (n,).
        token_budget: Tokens a batch, padding included; a longer text is a batch of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        stop = start + min(max(token_budget // longest, 1), MOST_ROWS)
        yield order[start:stop]
        start = stop
