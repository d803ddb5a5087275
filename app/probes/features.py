"""Frozen features: one pass of a model over texts.

Texts are tokenised once, sorted by length and cut into batches of about equal cost, so that hardly any
padding is computed.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from app.probes.backbones import Backbone, TokenizedTexts

TOKEN_BUDGET = 1_024
"""Tokens a batch with padding: enough to fill two cores' matrix products, small enough for their caches."""
MOST_ROWS = 64
"""Texts a batch, however short they are."""

Features = NDArray[np.float32]
OnBatch = Callable[[int], None]


def _nothing(_n_done: int) -> None:
    """Nobody listens."""


def extract_features(
    backbone: Backbone,
    texts: Sequence[str],
    *,
    max_length: int,
    token_budget: int = TOKEN_BUDGET,
    on_batch: OnBatch = _nothing,
) -> Features:
    """One vector a text, shape (n, d).

    Args:
        backbone: The model.
        texts: n texts.
        max_length: Tokens kept of each.
        token_budget: Tokens a batch, padding included.
        on_batch: Told after each batch how many texts are done.
    """
    return encode_tokenized(
        backbone, backbone.tokenize(texts, max_length), token_budget=token_budget, on_batch=on_batch
    )


def encode_tokenized(
    backbone: Backbone,
    tokenized: TokenizedTexts,
    *,
    token_budget: int = TOKEN_BUDGET,
    on_batch: OnBatch = _nothing,
) -> Features:
    """As `extract_features`, of texts that are tokenised already."""
    features = np.empty((len(tokenized), backbone.width), dtype=np.float32)
    device = next(backbone.module.parameters()).device
    backbone.module.eval()
    n_done = 0
    with torch.inference_mode():
        for rows in length_sorted_batches(tokenized.lengths, token_budget):
            vectors = backbone.encode(tokenized.batch(rows).to(device))
            features[rows] = vectors.float().cpu().numpy()
            n_done += len(rows)
            on_batch(n_done)
    return features


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
