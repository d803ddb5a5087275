"""The cue lexicon: reviewed YAML files beside this module, read and indexed once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from app.task_profile.phrases import PhraseIndex
from benchmarks.metrics import metric_named
from models_registry.vocabulary import MODALITY_OF, Domain, TaskType

FOLDER = Path(__file__).parent / "lexicon"
TYPES = tuple(TaskType)
_ALL = {f"all-{modality}": modality for modality in ("text", "image", "audio")}


class LexiconError(ValueError):
    """A lexicon file names something that does not exist; carries the file and the name."""

    def __init__(self, file: str, name: str) -> None:
        self.file = file
        self.name = name
        super().__init__(f"{file}: unknown name {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCues:
    """Cues of task types.

    Attributes:
        names: Cue names.
        phrases: Index whose owners are positions in `names`.
        weights: Log odds, (cues, types).
        together: Further log odds of two cues that occur together, (types,), by their positions.
    """

    names: tuple[str, ...]
    phrases: PhraseIndex
    weights: NDArray[np.float64]
    together: Mapping[tuple[int, int], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPhrases:
    """Phrases of a closed vocabulary.

    Attributes:
        names: The vocabulary.
        phrases: Index whose owners are positions in `names`.
        weights: Weight of one phrase, by name.
    """

    names: tuple[str, ...]
    phrases: PhraseIndex
    weights: tuple[float, ...]


def _rows(file: str) -> list[dict[str, object]]:
    rows = yaml.load((FOLDER / file).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    return list(rows)


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _vector(weights: object, file: str) -> NDArray[np.float64]:
    vector = np.zeros(len(TYPES))
    for name, weight in (weights if isinstance(weights, dict) else {}).items():
        modality = _ALL.get(name)
        if modality is None and name not in TYPES:
            raise LexiconError(file, name)
        for position, task_type in enumerate(TYPES):
            if task_type == name or MODALITY_OF[task_type] == modality:
                vector[position] += float(weight)
    return vector


def _pairs(rows: Iterable[dict[str, object]]) -> list[tuple[int, str]]:
    return [(owner, phrase) for owner, row in enumerate(rows) for phrase in _strings(row["words"])]


@lru_cache(maxsize=1)
def task_cues() -> TaskCues:
    """The cues of task types, alone and in combination.

    Raises:
        LexiconError: A file names an unknown task type or cue.
    """
    rows = _rows("tasks.yaml")
    names = tuple(str(row["name"]) for row in rows)
    together: dict[tuple[int, int], NDArray[np.float64]] = {}
    for row in _rows("combinations.yaml"):
        cues = _strings(row["cues"])
        for cue in cues:
            if cue not in names:
                raise LexiconError("combinations.yaml", cue)
        low, high = sorted(names.index(cue) for cue in cues)
        together[low, high] = _vector(row["weights"], "combinations.yaml")
    return TaskCues(
        names=names,
        phrases=PhraseIndex(_pairs(rows)),
        weights=np.stack([_vector(row["weights"], "tasks.yaml") for row in rows]),
        together=together,
    )


def _named(file: str) -> NamedPhrases:
    rows = _rows(file)
    return NamedPhrases(
        names=tuple(str(row["name"]) for row in rows),
        phrases=PhraseIndex(_pairs(rows)),
        weights=tuple(float(str(row.get("weight", 1.0))) for row in rows),
    )


@lru_cache(maxsize=1)
def domain_phrases() -> NamedPhrases:
    """Phrases that tell the domain, named by `Domain` values."""
    phrases = _named("domains.yaml")
    for name in phrases.names:
        Domain(name)
    return phrases


@lru_cache(maxsize=1)
def metric_phrases() -> NamedPhrases:
    """Spellings of metrics, named canonically."""
    phrases = _named("metrics.yaml")
    for name in phrases.names:
        metric_named(name)
    return phrases


@lru_cache(maxsize=1)
def language_phrases() -> NamedPhrases:
    """Names of languages, as ISO 639-1 codes and `mul`."""
    return _named("languages.yaml")
