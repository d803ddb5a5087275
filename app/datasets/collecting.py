"""Rows into examples: checked one by one, kept, counted; too many bad ones refuse the file."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.datasets.columns import ChosenColumns
from app.datasets.examples import MOST_COMPARED, ExampleWriter
from app.datasets.profile import DatasetProfile, ProfileBuilder
from app.datasets.row_errors import (
    LEAST_USERS,
    MAX_CLASSES,
    MAX_ITEMS,
    MAX_MISSING_SHARE,
    HistoriesTooShortError,
    LabelsUniqueError,
    NothingAnsweredError,
    NothingTaggedError,
    OneClassError,
    OneItemError,
    OnePairError,
    OnePassageError,
    OneTextError,
    TooManyClassesError,
    TooManyItemsError,
    TooManyRowsError,
    UnusableValueError,
    ValuesMissingError,
    places,
)
from app.datasets.table import MAX_FIELD_CHARACTERS, FieldTooLongError, Record, RecordSource
from app.tasks.base import CheckedRow, ColumnRole, FaultKind, InteractionFacts, RowFault, TaskDefinition
from app.tasks.interactions import LEAST_ITEMS, MOST_ITEMS
from app.tasks.targets import Target, answers_of, counted, texts_of
from models_registry.vocabulary import Modality

MAX_ROWS = 1_000_000
MAX_SHOWN_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What came of a file's rows.

    Attributes:
        profile: Of the examples that were kept.
        warnings: About the rows that were left out.
        titles: Of items, where examples are gathered from interactions.
    """

    profile: DatasetProfile
    warnings: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(slots=True)
class _Kept:
    """What the rows that are kept must have among them.

    Attributes:
        passages: At most two of them, of questions.
        is_answered: Whether one of the questions is.
    """

    passages: set[str | None] = field(default_factory=set)
    is_answered: bool = False

    def add(self, row: CheckedRow, target: Target) -> None:
        if target is not Target.SPAN:
            return
        if len(self.passages) < 2:
            self.passages.add(row.text_pair)
        self.is_answered = self.is_answered or answers_of(row.label).first is not None

    def require_some(self, by_role: Mapping[ColumnRole, str], target: Target) -> None:
        """Pass questions about several passages of which some hold an answer."""
        if target is not Target.SPAN:
            return
        if not self.is_answered:
            raise NothingAnsweredError(by_role[ColumnRole.LABEL])
        if len(self.passages) < 2:
            raise OnePassageError(by_role[ColumnRole.TEXT_PAIR])


def collect(
    source: RecordSource,
    columns: ChosenColumns,
    task: TaskDefinition,
    writer: ExampleWriter,
    seconds: Mapping[str, float] = MappingProxyType({}),
) -> Collected:
    """Writes every usable row, in order.

    Args:
        source: Rows.
        columns: What is where in them.
        task: Checks them.
        writer: Keeps them.
        seconds: How long each file is, by its name, where examples are files that have a length.

    Raises:
        ValuesMissingError: Too many rows have no text or label.
        UnusableValueError: A value is nested or binary.
        OneClassError: There are fewer labels than the task needs.
        NothingTaggedError: No token belongs to an entity.
        NothingAnsweredError: No question has an answer.
        OnePassageError: All questions are about one passage.
        OnePairError: All rows hold the same two texts.
        OneTextError: There is only one text to be written.
        LabelsUniqueError: No label occurs twice.
        HistoriesTooShortError: Too few users have enough items.
        OneItemError: There is one item only.
        TooManyItemsError: There are more than `MAX_ITEMS`.
        TooManyClassesError: There are more than `MAX_CLASSES` labels.
        TooManyRowsError: There are more than `MAX_ROWS` rows.
        FieldTooLongError: A text is too long.
    """
    by_role, missing = columns.by_role, _Missing()
    usable = _usable(source, by_role, task, missing)
    gathered = None if task.gather is None else task.gather(usable)
    if gathered is not None:
        _require_histories(gathered.facts, by_role)
    builder, groups = _written(usable if gathered is None else gathered.rows, by_role, task, writer, seconds)
    if gathered is None:
        _require_targets(builder, by_role.get(ColumnRole.LABEL, ""), task)
        _require_classes(builder, by_role.get(ColumnRole.LABEL, ""), task)
    profile = builder.build(
        empty_texts=missing.counts[ColumnRole.TEXT] + missing.counts[ColumnRole.TEXT_PAIR],
        missing_labels=missing.counts[ColumnRole.LABEL],
        interactions=None if gathered is None else gathered.facts,
    )
    warnings = (*_left_out(missing, by_role, source.unit), *_said_of(groups))
    if gathered is None:
        return Collected(profile=profile, warnings=warnings)
    return Collected(
        profile=profile, warnings=(*warnings, *_of_histories(gathered.facts)), titles=gathered.titles
    )


