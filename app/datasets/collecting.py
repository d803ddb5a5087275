"""Rows into examples: checked one by one, kept, counted; too many bad ones refuse the file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.datasets.columns import ChosenColumns
from app.datasets.errors import DatasetError
from app.datasets.examples import ExampleWriter
from app.datasets.profile import DatasetProfile, ProfileBuilder
from app.datasets.table import MAX_FIELD_CHARACTERS, FieldTooLongError, Record, RecordSource
from app.tasks.base import CheckedRow, ColumnRole, FaultKind, RowFault, TaskDefinition
from app.tasks.targets import Target, counted
from models_registry.vocabulary import Modality

MAX_ROWS = 1_000_000
MAX_CLASSES = 5_000
"""Intents and topics stay far below; more are identifiers, or a task for retrieval."""
MAX_MISSING_SHARE = 0.2
"""More rows than this without a text or label are no slip: the column or the file is the wrong one."""
MAX_SHOWN_ROWS = 10


_UNUSABLE = {
    FaultKind.NESTED: ("a list or an object", "Put one text, number or boolean there."),
    FaultKind.BINARY: ("binary data", "Put one text, number or boolean there."),
    FaultKind.NOT_A_LIST: ("no list", 'Put a JSON list there, ["a", "b"], or values parted by | or ;.'),
    FaultKind.NOT_TAGS: ("tags that are no names", 'Name them: ["B-PER", "O"] instead of their numbers.'),
    FaultKind.NOT_SPANS: (
        "what is no span of its text",
        'Give each as {"start": 0, "end": 5, "label": "PER"}, in characters from 0, the end behind it.',
    ),
    FaultKind.LENGTHS_DIFFER: ("another number of tags than of tokens", "Give every token one tag."),
    FaultKind.NOT_A_FILE: ("what names no image of the archive", "Give its path as it is in the archive."),
    FaultKind.NOT_A_NUMBER: ("no finite number", "Put a number there, as 3.5."),
    FaultKind.UNMARKED: (
        "a text in which no two entities are marked",
        "Mark them as <e1>..</e1> and <e2>..</e2>, [E1]..[/E1] and [E2]..[/E2], or << .. >> and [[ .. ]].",
    ),
}
"""What is wrong with a value, and what would be right."""


class ValuesMissingError(DatasetError):
    """All rows, or too many, have no value in a column that is needed.

    Attributes:
        n_missing: How many.
        n_rows: Of how many.
    """

    def __init__(self, column: str, n_missing: int, n_rows: int, rows: tuple[int, ...], unit: str) -> None:
        self.n_missing, self.n_rows = n_missing, n_rows
        amount = "All" if n_missing == n_rows else f"{n_missing:,} of"
        super().__init__(
            f"{amount} {n_rows:,} rows have no value in column {column!r} "
            f"({_places(rows, n_missing, unit)}).",
            remedy=f"Fill it in or take these rows out; up to {MAX_MISSING_SHARE:.0%} are left out unasked.",
            column=column,
            rows=rows,
        )


class UnusableValueError(DatasetError):
    """A value that is neither text nor a number.

    Attributes:
        kind: What it is.
    """

    def __init__(self, column: str, row: int, unit: str, kind: FaultKind) -> None:
        self.kind = kind
        what, remedy = _UNUSABLE[kind]
        super().__init__(
            f"Column {column!r} holds {what} at {unit} {row}.",
            remedy=remedy,
            column=column,
            rows=(row,),
        )


class OneClassError(DatasetError):
    """Fewer labels than the task needs.

    Attributes:
        n_classes: How many there are.
    """

    def __init__(self, column: str, n_classes: int, needed: int) -> None:
        self.n_classes = n_classes
        super().__init__(
            f"All rows carry the same label in column {column!r}.",
            remedy=f"Send examples of at least {needed} classes, or name another label column.",
            pointer="/label_column",
            column=column,
        )


class LabelsUniqueError(DatasetError):
    """No label occurs twice, so they are no classes."""

    def __init__(self, column: str, n_classes: int) -> None:
        super().__init__(
            f"Each of the {n_classes:,} labels in column {column!r} occurs once.",
            remedy="Name a column of classes; an identifier, a number or free text is none.",
            pointer="/label_column",
            column=column,
        )


class TooManyClassesError(DatasetError):
    """More labels than a classifier is made for.

    Attributes:
        n_classes: How many there are.
    """

    def __init__(self, column: str, n_classes: int) -> None:
        self.n_classes = n_classes
        super().__init__(
            f"Column {column!r} holds {n_classes:,} distinct labels; {MAX_CLASSES:,} are read.",
            remedy="Name a column of classes; an identifier, a number or free text is none.",
            pointer="/label_column",
            column=column,
        )


class TooManyRowsError(DatasetError):
    """More rows than are read.

    Attributes:
        limit: How many are.
    """

    def __init__(self, limit: int, pointer: str = "/file") -> None:
        self.limit = limit
        super().__init__(
            f"There are more than {limit:,} rows.",
            remedy="Send a sample: a few thousand labelled rows are enough to choose a model.",
            pointer=pointer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What came of a file's rows.

    Attributes:
        profile: Of the examples that were kept.
        warnings: About the rows that were left out.
    """

    profile: DatasetProfile
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Missing:
    """Rows left out for want of a value, by role."""

    counts: Counter[ColumnRole] = field(default_factory=Counter)
    rows: dict[ColumnRole, list[int]] = field(default_factory=dict)

    def add(self, role: ColumnRole, row: int) -> None:
        self.counts[role] += 1
        shown = self.rows.setdefault(role, [])
        if len(shown) < MAX_SHOWN_ROWS:
            shown.append(row)


