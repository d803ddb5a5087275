"""Features of the last layer, as the head reads them."""

from collections.abc import Sequence

from app.probes.backbones import TextBackbone
from app.probes.features import TOKEN_BUDGET, Features, extract_features


def last_layer(
    backbone: TextBackbone, texts: Sequence[str], *, max_length: int, token_budget: int = TOKEN_BUDGET
) -> Features:
    """One vector a text, shape (n, d)."""
    tokenized = backbone.tokenize(texts, max_length)
    return extract_features(backbone, tokenized, token_budget=token_budget)[:, -1]
