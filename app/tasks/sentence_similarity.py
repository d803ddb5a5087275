"""Sentence similarity: two texts and how alike they are, as a number."""

from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    RowFault,
    TaskDefinition,
    as_number,
    as_text,
    grouped,
)
from app.tasks.targets import Target, written
from app.tasks.text_classification import GROUP_RULE
from app.tasks.text_pair_classification import FIRST_NAMES, SECOND_NAMES
from app.tasks.text_regression import SCORE_NAMES
from models_registry.vocabulary import TaskType


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """Both texts and their number; the first fault in that order."""
    text = as_text(values[ColumnRole.TEXT], ColumnRole.TEXT)
    if isinstance(text, RowFault):
        return text
    pair = as_text(values[ColumnRole.TEXT_PAIR], ColumnRole.TEXT_PAIR)
    if isinstance(pair, RowFault):
        return pair
    number = as_number(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(number, RowFault):
        return number
    return grouped(CheckedRow(text, written(Target.NUMBER, number), pair), values)


SENTENCE_SIMILARITY = TaskDefinition(
    task_type=TaskType.SENTENCE_SIMILARITY,
    title="Sentence similarity",
    metrics=("spearmanr", "pearsonr"),
    data="One row an example: two texts and how alike they are, as a number; more is more alike.",
    formats=TABLES,
    columns=(
        ColumnRule(role=ColumnRole.TEXT, description="The first text.", names=FIRST_NAMES),
        ColumnRule(role=ColumnRole.TEXT_PAIR, description="The second text.", names=SECOND_NAMES),
        ColumnRule(role=ColumnRole.LABEL, description="How alike they are.", names=SCORE_NAMES),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.NUMBER,
)
