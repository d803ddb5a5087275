"""What pieces of a run's work cost in seconds, as measured."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.datasets.profile import MAX_SECONDS
from app.probes.sample_size import BACKWARD
from app.ranking.candidates import CandidateTable
from app.ranking.cost import PADDING
from app.ranking.devices import Device
from app.tasks.texts import WRITTEN_METRICS
from models_registry.vocabulary import Strategy

Array: TypeAlias = NDArray[np.float64]

STEP_PASSES = {
    Strategy.FULL: BACKWARD,
    Strategy.LORA: 3.0,
    Strategy.ADALORA: 3.3,
    Strategy.PREFIX: 1.9,
    Strategy.IA3: 1.8,
    Strategy.BITFIT: 1.8,
    Strategy.PARTIAL: 1.7,
}
"""Of each strategy, as `tests/speed/predicted.py` measures on two kinds of machine."""
# Measured on two AVX2 cores (torch 2.13, two threads) with WordLlama, MiniLM-L3, MiniLM-L6 and
# multilingual-e5-small on SST-2, ACL-ARC and THUCNews, 256 + 300 texts of 20 to 61 tokens.
LOAD_SECONDS, LOAD_SECONDS_PER_PARAMETER = 0.5, 1e-8
"""Forking a trial, opening its weights (0.06 to 0.33 s; 1.2 s for 118 million) and fitting the head."""
SLICE_OVERHEAD_SECONDS = 0.5
"""Saving a slice's state: 0 to 1.1 s, 0.5 s on average."""
HEAD_SECONDS_PER_VALUE = 4e-7
"""Of features, two classes: 3.4e-7 to 6.1e-7 at 1,000 to 4,000 examples of 256 to 1,536 features."""
ESTIMATE_SECONDS_PER_COLUMN = 2e-3
"""Of features of 1,000 examples: 1.7e-3 to 2.7e-3 for all estimators together."""
COMPARED = 4
"""Times as many features of a pair as of a text."""
MOST_WORDS_FITTED = 6_000
"""That a head of tags is fitted to: seconds instead of minutes."""
EXAMPLE_SECONDS = 3e-5
"""Tokenising and batching one text: 2e-5 to 4e-5 s, all that a table of word vectors takes."""
HISTORY_SECONDS, ITEM_WIDTH = 7e-4, 64
"""Of one history through a network over items, without the scores of items: 3e-4 to 1e-3 s with SASRec and
GRU4Rec, 5 to 15 items each, two threads and one; and the width of such a network."""
TITLE_TOKENS = 8.0
"""Of the title of an item."""
FILE_SECONDS = 6.5e-3
"""Decoding and scaling one image: 6.3e-3 s, 6.5e-3 s where it is augmented (JPEG of 256 pixels a side)."""
SOUND_SECONDS = 2.5e-3
"""Decoding, resampling and transforming a second of audio: from 5e-4 (FLAC of the model's rate, as samples)
to 8e-3 (FLAC of 44.1 kHz, as AST's spectrogram)."""
MOST_WRITTEN = 48
"""Examples that texts are written of: the standard error of a ROUGE-L of 0.3 is then about 0.02."""
WRITING_PASSES = 3.0
"""Passes over source and answer that writing an answer costs: one over the source, then a token at a time.

1.8 with SmolLM2-135M on DialogSum (300 tokens, 40 of them written, four texts at once) on one core; more
where answers are as long as what they answer.
"""


def fit_seconds(columns: Array, n_examples: int, n_classes: int) -> Array:
    """Seconds of the head and the estimators after a pass.

    Args:
        columns: Of the features of each candidate.
        n_examples: That the pass saw.
        n_classes: Of the task.
    """
    head = HEAD_SECONDS_PER_VALUE * columns * n_examples * max(n_classes / 2, 1.0)
    return np.asarray(head + ESTIMATE_SECONDS_PER_COLUMN * columns * min(n_examples / 1_000, 1.0))


def writing_seconds(per_example: Array, metric: str) -> Array:
    """Seconds in which each candidate writes the texts that a metric reads; 0 where it reads none.

    Args:
        per_example: Of one example through each candidate, forward only.
        metric: Canonical name.
    """
    return per_example * (WRITING_PASSES * MOST_WRITTEN if metric in WRITTEN_METRICS else 0.0)


def loading_seconds(table: CandidateTable) -> Array:
    """Seconds until each candidate's trial has begun."""
    return np.asarray(LOAD_SECONDS + LOAD_SECONDS_PER_PARAMETER * table.parameters)


def pass_seconds(table: CandidateTable, tokens: float, device: Device) -> Array:
    """Seconds of one example through each candidate, forward only."""
    kept = np.where(table.is_per_second, min(tokens, MAX_SECONDS), tokens)
    length = table.units(kept * PADDING)
    operations = table.flops * length + 4.0 * table.layers * table.width * length**2 * table.is_per_token
    # Short texts leave inference as far from the peak as training: 0.28 to 0.30 of it, and 0.25 to 0.34.
    of_files = np.where(table.is_per_second, SOUND_SECONDS * length, FILE_SECONDS)
    own = np.where(table.is_per_token, EXAMPLE_SECONDS, of_files)
    return np.asarray(operations / (device.flops * device.train_efficiency) + own)


def history_seconds(n_items: int, tokens: float, device: Device) -> float:
    """Seconds of one history through a network over items, forward only.

    Args:
        n_items: All are scored at every position.
        tokens: Items of a history.
        device: Measured.
    """
    operations = 2.0 * ITEM_WIDTH * n_items * tokens
    return HISTORY_SECONDS + operations / (device.flops * device.train_efficiency)
