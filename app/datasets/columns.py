"""Which column is the text and which the label: as the caller says, by a known name, or by what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from app.datasets.errors import DatasetError
from app.datasets.table import SAMPLE_ROWS, RecordSource
from app.tasks.base import ColumnRole, ColumnRule, TaskDefinition

MAX_LABEL_CHARACTERS = 100
"""A column with longer values is not taken for labels unasked."""
MAX_DISTINCT_SHARE = 0.5
"""A column where more than every second value is new is not taken for labels unasked."""


class UnknownColumnError(DatasetError):
    """A column that the caller names and the file does not have.

    Attributes:
        columns: Those it has.
    """

    def __init__(self, role: ColumnRole, column: str, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(
            f"There is no column {column!r}.",
            remedy=f"The columns are: {_listed(columns)}.",
            pointer=f"/{role}_column",
            column=column,
        )


class ColumnNotFoundError(DatasetError):
    """No column can be taken for a role that the task needs.

    Attributes:
        role: The role.
        columns: Those that the file has.
    """

    def __init__(self, role: ColumnRole, columns: Sequence[str]) -> None:
        self.role = role
        self.columns = tuple(columns)
        super().__init__(
            f"No column looks like the {role}; the columns are: {_listed(columns)}.",
            remedy=f"Name it as {role}_column, or send a file that has one.",
            pointer=f"/{role}_column",
        )


class ColumnConflictError(DatasetError):
    """One column for two roles."""

    def __init__(self, role: ColumnRole, column: str) -> None:
        super().__init__(
            f"The column {column!r} is given for two roles.",
            remedy="Name a different column for each.",
            pointer=f"/{role}_column",
            column=column,
        )


class UnusedColumnError(DatasetError):
    """A column for a role that the task does not have."""

    def __init__(self, role: ColumnRole, column: str, task: TaskDefinition) -> None:
        super().__init__(
            f"{task.task_type} has no {role} column.",
            remedy=f"Leave out {role}_column, or choose another task type.",
            pointer=f"/{role}_column",
            column=column,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoices:
    """The columns that the caller names; None where the service is to find out."""

    text: str | None = None
    text_pair: str | None = None
    label: str | None = None
    group: str | None = None
    user: str | None = None
    item: str | None = None
    time: str | None = None

    def named(self) -> dict[ColumnRole, str]:
        """The choices made, by role; blank is none, as forms send it."""
        chosen = {role: getattr(self, role.value) for role in ColumnRole}
        return {role: name.strip() for role, name in chosen.items() if name and name.strip()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenColumns:
    """The columns that will be read.

    Attributes:
        by_role: Column names by role, in the task's order.
        warnings: Choices that the caller should check.
    """

    by_role: Mapping[ColumnRole, str] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """What the first rows of a column hold."""

    name: str
    n_values: int
    n_distinct: int
    mean_length: float
    max_length: int

    @property
    def could_be_label(self) -> bool:
        few = 2 <= self.n_distinct <= max(2, MAX_DISTINCT_SHARE * self.n_values)
        return few and self.max_length <= MAX_LABEL_CHARACTERS


def choose_columns(source: RecordSource, choices: ColumnChoices, task: TaskDefinition) -> ChosenColumns:
    """A column for each role that the task needs, and for those that the caller names.

    Raises:
        UnknownColumnError: The caller names a column that is not there.
        UnusedColumnError: The caller names a column for a role that the task does not have.
        ColumnConflictError: The caller names a column twice.
        ColumnNotFoundError: No column can be taken for a role that is needed.
    """
    chosen = _explicit(source.columns, choices, task)
    warnings: list[str] = []
    needed = [rule for rule in task.columns if rule.required]
    for rule in task.columns:
        if rule.required or rule.is_taken:
            _choose_by_name(rule, source.columns, chosen, warnings)
    if any(rule.role not in chosen for rule in needed):
        profiles = [column for column in _profiles(source) if column.name not in chosen.values()]
        for rule in needed:
            _choose_by_content(rule, profiles, source.columns, chosen, warnings)
    in_order = {rule.role: chosen[rule.role] for rule in task.columns if rule.role in chosen}
    return ChosenColumns(by_role=MappingProxyType(in_order), warnings=tuple(warnings))


def known_names(choices: ColumnChoices, task: TaskDefinition) -> frozenset[str]:
    """Case-folded names that show a first row to be a header."""
    named = (name.casefold() for name in choices.named().values())
    return frozenset(named).union(*(rule.names for rule in task.columns))


def _explicit(columns: Sequence[str], choices: ColumnChoices, task: TaskDefinition) -> dict[ColumnRole, str]:
    chosen: dict[ColumnRole, str] = {}
    for role, name in choices.named().items():
        if task.rule(role) is None:
            raise UnusedColumnError(role, name, task)
        found = name if name in columns else _folded(columns).get(name.casefold())
        if found is None:
            raise UnknownColumnError(role, name, columns)
        if found in chosen.values():
            raise ColumnConflictError(role, found)
        chosen[role] = found
    return chosen


def _folded(columns: Sequence[str]) -> dict[str, str]:
    return {name.strip().casefold(): name for name in reversed(columns)}


def _choose_by_name(
    rule: ColumnRule, columns: Sequence[str], chosen: dict[ColumnRole, str], warnings: list[str]
) -> None:
    if rule.role in chosen:
        return
    folded = _folded(columns)
    found = [folded[name] for name in rule.names if name in folded and folded[name] not in chosen.values()]
    if found:
        chosen[rule.role] = found[0]
    if len(found) > 1:
        others = _listed(found[1:])
        warnings.append(f"The column {found[0]!r} is taken as the {rule.role}; {others} would fit too.")


def _choose_by_content(
    rule: ColumnRule,
    profiles: list[_Column],
    columns: Sequence[str],
    chosen: dict[ColumnRole, str],
    warnings: list[str],
) -> None:
    """Labels are the column with the fewest values, texts the longest of those that are left."""
    if rule.role in chosen:
        return
    free = [column for column in profiles if column.name not in chosen.values() and column.n_values]
    if not rule.is_guessed:
        raise ColumnNotFoundError(rule.role, columns)
    if rule.role is ColumnRole.LABEL and not rule.holds_text:
        best = min((c for c in free if c.could_be_label), key=lambda c: c.n_distinct, default=None)
        why = "it has the fewest distinct values"
    else:
        best = max((c for c in free if c.n_distinct > 1), key=lambda c: c.mean_length, default=None)
        why = "its values are the longest"
    if best is None:
        raise ColumnNotFoundError(rule.role, columns)
    chosen[rule.role] = best.name
    warnings.append(f"The column {best.name!r} is taken as the {rule.role}, since {why}; name it to be sure.")


def _profiles(source: RecordSource) -> list[_Column]:
    rows = [values for _, values in islice(source.records(source.columns), SAMPLE_ROWS)]
    return [_profile(name, [row[i] for row in rows]) for i, name in enumerate(source.columns)]


def _profile(name: str, values: Sequence[object]) -> _Column:
    texts = [str(value).strip() for value in values if _is_scalar(value)]
    lengths = [len(text) for text in texts if text]
    return _Column(
        name=name,
        n_values=len(lengths),
        n_distinct=len({text for text in texts if text}),
        mean_length=sum(lengths) / max(1, len(lengths)),
        max_length=max(lengths, default=0),
    )


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, bool))


def _listed(names: Sequence[str], limit: int = 20) -> str:
    shown = ", ".join(repr(name[:100]) for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")
