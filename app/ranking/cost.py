"""What a fine-tune costs: seconds, bytes, latency, energy, money, from parameters, tokens and device.

Notation:
    N           examples; E epochs; T tokens an example (after truncation); B micro-batch
    F           operations of a forward pass over one example: flops per token x T, plus attention
    P           parameters; L layers; d width

    full        3 F N E operations (the backward pass costs twice the forward), 16 P bytes of weights,
                gradients and Adam moments, plus activations of a micro-batch
    lora        2 F N E (no weight gradients for the frozen part), 4 P bytes plus activations
    head        F N (one pass, then a linear model), 4 P bytes plus one layer's activations

Source: activations by Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer
Models", equation 1: T B d (34 + 5 a T / d) bytes a layer at 16 bit with a heads of width 64.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.candidates import CandidateTable
from app.ranking.devices import Device
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]

MICRO_BATCHES = (32, 16, 8, 4, 2, 1)
EFFECTIVE_BATCH = 32
TOKENS_PER_WORD = 1.3
"""Word pieces an English word, BERT's vocabulary on running text; within 10 % for GPT-2's."""
PADDING = 1.1
"""Padding left after bucketing by length."""
EVALUATION_SHARE = 0.1
"""Validation after each epoch, as a share of the training time."""
START_SECONDS = 15.0
"""Loading weights and tokenising, before the first step."""
ADAM_BYTES = 16
CNN_COPIES = 3.0
"""Activations kept for the backward pass, their gradients, and the workspace of the convolutions."""
LORA_BYTES = 4.2
FROZEN_BYTES = 4
HEAD_SECONDS_PER_EXAMPLE = 2e-4
"""Fitting a logistic regression on cached features; 1,000 of width 384 take about 0.2 s on two cores."""
STRATEGIES = (Strategy.FULL, Strategy.LORA, Strategy.HEAD)
_TRAIN_PASSES = np.array([3.0, 2.0, 1.0])
_STATE_BYTES = np.array([ADAM_BYTES, LORA_BYTES, FROZEN_BYTES])
_IS_HEAD = np.array([s is Strategy.HEAD for s in STRATEGIES])
_BATCHES = np.array(MICRO_BATCHES, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much there is to train on.

    Attributes:
        n_examples: Labelled examples.
        tokens: Tokens an example before truncation.
        epochs: Passes over the data.
    """

    n_examples: int
    tokens: float
    epochs: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Costs:
    """Predicted costs of every model under every strategy, each of shape (S, M), S in order of `STRATEGIES`.

    Attributes:
        train_seconds: Wall time of the fine-tune.
        peak_bytes: Memory of one device.
        latency_ms: One prediction alone, on the same device; shape (M,), whatever the strategy.
        energy_wh: Of the fine-tune.
        micro_batch: Largest micro-batch that fits the memory; 0 where none does.
    """

    train_seconds: Array
    peak_bytes: Array
    latency_ms: Array
    energy_wh: Array
    micro_batch: NDArray[np.intp]


def tokens_per_example(mean_length: float | None, *, is_cjk: bool) -> float:
    """Tokens of an average input; a sentence's worth where its length is unknown.

    Args:
        mean_length: Characters of CJK text, words elsewhere.
        is_cjk: Whether the text is Chinese, Japanese or Korean.
    """
    if mean_length is None:
        return 64.0
    return mean_length + 2.0 if is_cjk else mean_length * TOKENS_PER_WORD + 2.0


def epochs_for(n_examples: int) -> int:
    """More passes over less data: about 3 epochs at 10,000 examples, 10 at a few hundred.

    Source: Mosbach et al. 2021, "On the Stability of Fine-tuning BERT": small sets need more steps.
    """
    return int(np.clip(round(3.0 * (10_000 / max(n_examples, 1)) ** 0.35), 2, 10))


def predict_costs(
    table: CandidateTable, work: Workload, device: Device, *, n_devices: int, memory_bytes: float
) -> Costs:
    """Costs of adapting every model with every strategy."""
    length = np.where(table.is_per_token, np.minimum(work.tokens * PADDING, table.max_length), 1.0)
    positions = np.where(table.is_per_token, length, table.image_tokens)
    forward = table.flops * length + 4.0 * table.layers * table.width * positions**2 * table.is_per_token
    passes = _TRAIN_PASSES * np.where(_IS_HEAD, 1, work.epochs)
    operations = forward * passes[:, None] * work.n_examples * (1.0 + EVALUATION_SHARE)
    seconds = operations / (device.flops * device.train_efficiency * n_devices) + START_SECONDS
    seconds += (_IS_HEAD * HEAD_SECONDS_PER_EXAMPLE * work.n_examples)[:, None]
    peak, micro = _memory(table, positions, device, memory_bytes)
    latency = forward / (device.flops * device.train_efficiency) + table.layers * device.launch_seconds
    return Costs(
        train_seconds=seconds,
        peak_bytes=peak,
        latency_ms=latency * 1e3,
        energy_wh=seconds * device.watts * n_devices / 3600.0,
        micro_batch=micro,
    )


def cnn_activations(flops: Array) -> Array:
    """Values that a convolutional network computes on one image, by the operations it takes.

    Source: fitted to the published GMACs and activation counts of 197 networks of the timm benchmark tables
    (results/benchmark-*.csv); nine in ten lie within a factor of 2.4.
    """
    return np.asarray(7.84e6 * (flops / 2e9) ** 0.524)


def _memory(
    table: CandidateTable, positions: Array, device: Device, limit: float
) -> tuple[Array, NDArray[np.intp]]:
    """Peak bytes at the largest micro-batch that fits, and that micro-batch (0 where none), both (S, M)."""
    bytes_per_value = 2.0 if device.precision == "fp32" else 1.0  # relative to the formula's 16 bit
    heads = np.maximum(table.width / 64.0, 1.0)
    layer = positions * table.width * (34.0 + 5.0 * heads * positions / table.width) * bytes_per_value
    transformer = layer * np.where(_IS_HEAD[:, None], 1.0, table.layers)
    passes = np.where(_IS_HEAD[:, None], 1.0, CNN_COPIES)
    convolutional = 2.0 * bytes_per_value * passes * cnn_activations(table.flops)
    per_example = np.where(table.is_convolutional, convolutional, transformer)
    base = table.parameters * _STATE_BYTES[:, None] + device.runtime_bytes
    peaks = base + per_example * _BATCHES[:, None, None]  # (6, S, M)
    fits = peaks <= limit
    fits_at_all = fits[-1]  # the smallest micro-batch
    choice = np.where(fits_at_all, fits.argmax(axis=0), len(MICRO_BATCHES) - 1)
    peak = np.take_along_axis(peaks, choice[None], axis=0)[0]
    return peak, np.where(fits_at_all, _BATCHES[choice], 0).astype(np.intp)
