"""What a task is to the rest of the service: how its data looks, how a row is checked, how it is measured.

A new task is one file that builds one `TaskDefinition`, and its line in `catalogue`.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from app.tasks.targets import Target
from benchmarks.metrics import METRICS
from models_registry.vocabulary import MODALITY_OF, Modality, TaskType


class FileFormat(StrEnum):
    """A kind of uploaded file."""

    CSV = "csv"
    TSV = "tsv"
    JSON_LINES = "json-lines"
    PARQUET = "parquet"
    CONLL = "conll"
    SQUAD = "squad-json"  # one JSON object: articles, their paragraphs, and questions with answers
    TEXT = "text"  # running text, cut into passages
    ARCHIVE = "archive"  # ZIP or TAR of images or audio, with a manifest or one folder a class


TABLES = (FileFormat.CSV, FileFormat.TSV, FileFormat.JSON_LINES, FileFormat.PARQUET)
"""The formats that hold one row an example."""


class ColumnRole(StrEnum):
    """What a column is for."""

    TEXT = "text"
    TEXT_PAIR = "text_pair"
    LABEL = "label"
    GROUP = "group"
    USER = "user"
    ITEM = "item"
    TIME = "time"


class FaultKind(StrEnum):
    """Why a value cannot be used."""

    MISSING = "missing"
    NESTED = "nested"
    BINARY = "binary"
    UNMARKED = "unmarked"
    NOT_A_LIST = "not a list"
    NOT_A_NUMBER = "not a number"
    NOT_A_FILE = "not a file"
    NOT_A_TIME = "not a time"
    NOT_TAGS = "not tags"
    NOT_SPANS = "not spans"
    NOT_TURNS = "not turns"
    NOT_TEXTS = "not texts"
    LENGTHS_DIFFER = "lengths differ"
    NOT_ANSWERS = "not answers"
    ABSENT = "absent"
    MISPLACED = "misplaced"
    AMBIGUOUS = "ambiguous"


class RowFault(NamedTuple):
    """The first thing wrong with a row."""

    role: ColumnRole
    kind: FaultKind


class CheckedRow(NamedTuple):
    """A row that can be used; a tuple, since there may be a million of them.

    Its label is the target as `app.tasks.targets` writes it.
    """

    text: str
    label: str
    text_pair: str | None = None
    group: str | None = None


class RowCheck(Protocol):
    """Turns the raw values of one row, by role, into a checked row or its first fault."""

    def __call__(self, values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
        """The checked row, or what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRule:
    """One column of a task's data.

    Attributes:
        role: What it is for.
        description: The same, in words.
        required: Whether the task can do without; an optional column is used only if the caller names it.
        names: Names it is known by, case-folded, likeliest first.
        holds_text: Whether a label is a text to be written, which is told by its length.
        is_guessed: Whether a required one may be told by what it holds, where no name is known.
        is_taken: Whether an optional one is used unasked where its name is known.
    """

    role: ColumnRole
    description: str
    required: bool = True
    names: tuple[str, ...] = ()
    holds_text: bool = False
    is_guessed: bool = True
    is_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionFacts:
    """What users did with items, of the users that are kept.

    Attributes:
        n_users: Users with enough items.
        n_items: Items that they met.
        n_interactions: Rows of them.
        density: Interactions over users times items; above 1 where items are met again and again.
        median_length: Of the users' interactions.
        users_left_out: Users with too few items.
        users_cut: Users of whom only the last items are kept.
    """

    n_users: int
    n_items: int
    n_interactions: int
    density: float
    median_length: float
    users_left_out: int = 0
    users_cut: int = 0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Gathered:
    """Examples that are made of several rows.

    Attributes:
        rows: The examples; read once.
        facts: What they were made of.
        titles: Of items, by item; of those that have one.
    """

    rows: Iterable[CheckedRow]
    facts: InteractionFacts
    titles: Mapping[str, str]


