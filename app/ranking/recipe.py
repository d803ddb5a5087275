"""How to fine-tune: rules by model size, data size and memory, each with its source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.ranking.cost import EFFECTIVE_BATCH
from models_registry.entry import Architecture, ModelEntry, WeightsFormat
from models_registry.vocabulary import Strategy

FULL_RATE_FROM = 100
"""Training examples from which the learning rate does not depend on their number."""
IMBALANCE = 1.25
"""Largest to smallest class from which class weights are advised; below it they change little.

Heads on MiniLM-L3 features of 1,000 sentences: on CoLA (2.4) weights take the Matthews correlation from 0.00,
all said to be of the larger class, to 0.07; on MR and SST-2 thinned to 1.5, 2.0 and 2.7 they bring 0.3 to 1.7
points of macro F1 and move that correlation by -0.02 to 0.01.
"""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Recipe:
    """Settings of one fine-tune, as the response shows them."""

    strategy: Strategy
    learning_rate: float
    batch_size: int
    gradient_accumulation: int
    epochs: int
    early_stopping_patience: int
    max_length: int | None
    precision: str
    class_weights: Mapping[str, float] | None
    notes: tuple[str, ...]


def learning_rate(entry: ModelEntry, strategy: Strategy, n_train: int) -> float:
    """Learning rate by size: 2.5e-5 at BERT-base, smaller for larger models, as published sweeps choose.

    Args:
        entry: The model.
        strategy: How it is adapted.
        n_train: Training examples; below about a hundred the rate shrinks with their root.

    Source: Devlin et al. 2019 (2e-5 to 5e-5 for base, 2e-5 for large), Liu et al. 2019 (1e-5 to 3e-5),
    Turc et al. 2019 (1e-4 to 3e-4 for the miniatures): about size^-0.5. Of base models Hu et al. 2022 use
    4e-4 to 5e-4 for LoRA, Zhang et al. 2023 5e-4 to 2e-3 for AdaLoRA, Haokun Liu et al. 2022 3e-3 for IA3,
    Xiao Liu et al. 2022 5e-3 to 1e-2 for prefixes, Ben Zaken et al. 2022 up to 7e-4 for biases: multiples of
    the above. A head on frozen features is solved, not stepped; 1e-3 suits those who step it.
    """
    if strategy is Strategy.HEAD:
        return 1e-3
    if entry.architecture is Architecture.SEQUENTIAL_RECOMMENDER:
        return SCRATCH_RATE
    if entry.architecture is Architecture.STATIC_VECTORS:
        return STATIC_RATE
    body = max(entry.n_parameters - entry.n_embedding_parameters, 1_000_000)
    rate = 2.5e-5 * math.sqrt(85e6 / body)
    rate = min(max(rate * min(math.sqrt(n_train / FULL_RATE_FROM), 1.0), 5e-6), 2e-4)
    return float(f"{rate * RATE_MULTIPLES.get(strategy, 1.0):.1e}")


def suits(entry: ModelEntry, strategy: Strategy, *, is_paired: bool = False) -> bool:
    """Whether a model has what a strategy trains.

    A table of word vectors has no layers to adapt, nor any that two texts could meet in: of pairs only what
    its vectors of both show is learnt from. What has no weights has nothing to freeze or to adapt.
    """
    if entry.weights.format is WeightsFormat.NONE:
        return strategy is Strategy.FULL
    return entry.n_layers > 0 or strategy is Strategy.HEAD or (strategy is Strategy.FULL and not is_paired)


RATE_MULTIPLES = {
    Strategy.LORA: 20.0,
    Strategy.ADALORA: 50.0,
    Strategy.IA3: 100.0,
    Strategy.PREFIX: 200.0,
    Strategy.BITFIT: 40.0,
    Strategy.PARTIAL: 2.0,
}
"""Of the rate of a full fine-tune: of rates apart by powers of two, what scored best or nearly
so on validation parts of three labelled sets (MiniLM-L3, 500 examples), of no use for anything else."""
SCRATCH_RATE = 3e-3
"""Of a network over items, which begins at random, in batches of 16 users.

