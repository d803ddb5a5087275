"""Multi-label classification: a text, and any of several labels that apply to it."""

from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    FaultKind,
    RowFault,
    TaskDefinition,
    as_label,
    as_list,
    as_text,
    grouped,
)
from app.tasks.targets import Target, written
from app.tasks.text_classification import GROUP_RULE, LABEL_NAMES, TEXT_NAMES
from models_registry.vocabulary import TaskType


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The text and its labels, each once and sorted; an empty list says that none applies."""
    text = as_text(values[ColumnRole.TEXT], ColumnRole.TEXT)
    if isinstance(text, RowFault):
        return text
    found = as_list(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(found, RowFault):
        return found
    labels = [as_label(value, ColumnRole.LABEL) for value in found]
    if any(isinstance(label, RowFault) for label in labels):
        return RowFault(ColumnRole.LABEL, FaultKind.NOT_A_LIST)
    names = sorted({str(label) for label in labels})
    return grouped(CheckedRow(text, written(Target.CLASSES, names)), values)


MULTI_LABEL_CLASSIFICATION = TaskDefinition(
    task_type=TaskType.MULTI_LABEL_CLASSIFICATION,
    title="Multi-label classification",
    metrics=("f1_micro", "f1_macro", "map", "exact_match"),
    data="One row an example: a text and its labels, as a list or parted by |, ; or commas.",
    formats=TABLES,
    columns=(
        ColumnRule(role=ColumnRole.TEXT, description="The text to label.", names=TEXT_NAMES),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="Its labels: a list, or text in which |, ; or commas part them.",
            names=("labels", "tags", "categories", "topics", "genres", "classes", "标签", *LABEL_NAMES),
        ),
        GROUP_RULE,
    ),
    min_classes=2,
    check_row=check_row,
    target=Target.CLASSES,
)