Gather = Callable[[Iterator[CheckedRow]], Gathered]
"""Makes examples of checked rows, which it reads to their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """One task: its measure and its data.

    Attributes:
        task_type: Which task.
        title: Its name for people.
        metrics: All metrics it may be measured by, canonical names, the default first.
        data: What one example is, in a sentence.
        formats: Files it is read from.
        columns: The columns of a table of such examples.
        min_classes: Fewest distinct labels that make a task; None where labels are not classes.
        check_row: Checks one row; None where data of this task is not read yet.
        target: What is predicted of an example.
        unprobed_metrics: Of the metrics those that figures are published in and probes do not compute.
        gather: Makes examples of the checked rows; None where a row is an example.
        from_scratch: Whether what is trained begins at random, so that it takes larger steps and more passes.
    """

    task_type: TaskType
    title: str
    metrics: tuple[str, ...]
    data: str
    formats: tuple[FileFormat, ...]
    columns: tuple[ColumnRule, ...] = ()
    min_classes: int | None = None
    check_row: RowCheck | None = None
    target: Target = Target.CLASS
    unprobed_metrics: frozenset[str] = frozenset()
    gather: Gather | None = None
    from_scratch: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise ValueError(f"{self.task_type}: no canonical metrics: {unknown}")

    @property
    def default_metric(self) -> str:
        """Canonical metric name, taken where the caller names none."""
        return self.metrics[0]

    @property
    def probed_metrics(self) -> tuple[str, ...]:
        """Those that a probe may be measured by."""
        return tuple(name for name in self.metrics if name not in self.unprobed_metrics)

    @property
    def modality(self) -> Modality:
        """Kind of input."""
        return MODALITY_OF[self.task_type]

    @property
    def noun(self) -> str:
        """What an example is called."""
        nouns = {Modality.IMAGE: "image", Modality.AUDIO: "recording", Modality.INTERACTIONS: "item"}
        return nouns.get(self.modality, "text")

    @property
    def can_probe(self) -> bool:
        """Whether models can be probed on an uploaded data set of this task."""
        return self.check_row is not None

    @property
    def is_paired(self) -> bool:
        """Whether an example is of two texts."""
        return self.rule(ColumnRole.TEXT_PAIR) is not None

    @property
    def writes_an_answer(self) -> bool:
        """Whether a text is written that is another one than the example's."""
        return self.target is Target.TEXT and self.rule(ColumnRole.LABEL) is not None

    def rule(self, role: ColumnRole) -> ColumnRule | None:
        """The rule of this role, if the task has it."""
        return next((rule for rule in self.columns if rule.role is role), None)


def as_text(value: object, role: ColumnRole) -> str | RowFault:
    """A text as it stands; blank is missing, scalars are written out."""
    if isinstance(value, str):
        return value if value and not value.isspace() else RowFault(role, FaultKind.MISSING)
    if _is_missing(value):
        return RowFault(role, FaultKind.MISSING)
    return _fault_of(value, role) or str(value)


def as_pair(values: Mapping[ColumnRole, object]) -> tuple[str, str] | RowFault:
    """Both texts of a pair, or the first fault in that order."""
    first, second = (as_text(values[role], role) for role in (ColumnRole.TEXT, ColumnRole.TEXT_PAIR))
    if isinstance(first, RowFault):
        return first
    return second if isinstance(second, RowFault) else (first, second)


def as_label(value: object, role: ColumnRole) -> str | RowFault:
    """A class name: trimmed text, `true` or `false`, or a number (1.0 is the class `1`)."""
    if isinstance(value, str):
        return value.strip() or RowFault(role, FaultKind.MISSING)
    if _is_missing(value):
        return RowFault(role, FaultKind.MISSING)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _fault_of(value, role) or str(value)


def as_list(value: object, role: ColumnRole) -> list[object] | RowFault:
    """A list as it stands, or as text: JSON, or values parted by |, by ; or by commas; blank is missing."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if not isinstance(value, str):
        return RowFault(role, FaultKind.MISSING if _is_missing(value) else FaultKind.NOT_A_LIST)
    text = value.strip()
    if not text:
        return RowFault(role, FaultKind.MISSING)
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            return RowFault(role, FaultKind.NOT_A_LIST)
        return found if isinstance(found, list) else RowFault(role, FaultKind.NOT_A_LIST)
    separator = next((sign for sign in "|;," if sign in text), "|")
    return [part.strip() for part in text.split(separator) if part.strip()]


def as_number(value: object, role: ColumnRole) -> float | RowFault:
    """A finite number, or text that is one; blank is missing."""
    if _is_missing(value) or (isinstance(value, str) and not value.strip()):
        return RowFault(role, FaultKind.MISSING)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return RowFault(role, FaultKind.NOT_A_NUMBER)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return RowFault(role, FaultKind.NOT_A_NUMBER)
    return number if math.isfinite(number) else RowFault(role, FaultKind.NOT_A_NUMBER)


def grouped(row: CheckedRow, values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The row with its group, where the data has groups."""
    if ColumnRole.GROUP not in values:
        return row
    group = as_label(values[ColumnRole.GROUP], ColumnRole.GROUP)
    return group if isinstance(group, RowFault) else row._replace(group=group)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124  (NaN)


def _fault_of(value: object, role: ColumnRole) -> RowFault | None:
    if isinstance(value, (bytes, bytearray)):
        return RowFault(role, FaultKind.BINARY)
    if isinstance(value, (dict, list, tuple, set)):
        return RowFault(role, FaultKind.NESTED)
    return None
