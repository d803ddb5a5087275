"""A figure (one measured number) and the benchmark it was measured on."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from benchmarks.metrics import metric_named
from models_registry.vocabulary import Domain, Modality, TaskType


class BenchmarkError(ValueError):
    """Base of what this package refuses."""


class InvalidFigureError(BenchmarkError):
    """A figure that cannot be true or cannot be used.

    Attributes:
        field: Which part of it.
        detail: What is wrong, and what would be right.
    """

    def __init__(self, field: str, detail: str) -> None:
        self.field = field
        self.detail = detail
        super().__init__(f"{field}: {detail}")


class Protocol(StrEnum):
    """How the model met the benchmark before it was measured."""

    FINE_TUNED = "fine-tuned"  # all weights trained on the benchmark's training set
    FEW_SHOT_TUNED = "few-shot-tuned"  # all weights, on at most about a thousand examples
    LINEAR_PROBE = "linear-probe"  # frozen, a linear head trained on its features
    FROZEN_HEAD = "frozen-head"  # frozen, a shallow network or the task's decoder trained on its features
    ZERO_SHOT = "zero-shot"  # nothing trained
    PRETRAINED = "pretrained"  # the checkpoint's own training task (ImageNet validation)


class FigureKind(StrEnum):
    """Who measured it."""

    PUBLISHED = "published"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A data set with its task and metric.

    Attributes:
        name: Canonical name; lower case, hyphens, unique over all suites.
        task_type: What is asked.
        modality: Kind of input.
        languages: ISO 639-1 codes; empty without text.
        domain: What the data is about.
        metric: Canonical name of its main metric.
        n_classes: Labels; None where the task has none.
        n_train: Training examples that the figures used; None where unknown.
        suite: The collection it belongs to (`glue`, `vtab`), or its own name.
        dataset: The data set behind it, which benchmarks of several suites, sizes and metrics share: what is
            known of one of them is known of the data. Its own name by default.
        shifted_from: The benchmark whose test set this one is a shifted version of: the same classes and
            the same training set, other pictures; empty where it is none.
        aliases: Other spellings in published tables.
        source: Where it is described.
    """

    name: str
    task_type: TaskType
    modality: Modality
    languages: tuple[str, ...] = ()
    domain: Domain = Domain.GENERAL
    metric: str = "accuracy"
    n_classes: int | None = None
    n_train: int | None = None
    suite: str = ""
    dataset: str = ""
    shifted_from: str = ""
    aliases: tuple[str, ...] = field(default=())
    source: str = ""

    def __post_init__(self) -> None:
        if not self.dataset:
            object.__setattr__(self, "dataset", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    Attributes:
        model: Canonical `hub:id` of the model where the registry has it, else the source's own name.
        benchmark: Canonical benchmark name.
        metric: Canonical metric name.
        value: On the metric's own scale (fractions, not percent).
        protocol: How the model met the benchmark.
        split: `test`, `dev`, ...
        std_error: Standard error of the value, same scale; None where not published.
        n_test: Examples measured on; None where unknown.
        source: Address of the table it was read from.
        as_of: Date of that table.
        kind: Published, or measured by one of our probes.
    """

    model: str
    benchmark: str
    metric: str
    value: float
    protocol: Protocol
    split: str = "test"
    std_error: float | None = None
    n_test: int | None = None
    source: str
    as_of: dt.date
    kind: FigureKind = FigureKind.PUBLISHED

    def __post_init__(self) -> None:
        metric = metric_named(self.metric)
        if metric.name != self.metric:
            raise InvalidFigureError("metric", f"{self.metric!r} is an alias; the name is {metric.name!r}")
        if not metric.low <= self.value <= metric.high:
            raise InvalidFigureError(
                "value", f"{self.metric} lies in [{metric.low}, {metric.high}], got {self.value}"
            )
        if not self.source:
            raise InvalidFigureError("source", "every figure says where it was read")


class FigureCells(NamedTuple):
    """A published figure as a row: what a ranking needs of it, and no more."""

    id: int
    model: str
    benchmark: str
    metric: str
    value: float
    protocol: str
    split: str
    std_error: float | None
    source: str
    as_of: dt.date
