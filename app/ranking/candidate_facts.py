"""What constraints, costs and the outlook need of every model, read from the entries in one pass."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.ranking.coded import Coded
from app.ranking.described import Described
from app.ranking.traits import ModelFeatures
from models_registry.entry import Architecture, ModelEntry, WeightsFormat
from models_registry.vocabulary import TaskType

BYTES_PER_PARAMETER = 4
"""Weights are trained in single precision, whatever they are stored in."""
USUAL_SIDE = 224
"""Side of an input image in pixels, where it is not stated."""
_NUMBERS = np.dtype(
    [
        ("parameters", np.float64),
        ("flops", np.float64),
        ("layers", np.float64),
        ("width", np.float64),
        ("max_length", np.float64),
        ("input_size", np.float64),
        ("file_bytes", np.float64),
        ("window_seconds", np.float64),
        ("is_per_token", np.bool_),
        ("is_per_second", np.bool_),
        ("is_convolutional", np.bool_),
        ("can_be_probed", np.bool_),
        ("is_pretrained", np.bool_),
    ]
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CandidateFacts:
    """M models by column.

    Attributes:
        numbers: By name, each of shape (M,); `max_length` is infinite without a limit.
        names: `hub:id@revision`.
        keys: `hub:id`.
        rows: Key of the model whose figures are its own: itself, or the one that it is a copy of.
        families: Lower-case names shared by relatives.
        hubs: Where each lives.
        licences: Of each.
        task_types: What each can be fine-tuned for.
        languages: That each reads; empty for models without text.
        features: What its traits follow from.
    """

    numbers: NDArray[Any]
    names: list[str]
    keys: list[str]
    rows: list[str]
    families: Coded[str]
    hubs: Coded[str]
    licences: Coded[str]
    task_types: Coded[frozenset[TaskType]]
    languages: Coded[frozenset[str]]
    features: ModelFeatures

    @classmethod
    def of(cls, entries: Iterable[ModelEntry]) -> Self:
        """Of these entries; each is looked at once."""
        numbers: list[tuple[float | bool, ...]] = []
        names: list[str] = []
        keys: list[str] = []
        rows: list[str] = []
        words: list[tuple[str, str, str]] = []
        tasks: list[frozenset[TaskType]] = []
        described: list[Described] = []
        for e in entries:
            numbers.append(_numbers(e))
            names.append(e.name)
            keys.append(e.key)
            rows.append(e.derived_from or keys[-1])
            words.append((e.family, e.hub, e.licence))
            tasks.append(frozenset(e.task_types))
            described.append(Described.of(e))
        families, hubs, licences = (Coded.of(word[i] for word in words) for i in range(3))
        features = ModelFeatures.of(described)
        return cls(
            numbers=np.array(numbers, dtype=_NUMBERS),
            names=names,
            keys=keys,
            rows=rows,
            families=families,
            hubs=hubs,
            licences=licences,
            task_types=Coded.of(tasks),
            languages=features.languages,
            features=features,
        )


def _numbers(e: ModelEntry) -> tuple[float | bool, ...]:
    return (
        e.n_parameters,
        e.forward_flops,
        e.n_layers,
        e.embedding_width,
        e.max_length or np.inf,
        e.input_size or USUAL_SIDE,
        e.weights.n_bytes or e.n_parameters * BYTES_PER_PARAMETER,
        e.window_seconds or 0.0,
        e.flops_unit == "token",
        e.flops_unit == "second",
        e.architecture is Architecture.CNN,
        e.weights.format is WeightsFormat.SAFETENSORS or e.weights.converter is not None,
        e.weights.format is not WeightsFormat.NONE,
    )
