"""How much of the data a run works on: what its budget pays for."""

from dataclasses import dataclass, replace

import numpy as np

from app.ranking.cost import epochs_for

MIN_VALIDATION, MAX_VALIDATION = 256, 1_000
VALIDATION_SHARE = 0.2
MAX_TRAIN, MIN_TRAIN = 8_000, 256
MIN_FEATURES = 64
N_SIZES = 24
"""Training sizes that are weighed up, evenly spaced in their logarithm."""
BACKWARD = 3.0
"""Passes that a step of full training costs: the backward pass costs twice the forward."""
TRAINED_SHARE = 0.15
"""Share of the cost of fine-tuning every candidate on the sample that the budget is to be."""
FEATURE_SHARE = 0.3
"""Share of the budget that the passes over the data may take, which sets how many examples they see."""
MOST_WORDS_SEEN = 100_000
"""Of the training examples that a pass sees: 0.3 GB of features of 768 columns."""
MOST_VALIDATION_TEXTS = 64
"""Texts to be written that are validated on at most: each of their words says as much as a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How much of the data a run works on.

    Attributes:
        n_train: Examples trained on.
        n_validation: Examples validated on.
        n_features: Of the training examples, those that feature passes see; None for all.
    """

    n_train: int
    n_validation: int
    n_features: int | None = None

    @property
    def n_seen(self) -> int:
        """Training examples that a feature pass sees."""
        return self.n_train if self.n_features is None else self.n_features


def choose_sample(
    n_examples: int, budget_seconds: float, example_seconds: float, *, most_validation: int = MAX_VALIDATION
) -> Sample:
    """How much of the data a run trains on, and how much of that its feature passes see.

    As many training examples as let the budget pay for `TRAINED_SHARE` of all fine-tunes: fewer would be
    trained to their end and say little about the whole data, more would hardly be begun.

    Args:
        n_examples: In the data set.
        budget_seconds: Of the run.
        example_seconds: Of one example through all candidates, forward only.
        most_validation: Examples validated on at most.
    """
    most = max(n_examples - int(VALIDATION_SHARE * n_examples), 1)
    sizes = np.unique(np.geomspace(min(MIN_TRAIN, most), min(MAX_TRAIN, most), N_SIZES).astype(int))
    costs = [BACKWARD * n * epochs_for(int(n)) * example_seconds for n in sizes]
    affordable = [
        int(n) for n, cost in zip(sizes, costs, strict=True) if TRAINED_SHARE * cost <= budget_seconds
    ]
    n_train = affordable[-1] if affordable else int(sizes[0])
    n_validation = min(
        int(np.clip(VALIDATION_SHARE * n_train, MIN_VALIDATION, MAX_VALIDATION)), most_validation
    )
    n_validation = max(min(n_validation, n_examples - most), 1)
    passes = FEATURE_SHARE * budget_seconds / max(example_seconds, 1e-9) - n_validation
    return Sample(
        n_train=n_train,
        n_validation=n_validation,
        n_features=int(np.clip(passes, min(MIN_FEATURES, n_train), n_train)),
    )


def with_fewer_seen(sample: Sample, words: float) -> Sample:
    """The sample, of which a pass sees no more words than are kept in memory.

    Args:
        sample: Sizes of the parts.
        words: Of an example on average.
    """
    most = max(int(MOST_WORDS_SEEN / words), min(MIN_FEATURES, sample.n_train))
    return replace(sample, n_features=min(sample.n_seen, most))
