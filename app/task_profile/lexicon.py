"""The lexicon: reviewed YAML files beside this module, read and indexed once.

A *concept* is a group of phrases that count alike. The lexicon says which phrases belong together; what a
concept says of task types and domains is learned (`app.fitting.task_words`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from app.task_profile.phrases import PhraseIndex
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Domain

FOLDER = Path(__file__).parent / "lexicon"


class Family(StrEnum):
    """What a concept is about, named as its file."""

    TASKS = "tasks"
    THINGS = "things"
    NAMES = "names"
    DOMAINS = "domains"
    METRICS = "metrics"
    LANGUAGES = "languages"


class LexiconError(ValueError):
    """A lexicon file names something that does not exist; carries the file and the name."""

    def __init__(self, file: str, name: str) -> None:
        self.file = file
        self.name = name
        super().__init__(f"{file}: unknown name {name!r}")


@dataclass(frozen=True, slots=True)
class Concept:
    """A group of phrases: its file and its name there, such as a `Domain`, a metric or a language code."""

    family: Family
    name: str

    @property
    def key(self) -> str:
        """Unique name, under which weights are stored."""
        return f"{self.family}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All concepts.

    Attributes:
        concepts: In a fixed order.
        phrases: Index whose owners are positions in `concepts`.
    """

    concepts: tuple[Concept, ...]
    phrases: PhraseIndex


def _load(file: str) -> Any:  # noqa: ANN401 (what a file holds is checked where it is used)
    return yaml.load((FOLDER / file).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)


def _check(concept: Concept) -> None:
    try:
        match concept.family:
            case Family.DOMAINS:
                Domain(concept.name)
            case Family.METRICS:
                metric_named(concept.name)
            case _:
                pass
    except ValueError as error:
        raise LexiconError(f"{concept.family}.yaml", concept.name) from error


def _rows() -> Iterator[tuple[Concept, list[str]]]:
    for family in Family:
        for row in _load(f"{family}.yaml"):
            concept = Concept(family, str(row["name"]))
            _check(concept)
            yield concept, [str(word) for word in row["words"]]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped lexicon.

    Raises:
        LexiconError: A file names an unknown domain or metric.
    """
    rows = list(_rows())
    phrases = ((owner, phrase) for owner, (_, words) in enumerate(rows) for phrase in words)
    return Lexicon(
        concepts=tuple(concept for concept, _ in rows),
        phrases=PhraseIndex(phrases, frozenset(map(str, _load("ordinary.yaml")))),
    )


@lru_cache(maxsize=1)
def counted_words() -> dict[str, dict[str, list[str]]]:
    """What numbers count, as nouns and measure words by language."""
    loaded: dict[str, dict[str, list[str]]] = _load("counted.yaml")
    return loaded


@lru_cache(maxsize=1)
def writing_words() -> dict[str, frozenset[str]]:
    """Function words by language, by which the language of a description is told."""
    return {str(code): frozenset(words) for code, words in _load("writing.yaml").items()}