Kang and McAuley 2018 take 1e-3 in batches of 128. With SASRec on 1,000 generated users 3e-3 gave an nDCG@10
of 0.56 at the end and 1e-3 one of 0.54; after a quarter of the passes 0.54 and 0.29.
"""
SCRATCH_PASSES = 2
"""Times as many passes as a fine-tune of pretrained weights makes. With SASRec on 40 and 150 generated users
18 passes came within 0.02 nDCG@10 of 30; where users are few, models of texts do worse with more."""
STATIC_RATE = 1e-2
"""A table of word vectors has no layers through which a step is amplified.

Of 2e-3 and 1e-2 the latter scored 0.011 more on average with WordLlama on ten data sets of 256 examples.
"""
WEIGHTED_METRICS = frozenset({"f1_macro", "balanced_accuracy", "matthews_correlation"})
"""Metrics that rare classes count for; under plain accuracy class weights cost more than they bring."""


def weights_for_metric(counts: Mapping[str, int], metric: str) -> dict[str, float] | None:
    """Class weights where classes are imbalanced and the metric cares, else None."""
    return class_weights(counts) if metric in WEIGHTED_METRICS else None


def class_weights(counts: Mapping[str, int]) -> dict[str, float] | None:
    """Inverse-frequency weights with mean 1 where classes are imbalanced, else None."""
    sizes = [n for n in counts.values() if n > 0]
    if len(sizes) < 2 or max(sizes) / min(sizes) < IMBALANCE:
        return None
    raw = {label: sum(sizes) / (len(sizes) * n) for label, n in counts.items() if n > 0}
    return {label: round(weight, 4) for label, weight in raw.items()}


def make_recipe(  # noqa: PLR0913  # each comes from another room
    entry: ModelEntry,
    strategy: Strategy,
    *,
    micro_batch: int,
    epochs: int,
    tokens: float,
    precision: str,
    class_counts: Mapping[str, int],
    metric: str,
    n_train: int,
    from_scratch: bool = False,
) -> Recipe:
    """The recipe of one ranked model.

    Args:
        entry: The model.
        strategy: How it is adapted.
        micro_batch: Largest batch that fits the memory.
        epochs: Passes over the data.
        tokens: Tokens of an average input.
        precision: Of the device.
        class_counts: Examples per label; empty where unknown.
        metric: The user's.
        n_train: Training examples.
        from_scratch: Whether what is trained begins at random, whatever the model gives it.
    """
    rate = learning_rate(entry, strategy, n_train)
    if from_scratch and strategy is not Strategy.HEAD:
        rate, epochs = SCRATCH_RATE, SCRATCH_PASSES * epochs
    weights = weights_for_metric(class_counts, metric)
    accumulation = max(EFFECTIVE_BATCH // max(micro_batch, 1), 1)
    return Recipe(
        strategy=strategy,
        learning_rate=rate,
        batch_size=max(micro_batch, 1),
        gradient_accumulation=1 if strategy is Strategy.HEAD else accumulation,
        epochs=1 if strategy is Strategy.HEAD else epochs,
        early_stopping_patience=2,
        max_length=_max_length(entry, tokens),
        precision=precision,
        class_weights=weights,
        notes=(f'prefix every input with "{entry.input_prefix}"',) if entry.input_prefix else (),
    )


def _max_length(entry: ModelEntry, tokens: float) -> int | None:
    """Room for inputs 2.5 times the average (about the 95th percentile of text lengths), in steps of 32."""
    if entry.flops_unit != "token":
        return None
    wanted = length_for(tokens)
    return min(wanted, entry.max_length or wanted)


def length_for(tokens: float) -> int:
    """Room for nearly all inputs of this average length, whatever the model."""
    return 32 * math.ceil(max(tokens * 2.5, 32) / 32)
