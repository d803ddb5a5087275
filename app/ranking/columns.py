"""Columns of the score table: a benchmark under one protocol, and how alike two of them are.

Notation:
    c, c'   columns
    P       number of kernel components, `COMPONENTS`
    k_p     component p of the similarity, a positive semi-definite function of (c, c') with values in [0, 1]

A model's deviation from what is expected of it is correlated over columns with covariance
sum_p tau_p^2 k_p(c, c'); the variances tau_p^2 are learnt in `app.fitting.prior`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.figures import Benchmark, Protocol
from models_registry.vocabulary import Domain, Modality, TaskType

Array = NDArray[np.float64]

COMPONENTS = (
    "general",
    "task group",
    "task type",
    "language",
    "domain",
    "backbone",
    "protocol",
    "training size",
    "name",
    "suite",
    "data set",
)
SIZE_LENGTH = np.log(10.0)
"""Length scale of the training-size component: sizes a factor of ten apart correlate by 1/e."""
UNKNOWN_SIZE = 10_000
"""Training examples assumed where a benchmark does not say."""
GRAM_LENGTHS = (3, 4)
"""Characters of the n-grams by which names are compared: `scala-da` and `scala-nl` share what they
measure."""

_GROUPS: dict[TaskType, str] = {
    TaskType.TEXT_CLASSIFICATION: "classify text",
    TaskType.MULTI_LABEL_CLASSIFICATION: "classify text",
    TaskType.TEXT_PAIR_CLASSIFICATION: "compare text",
    TaskType.TEXT_REGRESSION: "compare text",
    TaskType.SENTENCE_SIMILARITY: "compare text",
    TaskType.TEXT_RETRIEVAL: "compare text",
    TaskType.TOKEN_CLASSIFICATION: "tag text",
    TaskType.RELATION_EXTRACTION: "tag text",
    TaskType.QUESTION_ANSWERING: "tag text",
    TaskType.SUMMARIZATION: "write text",
    TaskType.TRANSLATION: "write text",
    TaskType.DIALOGUE: "write text",
    TaskType.TEXT_GENERATION: "write text",
    TaskType.OBJECT_DETECTION: "locate in images",
    TaskType.IMAGE_SEGMENTATION: "locate in images",
}


def task_group(task_type: TaskType) -> str:
    """The group of task types that ask for the same kind of output; a type outside any group is its own."""
    return _GROUPS.get(task_type, task_type.value)


def trains_backbone(protocol: Protocol) -> bool:
    """Whether the weights of the backbone are trained under this protocol."""
    return protocol in {Protocol.FINE_TUNED, Protocol.FEW_SHOT_TUNED}


def is_target(column: "Column") -> bool:
    """Whether models were trained on the column's data, which is what users ask about."""
    return column.protocol not in {Protocol.ZERO_SHOT, Protocol.PRETRAINED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A benchmark under one protocol; also describes the user's own task, with no benchmark name."""

    task_type: TaskType
    modality: Modality
    languages: frozenset[str]
    domain: Domain
    protocol: Protocol
    metric: str
    n_train: int | None = None
    n_classes: int | None = None
    suite: str = ""
    benchmark: str = ""
    dataset: str = ""

    @property
    def short_name(self) -> str:
        """The data set's name; where a suite's is its prefix, without it: it says where, not what."""
        if self.dataset != self.benchmark or not self.suite:
            return self.dataset
        return self.dataset.removeprefix(self.suite).lstrip("-")

    @property
    def grams(self) -> frozenset[str]:
        """Character n-grams of the name; of a column without one, a word that no other has."""
        return name_grams(self.short_name) or frozenset({f"={self.dataset}"})

    @classmethod
    def of(cls, benchmark: Benchmark, protocol: Protocol, metric: str) -> "Column":
        """The column of this benchmark under this protocol."""
        return cls(
            task_type=benchmark.task_type,
            modality=benchmark.modality,
            languages=frozenset(benchmark.languages),
            domain=benchmark.domain,
            protocol=protocol,
            metric=metric,
            n_train=benchmark.n_train,
            n_classes=benchmark.n_classes,
            suite=benchmark.suite,
            benchmark=benchmark.name,
            dataset=benchmark.dataset,
        )


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """Many columns as arrays; `similarity` compares two tables elementwise.

    Attributes:
        columns: The columns, length C.
    """

    columns: Sequence[Column]

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def log_sizes(self) -> Array:
        """Logarithm of the training size, shape (C,)."""
        return np.log([max(c.n_train or UNKNOWN_SIZE, 1) for c in self.columns])

    @cached_property
    def codes(self) -> dict[str, NDArray[np.object_]]:
        """What is compared for equality, by component, each of shape (C,)."""

        def array(values: list[str]) -> NDArray[np.object_]:
            return np.array(values, dtype=object)

        return {
            "modality": array([c.modality.value for c in self.columns]),
            "task group": array([task_group(c.task_type) for c in self.columns]),
            "task type": array([c.task_type.value for c in self.columns]),
            # Two columns about nothing in particular are not alike for that.
            "domain": array(
                [c.domain.value if c.domain is not Domain.GENERAL else f"={c.dataset}" for c in self.columns]
            ),
            "backbone": array(
                ["trained" if trains_backbone(c.protocol) else c.protocol.value for c in self.columns]
            ),
            "protocol": array([c.protocol.value for c in self.columns]),
            "suite": array([c.suite for c in self.columns]),
            "data set": array([c.dataset for c in self.columns]),
        }

    @cached_property
    def languages(self) -> Array:
        """Which languages each column is in, shape (C, languages seen)."""
        return _indicators([c.languages for c in self.columns], self.language_numbers)

    @cached_property
    def language_numbers(self) -> dict[str, int]:
        """Every language that any column is in."""
        seen = sorted({language for c in self.columns for language in c.languages})
        return {language: i for i, language in enumerate(seen)}

    @cached_property
    def grams(self) -> csr_array:
        """Which n-grams each column's name has, rows of length 1, shape (C, n-grams seen)."""
        return _unit_indicators([c.grams for c in self.columns], self.gram_numbers)

    @cached_property
    def gram_numbers(self) -> dict[str, int]:
        """Every n-gram that any column's name has."""
        seen = sorted({gram for c in self.columns for gram in c.grams})
        return {gram: i for i, gram in enumerate(seen)}

    def similarity(self, other: "ColumnTable") -> Array:
        """All components between two tables, shape (P, len(self), len(other)), values in [0, 1]."""
        if len(other) > len(self):  # what the larger one remembers of its columns is worth more
            return other.similarity(self).transpose(0, 2, 1)
        result = np.empty((len(COMPONENTS), len(self), len(other)))
        for p, name in enumerate(COMPONENTS):
            result[p] = self._component(name, other)
        return result

    def _component(self, name: str, other: "ColumnTable") -> Array:
        match name:
            case "general":
                return self._same("modality", other)
            case "language":
                return self._shared_languages(other)
            case "training size":
                distance = np.abs(self.log_sizes[:, None] - other.log_sizes[None, :])
                return np.asarray(np.exp(-distance / SIZE_LENGTH))
            case "name":
                theirs = _unit_indicators([c.grams for c in other.columns], self.gram_numbers)
                return np.asarray((self.grams @ theirs.T).toarray())
            case _:
                return self._same(name, other)

    def _same(self, name: str, other: "ColumnTable") -> Array:
        mine, theirs = self.codes[name], other.codes[name]
        same = (mine[:, None] == theirs[None, :]) & (mine != "")[:, None]
        return np.asarray(same, dtype=np.float64)

    def _shared_languages(self, other: "ColumnTable") -> Array:
        """Share of common languages; the Jaccard index is a positive semi-definite kernel (Gower, 1971)."""
        theirs = _indicators([c.languages for c in other.columns], self.language_numbers)
        both = self.languages @ theirs.T
        sizes = [np.array([len(c.languages) for c in t.columns], dtype=np.float64) for t in (self, other)]
        either = sizes[0][:, None] + sizes[1][None, :] - both
        return np.where(either > 0.0, both / np.maximum(either, 1.0), 1.0)


def name_grams(name: str) -> frozenset[str]:
    """Character n-grams of a name, word ends marked; none of an empty name."""
    text = f" {re.sub(r'[^a-z0-9]+', ' ', name.lower()).strip()} "
    if not text.strip():
        return frozenset()
    return frozenset(text[i : i + n] for n in GRAM_LENGTHS for i in range(len(text) - n + 1))


def _indicators(sets: Sequence[frozenset[str]], numbers: dict[str, int]) -> Array:
    """Which of the numbered items each set has, shape (len(sets), len(numbers)); others are left out."""
    result = np.zeros((len(sets), len(numbers)))
    for row, items in enumerate(sets):
        result[row, [numbers[item] for item in items if item in numbers]] = 1.0
    return result


def _unit_indicators(sets: Sequence[frozenset[str]], numbers: dict[str, int]) -> csr_array:
    """The same, rows divided by the square root of how many items the set has, those left out included."""
    known = [sorted(numbers[item] for item in items if item in numbers) for items in sets]
    lengths = np.array([len(places) for places in known], dtype=np.intp)
    sizes = np.array([max(len(items), 1) for items in sets], dtype=np.float64)
    places = np.array([place for mine in known for place in mine], dtype=np.intp)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array(
        (np.repeat(1.0 / np.sqrt(sizes), lengths), places, starts), shape=(len(sets), len(numbers))
    )
