"""The registry's models as arrays, so that a request costs a few vector operations and no loops."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.exclusions import ModelWords
from models_registry.entry import Architecture, ModelEntry, WeightsFormat
from models_registry.vocabulary import TaskType

Array = NDArray[np.float64]
Index = NDArray[np.intp]
BYTES_PER_PARAMETER = 4
"""Weights are trained in single precision, whatever they are stored in."""


@dataclass(frozen=True, eq=False, slots=True)
class Words:
    """One word a model, few of them distinct.

    Attributes:
        distinct: The words.
        codes: Which of them each model has, shape (M,).
    """

    distinct: tuple[str, ...]
    codes: Index

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """These words, one a model."""
        number: dict[str, int] = {}
        codes = np.array([number.setdefault(word, len(number)) for word in words], dtype=np.intp)
        return cls(tuple(number), codes)

    def __getitem__(self, models: Index) -> "Words":
        """The words of these models."""
        return Words(self.distinct, self.codes[models])

    def where(self, test: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Which models' words pass the test, shape (M,)."""
        return np.array([test(word) for word in self.distinct], dtype=bool)[self.codes]


@dataclass(frozen=True, eq=False)
class CandidateTable:
    """Entries with the numbers that constraints and costs need, each of shape (M,).

    Attributes:
        entries: Sorted by name, length M.
    """

    entries: Sequence[ModelEntry]

    def __len__(self) -> int:
        return len(self.entries)

    def among(self, models: Index) -> "CandidateTable":
        """The same table of these models only: its columns are cut, not computed anew."""
        part = CandidateTable([self.entries[i] for i in models.tolist()])
        vars(part).update({name: getattr(self, name)[models] for name in _COLUMNS})
        return part

    @cached_property
    def names(self) -> Sequence[str]:
        """Full names, length M."""
        return [e.name for e in self.entries]

    def words(self, model: int) -> ModelWords:
        """What the exclusion of this model is worded with."""
        return ModelWords.of(self.entries[model])

    @cached_property
    def parameters(self) -> Array:
        """All parameters."""
        return np.array([e.n_parameters for e in self.entries], dtype=np.float64)

    @cached_property
    def flops(self) -> Array:
        """Operations of a forward pass over one unit."""
        return np.array([e.forward_flops for e in self.entries])

    @cached_property
    def has_cnn(self) -> bool:
        """Whether any is a convolutional network."""
        return bool(self.is_convolutional.any())

    @cached_property
    def attention(self) -> Array:
        """Operations of attention for each square of a position; 0 where inputs are not read in tokens."""
        return np.asarray(4.0 * self.layers * self.width * self.is_per_token)

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
    def heads(self) -> Array:
        """Attention heads, of width 64 each."""
        return np.maximum(self.width / 64.0, 1.0)

    @cached_property
    def max_units(self) -> Array:
        """Most units of an input: tokens, or the one image or second."""
        return np.where(self.is_per_token, self.max_length, 1.0)

    @cached_property
    def cnn_bytes(self) -> Array:
        """Of a convolutional network's activations on one image, at 16 bit."""
        return 2.0 * cnn_activations(self.flops)

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
        return np.array([e.derived_from in keys for e in self.entries], dtype=bool)

    @cached_property
    def hubs(self) -> Words:
        """Where it lives."""
        return Words.of(e.hub for e in self.entries)

    @cached_property
    def licences(self) -> Words:
        """Its licence."""
        return Words.of(e.licence for e in self.entries)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where each name stands, parts that leave no doubt dropped."""
        places: dict[str, list[int]] = {}
        for i, e in enumerate(self.entries):
            for name in (e.name, e.key, e.id):
                places.setdefault(name, []).append(i)
        return places

    def named(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Which models one of these names means, full or without hub or revision, shape (M,)."""
        mask = np.zeros(len(self), dtype=bool)
        for name in names:
            mask[self._places.get(name, [])] = True
        return mask

    @cached_property
    def _task_masks(self) -> dict[TaskType, NDArray[np.bool_]]:
        masks = {t: np.zeros(len(self), dtype=bool) for t in TaskType}
        for i, e in enumerate(self.entries):
            for task_type in e.task_types:
                masks[task_type][i] = True
        return masks

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
                mask = np.array([not e.languages or e.reads(language) for e in self.entries], dtype=bool)
                self._language_masks[language] = mask
            result &= mask
        return result


def cnn_activations(flops: Array) -> Array:
    """Values that a convolutional network computes on one image, by the operations it takes.

    Source: fitted to the published GMACs and activation counts of 197 networks of the timm benchmark tables
    (results/benchmark-*.csv); nine in ten lie within a factor of 2.4.
    """
    return np.asarray(7.84e6 * (flops / 2e9) ** 0.524)


_COLUMNS = tuple(
    name
    for name, member in vars(CandidateTable).items()
    if isinstance(member, cached_property) and name not in {"names", "has_cnn"} and not name.startswith("_")
)
"""The public columns."""


def is_quantised(entry: ModelEntry) -> bool:
    """Whether the stored weights are a 4-bit copy."""
    return entry.weights.format in {WeightsFormat.GGUF, WeightsFormat.Q4_0}