def _written(
    rows: Iterable[CheckedRow],
    by_role: Mapping[ColumnRole, str],
    task: TaskDefinition,
    writer: ExampleWriter,
    seconds: Mapping[str, float],
) -> tuple[ProfileBuilder, set[str]]:
    """Every row kept and counted; what was counted, and the groups, of which no more are told than matter."""
    groups: set[str] = set()
    builder, kept = ProfileBuilder(has_language=task.modality is Modality.TEXT), _Kept()
    for row in rows:
        writer.add(row)
        if row.group is not None and len(groups) <= MOST_COMPARED:
            groups.add(row.group)
        builder.add(
            row.text,
            row.label,
            row.text_pair,
            counted(task.target, row.label),
            seconds=seconds.get(row.text),
            answer=texts_of(row.label)[0] if task.writes_an_answer else None,
        )
        kept.add(row, task.target)
    kept.require_some(by_role, task.target)
    return builder, groups


def _usable(
    source: RecordSource, by_role: Mapping[ColumnRole, str], task: TaskDefinition, missing: _Missing
) -> Iterator[CheckedRow]:
    """The rows that can be used; the others are noted, and at the end weighed against them."""
    n_rows = 0
    for record in source.records(tuple(by_role.values())):
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise TooManyRowsError(MAX_ROWS)
        row = _checked(record, by_role, task, source.unit)
        if isinstance(row, RowFault):
            missing.add(row.role, record[0])
        else:
            yield row
    _require_values(missing, n_rows, by_role, source.unit)


def _said_of(groups: Collection[str]) -> Iterator[str]:
    """What is done with groups, of which there may be more than are counted."""
    if len(groups) > MOST_COMPARED:
        yield f"There are more than {MOST_COMPARED} groups: each stays on one side of the split."
    elif groups:
        yield f"The {len(groups)} groups are compared: each gets a score of its own. The split ignores them."


def _checked(
    record: Record, by_role: Mapping[ColumnRole, str], task: TaskDefinition, unit: str
) -> CheckedRow | RowFault:
    if task.check_row is None:
        raise ValueError(f"{task.task_type} has no row check")
    number, values = record
    row = task.check_row(dict(zip(by_role, values, strict=True)))
    if isinstance(row, RowFault):
        if row.kind is not FaultKind.MISSING:
            raise UnusableValueError(by_role[row.role], number, unit, row.kind, noun=task.noun)
    elif max(len(row.text), len(row.label), len(row.text_pair or "")) > MAX_FIELD_CHARACTERS:
        raise FieldTooLongError(number, MAX_FIELD_CHARACTERS, unit)
    return row


def _require_values(missing: _Missing, n_rows: int, by_role: Mapping[ColumnRole, str], unit: str) -> None:
    for role, count in missing.counts.most_common():
        if count > MAX_MISSING_SHARE * n_rows:
            raise ValuesMissingError(by_role[role], count, n_rows, tuple(missing.rows[role]), unit)


def _require_targets(builder: ProfileBuilder, column: str, task: TaskDefinition) -> None:
    """Refuses data in which nothing can be told from anything else."""
    if task.target is Target.TAGS and not builder.class_counts:
        raise NothingTaggedError(column)
    if task.target is Target.TAGS or builder.n_labels > 1:
        return
    if task.target is Target.MATCH:
        raise OnePairError
    if task.target is Target.TEXT:
        raise OneTextError
    if task.target is not Target.SPAN:
        raise OneClassError(column, builder.n_labels, 2)


def _require_histories(facts: InteractionFacts, by_role: Mapping[ColumnRole, str]) -> None:
    if facts.n_users < LEAST_USERS:
        raise HistoriesTooShortError(
            facts.n_users, facts.users_left_out, LEAST_ITEMS, by_role[ColumnRole.USER]
        )
    if facts.n_items < 2:
        raise OneItemError(by_role[ColumnRole.ITEM])
    if facts.n_items > MAX_ITEMS:
        raise TooManyItemsError(facts.n_items, by_role[ColumnRole.ITEM])


def _of_histories(facts: InteractionFacts) -> tuple[str, ...]:
    """What was made of interactions, in words."""
    found = [
        (
            f"{facts.n_users:,} users met {facts.n_items:,} items {facts.n_interactions:,} times (density "
            f"{facts.density:.2%}, median {facts.median_length:g} a user): each user is one example."
        )
    ]
    if facts.users_left_out:
        found.append(
            f"{facts.users_left_out:,} users with fewer than {LEAST_ITEMS} interactions are left out."
        )
    if facts.users_cut:
        found.append(
            f"Of {facts.users_cut:,} users with more than {MOST_ITEMS + 1} interactions the last are kept."
        )
    return tuple(found)


def _require_classes(builder: ProfileBuilder, column: str, task: TaskDefinition) -> None:
    counts = builder.class_counts
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
        f"({places(tuple(missing.rows[role]), count, unit)})."
        for role, count in missing.counts.items()
    )
