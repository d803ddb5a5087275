"""The registry's models as arrays, so that a request costs a few vector operations and no loops."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from app.exclusions import ModelWords
from app.ranking.candidate_facts import CandidateFacts
from app.ranking.coded import Coded
from models_registry.entry import ModelEntry, WeightsFormat
from models_registry.vocabulary import MULTILINGUAL, TaskType

FRAMES_A_SECOND = 50
"""Positions of a second of audio: of wav2vec 2.0 and its kin, and of Whisper."""

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class Chosen(Sequence[ModelEntry]):
    """Some of many entries; none is looked at before it is asked for."""

    entries: Sequence[ModelEntry]
    models: Index

    def __len__(self) -> int:
        return len(self.models)

    @overload
    def __getitem__(self, place: int) -> ModelEntry: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[ModelEntry]: ...

    def __getitem__(self, place: int | slice) -> ModelEntry | Sequence[ModelEntry]:
        """The entry at a place, or those of a range."""
        if isinstance(place, slice):
            return Chosen(self.entries, self.models[place])
        return self.entries[int(self.models[place])]


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
    def facts(self) -> CandidateFacts:
        """All that is read from the entries."""
        return CandidateFacts.of(self.entries)

    def among(self, models: Index) -> "CandidateTable":
        """The same table of these models only: its columns are cut, not computed anew."""
        part = CandidateTable(Chosen(self.entries, models))
        vars(part).update({name: getattr(self, name)[models] for name in _COLUMNS})
        return part

    @property
    def names(self) -> Sequence[str]:
        """Full names, length M."""
        return self.facts.names

    def words(self, model: int) -> ModelWords:
        """What the exclusion of this model is worded with."""
        return ModelWords.of(self.entries[model])

    @cached_property
    def parameters(self) -> Array:
        """All parameters."""
        return self._number("parameters")

    @cached_property
    def flops(self) -> Array:
        """Operations of a forward pass over one unit."""
        return self._number("flops")

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
        return self._number("is_per_token")

    @cached_property
    def is_per_second(self) -> NDArray[np.bool_]:
        """Whether the unit is a second of audio."""
        return self._number("is_per_second")

    @cached_property
    def window_seconds(self) -> Array:
        """Of audio that is always read; 0 where there is none or it is read as it is."""
        return self._number("window_seconds")

    @cached_property
    def layers(self) -> Array:
        """Layers."""
        return self._number("layers")

    @cached_property
    def width(self) -> Array:
        """Embedding width."""
        return self._number("width")

    @cached_property
    def max_length(self) -> Array:
        """Most tokens read; infinity without a limit."""
        return self._number("max_length")

    @cached_property
    def image_tokens(self) -> Array:
        """Positions that activations are kept for: patches of an image."""
        return np.asarray(np.square(self._number("input_size") / 16))

    @cached_property
    def is_convolutional(self) -> NDArray[np.bool_]:
        """Whether it is a convolutional network, whose activations do not grow with width times depth."""
        return self._number("is_convolutional")

    @cached_property
    def heads(self) -> Array:
        """Attention heads, of width 64 each."""
        return np.maximum(self.width / 64.0, 1.0)

    @cached_property
    def max_units(self) -> Array:
        """Most units of an input: tokens, seconds, or the one image."""
        return np.where(self.is_per_token, self.max_length, np.where(self.is_per_second, np.inf, 1.0))

    def units(self, length: float | Array) -> Array:
        """Units of an input of so many tokens or seconds: no more than is read, no less than always is."""
        return np.maximum(np.minimum(length, self.max_units), self.window_seconds)

    def positions(self, units: Array) -> Array:
        """Positions that activations are kept for: tokens, frames of so many seconds, patches of an image."""
        others = np.where(self.is_per_second, units * FRAMES_A_SECOND, self.image_tokens)
        return np.where(self.is_per_token, units, others)

    @cached_property
    def cnn_bytes(self) -> Array:
        """Of a convolutional network's activations on one image, at 16 bit."""
        return 2.0 * cnn_activations(self.flops)

    @cached_property
    def file_bytes(self) -> Array:
        """Size of the weights on disk."""
        return self._number("file_bytes")

    @cached_property
    def can_be_probed(self) -> NDArray[np.bool_]:
        """Whether the weights policy lets us load it: safetensors, or a pinned conversion."""
        return self._number("can_be_probed")

    @cached_property
    def is_pretrained(self) -> NDArray[np.bool_]:
        """Whether it has weights; else it is trained from scratch, and there is nothing to freeze."""
        return self._number("is_pretrained")

    @cached_property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether it is another entry's model packed elsewhere, whole or in 4 bit: never better than that."""
        keys, pairs = set(self.facts.keys), zip(self.facts.keys, self.facts.rows, strict=True)
        return np.array([row != key and row in keys for key, row in pairs], dtype=bool)

    @cached_property
    def hubs(self) -> Coded[str]:
        """Where it lives."""
        return self.facts.hubs

    @cached_property
    def licences(self) -> Coded[str]:
        """Its licence."""
        return self.facts.licences

    def _number(self, name: str) -> NDArray[Any]:
        return np.ascontiguousarray(self.facts.numbers[name])

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where each name stands, parts that leave no doubt dropped."""
        places: dict[str, list[int]] = {}
        for i, (name, key) in enumerate(zip(self.facts.names, self.facts.keys, strict=True)):
            for part in (name, key, key.split(":", 1)[1]):
                places.setdefault(part, []).append(i)
        return places

    def named(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Which models one of these names means, full or without hub or revision, shape (M,)."""
        mask = np.zeros(len(self), dtype=bool)
        for name in names:
            mask[self._places.get(name, [])] = True
        return mask

    def with_keys(self, keys: Container[str]) -> Index:
        """Models with one of these keys (`hub:id`), ascending."""
        return np.array([i for i, key in enumerate(self.facts.keys) if key in keys], dtype=np.intp)

    @property
    def reads_texts(self) -> NDArray[np.bool_]:
        """Whether it was pretrained on texts, shape (M,)."""
        return self.facts.languages.where(bool)

    def does(self, task_type: TaskType) -> NDArray[np.bool_]:
        """Whether it can be fine-tuned for this task, shape (M,)."""
        return self.facts.task_types.where(lambda mine: task_type in mine)

    def reads(self, languages: Sequence[str]) -> NDArray[np.bool_]:
        """Whether it was pretrained on all these languages; models without text pass, shape (M,)."""
        return self.facts.languages.where(
            lambda mine: not mine or MULTILINGUAL in mine or mine.issuperset(languages)
        )


def cnn_activations(flops: Array) -> Array:
    """Values that a convolutional network computes on one image, by the operations it takes.

    Source: fitted to the published GMACs and activation counts of 197 networks of the timm benchmark tables
    (results/benchmark-*.csv); nine in ten lie within a factor of 2.4.
    """
    return np.asarray(7.84e6 * (flops / 2e9) ** 0.524)


_COLUMNS = tuple(
    name
    for name, member in vars(CandidateTable).items()
    if isinstance(member, cached_property) and name not in {"facts", "has_cnn"} and not name.startswith("_")
)
"""The public columns."""


def is_quantised(entry: ModelEntry) -> bool:
    """Whether the stored weights are a 4-bit copy."""
    return entry.weights.format in {WeightsFormat.GGUF, WeightsFormat.Q4_0}
