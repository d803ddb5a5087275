"""How much memory a trial takes, and how it is made to fit: micro-batches, then activations made again.

Notation:
    P_e, P_b   parameters of the input vectors and of all else;  L layers of width d
    B, T       micro-batch, tokens of its longest texts

    peak = base + e 4 P_e + s P_b + k a 4 B T d L

Of a model that writes the input vectors train too, so P_b is all parameters, and logits come on top, one a
token of the vocabulary: 4 V (3 B T + T'), T' being the tokens of a validation batch.

The constants are those of the recorded runs (13 models, texts of 32 to 64 tokens, B = 16): they foretell the
largest resident size of nearly each within 20 %. `tests/speed/predicted.py` measures other data and batches.
"""

import math
from dataclasses import dataclass

import numpy as np

from app.ranking.candidates import FRAMES_A_SECOND, cnn_activations
from app.ranking.cost import ADAPTER_BYTES, CNN_COPIES, STATE_BYTES
from models_registry.entry import Architecture, ModelEntry
from models_registry.vocabulary import Strategy

BASE_BYTES, STATIC_BASE_BYTES = 0.58e9, 0.45e9
"""A trial that has loaded nothing: torch, the data, and of networks with layers the model's code."""
INPUT_COPIES, STATIC_INPUT_COPIES = 1.2, 2.75
"""Of the input vectors as loaded; all but those of the data's tokens are dropped before training."""
VALUES_A_LAYER = 40.0
"""Of width d, kept or in passing, a token and layer: attention, the feed-forward layer, their gradients."""
KEPT = {
    Strategy.LORA: 1.4,
    Strategy.ADALORA: 1.4,
    Strategy.IA3: 0.9,
    Strategy.PREFIX: 0.75,
    Strategy.BITFIT: 0.6,
    Strategy.PARTIAL: 0.45,
}
"""Activations relative to those of a full fine-tune, as recorded: adapters keep inputs of their own, and
frozen maps need not keep theirs."""
CHECKPOINTED_VALUES = 2.0
"""The same where only the ends of layers are kept; one layer at a time takes the full number."""
MICRO_BATCHES = (16, 8, 4, 2, 1)
MARGIN = 1.2
"""Predictions are right within a fifth."""
LOGIT_COPIES = 3.0
"""Of a model that writes: its logits, their logarithms as probabilities, and their gradients."""
VALIDATION_TOKENS = 2_048
"""Tokens a validation batch, padding included."""
NOT_CHECKPOINTED = frozenset({Strategy.PREFIX})
"""A prefix enters as a cache, which layers that are computed again do not know."""


PATCH, IMAGE_SIZE = 16, 224
"""Pixels a side of a transformer's patch, and of an image where the entry does not say: the commonest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """How a fine-tune is fitted into memory.

    Attributes:
        micro_batch: Examples at once.
        gradient_checkpointing: Whether activations are computed again.
        peak_bytes: Predicted.
    """

    micro_batch: int
    gradient_checkpointing: bool
    peak_bytes: float


def peak_bytes(
    entry: ModelEntry,
    strategy: Strategy,
    *,
    micro_batch: int,
    tokens: int,
    gradient_checkpointing: bool = False,
    writes: bool = False,
) -> float:
    """Largest resident size of a trial.

    Args:
        entry: The model.
        strategy: How it is adapted.
        micro_batch: B.
        tokens: T, of a text; of audio its seconds.
        gradient_checkpointing: Whether activations are computed again.
        writes: Whether it writes texts.
    """
    inputs = 4.0 * entry.n_embedding_parameters
    if entry.n_layers == 0:
        return STATIC_BASE_BYTES + STATIC_INPUT_COPIES * inputs
    n_trained = entry.n_parameters - (0 if writes else entry.n_embedding_parameters)
    state = STATE_BYTES.get(strategy, ADAPTER_BYTES) * n_trained
    kept = KEPT.get(strategy, 1.0) * 4.0 * micro_batch
    layer = kept * places(entry, tokens) * entry.embedding_width
    if entry.architecture is Architecture.CNN:
        activations = (
            kept * CNN_COPIES * float(cnn_activations(np.array(entry.forward_flops, dtype=np.float64)))
        )
    elif gradient_checkpointing:
        activations = layer * (VALUES_A_LAYER + CHECKPOINTED_VALUES * entry.n_layers)
    else:
        activations = layer * VALUES_A_LAYER * entry.n_layers
    return (
        BASE_BYTES
        + INPUT_COPIES * inputs
        + state
        + activations
        + (logit_bytes(entry, micro_batch * tokens) if writes else 0.0)
    )


def logit_bytes(entry: ModelEntry, n_tokens: int) -> float:
    """What a model that writes holds as wide as its vocabulary, in training on so many tokens at once."""
    vocabulary = entry.n_embedding_parameters / entry.embedding_width
    return 4.0 * vocabulary * (LOGIT_COPIES * n_tokens + VALIDATION_TOKENS)


def places(entry: ModelEntry, tokens: int) -> int:
    """Positions of an input: tokens of a text, frames of audio, patches of an image and one more."""
    if entry.flops_unit == "token":
        return tokens
    if entry.flops_unit == "second":
        return math.ceil(FRAMES_A_SECOND * max(tokens, entry.window_seconds or 0.0))
    return ((entry.input_size or IMAGE_SIZE) // PATCH) ** 2 + 1


def fitted(
    entry: ModelEntry, strategy: Strategy, tokens: int, limit_bytes: float, *, writes: bool = False
) -> Footprint:
    """The largest micro-batch within the limit, activations kept if at all possible.

    Where nothing fits it is the smallest there is: the trial then ends by its limit, which is its outcome.
    """
    found = Footprint(micro_batch=1, gradient_checkpointing=False, peak_bytes=math.inf)
    for checkpointing in (False,) if strategy in NOT_CHECKPOINTED else (False, True):
        for micro_batch in MICRO_BATCHES:
            peak = peak_bytes(
                entry,
                strategy,
                micro_batch=micro_batch,
                tokens=tokens,
                gradient_checkpointing=checkpointing,
                writes=writes,
            )
            found = Footprint(micro_batch=micro_batch, gradient_checkpointing=checkpointing, peak_bytes=peak)
            if MARGIN * peak <= limit_bytes:
                return found
    return found