def collect(
    source: RecordSource, columns: ChosenColumns, task: TaskDefinition, writer: ExampleWriter
) -> Collected:
    """Writes every usable row, in order.

    Raises:
        ValuesMissingError: Too many rows have no text or label.
        UnusableValueError: A value is nested or binary.
        OneClassError: There are fewer labels than the task needs.
        LabelsUniqueError: No label occurs twice.
        TooManyClassesError: There are more than `MAX_CLASSES` labels.
        TooManyRowsError: There are more than `MAX_ROWS` rows.
        FieldTooLongError: A text is too long.
    """
    builder = ProfileBuilder(has_language=task.modality is Modality.TEXT)
    missing, n_rows = _Missing(), 0
    for record in source.records(tuple(columns.by_role.values())):
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise TooManyRowsError(MAX_ROWS)
        row = _checked(record, columns.by_role, task, source.unit)
        if isinstance(row, RowFault):
            missing.add(row.role, record[0])
            continue
        writer.add(row)
        builder.add(row.text, row.label, row.text_pair, counted(task.target, row.label))
    _require_values(missing, n_rows, columns.by_role, source.unit)
    _require_classes(builder, columns.by_role[ColumnRole.LABEL], task)
    profile = builder.build(
        empty_texts=missing.counts[ColumnRole.TEXT] + missing.counts[ColumnRole.TEXT_PAIR],
        missing_labels=missing.counts[ColumnRole.LABEL],
    )
    return Collected(profile=profile, warnings=_left_out(missing, columns.by_role, source.unit))


def _checked(
    record: Record, by_role: Mapping[ColumnRole, str], task: TaskDefinition, unit: str
) -> CheckedRow | RowFault:
    if task.check_row is None:
        raise ValueError(f"{task.task_type} has no row check")
    number, values = record
    row = task.check_row(dict(zip(by_role, values, strict=True)))
    if isinstance(row, RowFault):
        if row.kind is not FaultKind.MISSING:
            raise UnusableValueError(by_role[row.role], number, unit, row.kind)
    elif max(len(row.text), len(row.label), len(row.text_pair or "")) > MAX_FIELD_CHARACTERS:
        raise FieldTooLongError(number, MAX_FIELD_CHARACTERS, unit)
    return row


def _require_values(missing: _Missing, n_rows: int, by_role: Mapping[ColumnRole, str], unit: str) -> None:
    for role, count in missing.counts.most_common():
        if count > MAX_MISSING_SHARE * n_rows:
            raise ValuesMissingError(by_role[role], count, n_rows, tuple(missing.rows[role]), unit)


def _require_classes(builder: ProfileBuilder, column: str, task: TaskDefinition) -> None:
    counts = builder.class_counts
    if builder.n_labels < 2:
        raise OneClassError(column, builder.n_labels, 2)
    if task.min_classes is None:
        return
    if len(counts) < task.min_classes:
        raise OneClassError(column, len(counts), task.min_classes)
    if len(counts) > MAX_CLASSES:
        raise TooManyClassesError(column, len(counts))
    if task.target is Target.CLASS and max(counts.values()) == 1 and len(counts) > task.min_classes:
        raise LabelsUniqueError(column, len(counts))


def _left_out(missing: _Missing, by_role: Mapping[ColumnRole, str], unit: str) -> tuple[str, ...]:
    return tuple(
        f"{count:,} rows without a value in column {by_role[role]!r} are left out "
        f"({_places(tuple(missing.rows[role]), count, unit)})."
        for role, count in missing.counts.items()
    )


def _places(rows: tuple[int, ...], n: int, unit: str) -> str:
    shown = ", ".join(str(row) for row in rows)
    return f"{unit} {shown}" + (" ..." if n > len(rows) else "")
