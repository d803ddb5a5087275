"""The registry's models as arrays, so that a request costs a few vector operations and no loops."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models_registry.entry import Architecture, ModelEntry, WeightsFormat
from models_registry.vocabulary import TaskType

Array = NDArray[np.float64]
BYTES_PER_PARAMETER = 4
"""Weights are trained in single precision, whatever they are stored in."""


@dataclass(frozen=True, eq=False)
class CandidateTable:
    """Entries with the numbers that constraints and costs need, each of shape (M,).

    Attributes:
        entries: Sorted by name, length M.
    """

    entries: Sequence[ModelEntry]

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def parameters(self) -> Array:
        """All parameters."""
        return np.array([e.n_parameters for e in self.entries], dtype=np.float64)

    @cached_property
    def flops(self) -> Array:
        """Operations of a forward pass over one unit."""
        return np.array([e.forward_flops for e in self.entries])

    @cached_property
    def is_per_token(self) -> NDArray[np.bool_]:
        """Whether the unit is a token (else an image or a second of audio)."""
        return np.array([e.flops_unit == "token" for e in self.entries])

    @cached_property
    def layers(self) -> Array:
        """Layers."""
        return np.array([e.n_layers for e in self.entries], dtype=np.float64)

    @cached_property
    def width(self) -> Array:
        """Embedding width."""
        return np.array([e.embedding_width for e in self.entries], dtype=np.float64)

    @cached_property
    def max_length(self) -> Array:
        """Most tokens read; infinity without a limit."""
        return np.array([e.max_length or np.inf for e in self.entries])

    @cached_property
    def image_tokens(self) -> Array:
        """Positions that activations are kept for: patches of an image, frames of a second of audio."""
        sides = [(e.input_size or 224) / 16 for e in self.entries]
        return np.array(sides) ** 2

    @cached_property
    def is_convolutional(self) -> NDArray[np.bool_]:
        """Whether it is a convolutional network, whose activations do not grow with width times depth."""
        return np.array([e.architecture is Architecture.CNN for e in self.entries])

    @cached_property
    def file_bytes(self) -> Array:
        """Size of the weights on disk."""
        return np.array(
            [e.weights.n_bytes or e.n_parameters * BYTES_PER_PARAMETER for e in self.entries], float
        )

    @cached_property
    def can_be_probed(self) -> NDArray[np.bool_]:
        """Whether the weights policy lets us load it: safetensors, or a pinned conversion."""
        return np.array(
            [
                e.weights.format is WeightsFormat.SAFETENSORS or e.weights.converter is not None
                for e in self.entries
            ]
        )

    @cached_property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether it is another entry's model packed elsewhere, whole or in 4 bit: never better than that."""
        keys = {e.key for e in self.entries}
        return np.array([e.derived_from in keys for e in self.entries])

    @cached_property
    def _task_masks(self) -> dict[TaskType, NDArray[np.bool_]]:
        return {t: np.array([t in e.task_types for e in self.entries]) for t in TaskType}

    def does(self, task_type: TaskType) -> NDArray[np.bool_]:
        """Whether it can be fine-tuned for this task, shape (M,)."""
        return self._task_masks[task_type]

    @cached_property
    def _language_masks(self) -> dict[str, NDArray[np.bool_]]:
        return {}

    def reads(self, languages: Sequence[str]) -> NDArray[np.bool_]:
        """Whether it was pretrained on all these languages; models without text pass, shape (M,)."""
        result = np.ones(len(self), dtype=bool)
        for language in languages:
            mask = self._language_masks.get(language)
            if mask is None:
                mask = np.array([not e.languages or e.reads(language) for e in self.entries])
                self._language_masks[language] = mask
            result &= mask
        return result


def is_quantised(entry: ModelEntry) -> bool:
    """Whether the stored weights are a 4-bit copy."""
    return entry.weights.format in {WeightsFormat.GGUF, WeightsFormat.Q4_0}
