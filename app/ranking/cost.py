"""What a fine-tune costs: seconds, bytes, latency, energy, money, from parameters, tokens and device.

Notation:
    N           examples; E epochs; T tokens an example (after truncation); B micro-batch
    F           operations of a forward pass over one example: flops per token x T, plus attention
    P           parameters; L layers; d width

    full        3 F N E operations (the backward pass costs twice the forward), 16 P bytes of weights,
                gradients and Adam moments, plus activations of a micro-batch
    lora        2 F N E (no weight gradients for the frozen part), 4 P bytes plus activations; so do
                adalora, ia3, bitfit and prefix
    partial     2 F N E (the backward pass ends half-way), 10 P bytes plus half of the activations
    head        F N (one pass, then a linear model), 4 P bytes plus one layer's activations

Source: activations by Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer
Models", equation 1: T B d (34 + 5 a T / d) bytes a layer at 16 bit with a heads of width 64.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.candidates import CandidateTable
from app.ranking.devices import Device
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]

MICRO_BATCHES = (32, 16, 8, 4, 2, 1)
"""Powers of two, the largest first."""
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
ADAPTER_BYTES = 4.2
PARTIAL_BYTES = 10.0
FROZEN_BYTES = 4
HEAD_SECONDS_PER_EXAMPLE = 2e-4
"""Fitting a logistic regression on cached features; 1,000 of width 384 take about 0.2 s on two cores."""
STRATEGIES = (Strategy.FULL, Strategy.LORA, Strategy.HEAD)
"""Those that are recommended where nothing was probed. The head is the last of any such list."""
STATE_BYTES = {Strategy.FULL: ADAM_BYTES, Strategy.PARTIAL: PARTIAL_BYTES, Strategy.HEAD: FROZEN_BYTES}
"""Bytes a parameter of weights, gradients and moments; of others `ADAPTER_BYTES`."""
_BATCHES_BY_EXPONENT = np.array(sorted(MICRO_BATCHES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much there is to train on.

    Attributes:
        n_examples: Labelled examples.
        tokens: Tokens an example before truncation; of audio seconds.
        epochs: Passes over the data.
    """

    n_examples: int
    tokens: float
    epochs: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Costs:
    """Predicted costs of every model under every strategy, each of shape (S, M).

    Attributes:
        strategies: S of them.
        train_seconds: Wall time of the fine-tune.
        peak_bytes: Memory of one device.
        latency_ms: One prediction alone, on the same device; shape (M,), whatever the strategy.
        watts: Power of all devices under load; a number.
        micro_batch: Largest micro-batch that fits the memory; 1 where none does, as `peak_bytes` shows.
    """

    strategies: tuple[Strategy, ...]
    train_seconds: Array
    peak_bytes: Array
    latency_ms: Array
    watts: float
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
    return min(max(round(3.0 * math.pow(10_000 / max(n_examples, 1), 0.35)), 2), 10)


def passes_of_step(strategy: Strategy) -> float:
    """Forward passes that an example costs in training: the backward pass costs another two, or a part."""
    return 3.0 if strategy is Strategy.FULL else 2.0


def predict_costs(
    table: CandidateTable,
    work: Workload,
    device: Device,
    *,
    n_devices: int,
    memory_bytes: float,
    strategies: tuple[Strategy, ...] = STRATEGIES,
) -> Costs:
    """Costs of adapting every model with every strategy; the head is the last of them."""
    length = table.units(work.tokens * PADDING)
    positions = table.positions(length)
    forward = table.flops * length + table.attention * positions * positions
    rate = device.flops * device.train_efficiency
    once = work.n_examples * (1.0 + EVALUATION_SHARE) / (rate * n_devices)
    passes = np.array([passes_of_step(s) * work.epochs for s in strategies[:-1]] + [1.0])
    seconds = np.multiply.outer(passes * once, forward)
    seconds += START_SECONDS
    seconds[-1] += HEAD_SECONDS_PER_EXAMPLE * work.n_examples
    peak, micro = _memory(table, positions, device, memory_bytes, strategies)
    return Costs(
        strategies=strategies,
        train_seconds=seconds,
        peak_bytes=peak,
        latency_ms=forward * (1e3 / rate) + table.layers * (1e3 * device.launch_seconds),
        watts=device.watts * n_devices,
        micro_batch=micro,
    )


def _memory(
    table: CandidateTable, positions: Array, device: Device, limit: float, strategies: tuple[Strategy, ...]
) -> tuple[Array, NDArray[np.intp]]:
    """Peak bytes at the largest micro-batch that fits, or at 1, and that micro-batch, both (S, M)."""
    bytes_per_value = 2.0 if device.precision == "fp32" else 1.0  # relative to the formula's 16 bit
    layer = positions * (34.0 * table.width + 5.0 * table.heads * positions)
    layer *= bytes_per_value
    per_example = np.empty((len(strategies), len(table)))
    kept = [0.5 if s is Strategy.PARTIAL else 1.0 for s in strategies[:-1]]
    per_example[:-1] = np.multiply.outer(kept, layer * table.layers)
    per_example[-1] = layer
    if table.has_cnn:
        convolutional = table.cnn_bytes * bytes_per_value
        per_example[:-1] = np.where(table.is_convolutional, CNN_COPIES * convolutional, per_example[:-1])
        per_example[-1] = np.where(table.is_convolutional, convolutional, layer)
    state = [STATE_BYTES.get(s, ADAPTER_BYTES) for s in strategies]
    base = np.multiply.outer(state, table.parameters) + device.runtime_bytes
    most = (limit - base) / np.maximum(per_example, 1.0)
    # The largest power of two that is not above `most`, which its binary exponent says.
    exponent = np.frexp(np.minimum(np.maximum(most, 1.0), MICRO_BATCHES[0]))[1] - 1
    micro = _BATCHES_BY_EXPONENT[exponent]
    return base + per_example * micro, micro
