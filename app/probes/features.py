"""Frozen features: one pass of a model over texts.

Texts are tokenised once, sorted by length and cut into batches of about equal cost, so that hardly any
padding is computed.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.probes.backbones import Backbone, TokenizedTexts
from app.probes.messages import SINGLE
from app.probes.precision import Precision

TOKEN_BUDGET = 1_024
"""Tokens a batch with padding: enough to fill two cores' matrix products, small enough for their caches."""
MOST_ROWS = 64
"""Texts a batch, however short they are."""

LAST, LAYER_MEAN = 0, 1
"""Places of both in what `last_and_mean` keeps."""
POOLING = "mean over tokens: last layer, mean over layers"

Features = NDArray[np.float32]
OnBatch = Callable[[int], None]
Reduce = Callable[[Tensor], Tensor]
"""From the layers of a batch, shape (B, layers + 1, d), to what is kept of them, shape (B, P, d)."""


def _nothing(_n_done: int) -> None:
    """Nobody listens."""


def last_and_mean(layers: Tensor) -> Tensor:
    """The last layer and the mean over all, shape (B, 2, d): what the head and what estimators read.

    Source: Garbas, Ploner and Akbik 2024, "Choose Your Transformer": the mean over layers ranks encoders
    better than the last one, which pretraining has bent to its own task.
    """
    return torch.stack([layers[:, -1], layers.mean(dim=1)], dim=1)


def every_layer(layers: Tensor) -> Tensor:
    """All of them."""
    return layers


def extract_features(
    backbone: Backbone,
    tokenized: TokenizedTexts,
    *,
    reduce: Reduce = last_and_mean,
    precision: str = SINGLE,
    token_budget: int = TOKEN_BUDGET,
    on_batch: OnBatch = _nothing,
) -> Features:
    """P vectors a text from one pass over the texts, shape (n, P, d); P is 0 where there are no texts.

    Args:
        backbone: The model.
        tokenized: n texts.
        reduce: What is kept of the layers of each batch, so that no more is ever held.
        precision: `fp32` or `bf16`, on a processor.
        token_budget: Tokens a batch, padding included.
        on_batch: Told after each batch how many texts are done.
    """
    device = next(backbone.module.parameters()).device
    backbone.module.eval()
    kept = np.empty((len(tokenized), 0, backbone.width), dtype=np.float32)
    n_done = 0
    with torch.inference_mode(), Precision(device, precision).autocast():
        for rows in length_sorted_batches(tokenized.lengths, token_budget):
            vectors = reduce(backbone.encode_layers(tokenized.batch(rows).to(device))).cpu().numpy()
            if not n_done:
                kept = np.empty((len(tokenized), *vectors.shape[1:]), dtype=np.float32)
            kept[rows] = vectors
            n_done += len(rows)
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
