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
    as_pair,
    grouped,
)
from app.tasks.targets import Target, written
from app.tasks.text_classification import GROUP_RULE
from app.tasks.text_pair_classification import FIRST_NAMES, SECOND_NAMES
from app.tasks.text_regression import SCORE_NAMES
from models_registry.vocabulary import TaskType


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """Both texts and their number; the first fault in that order."""
    texts = as_pair(values)
    if isinstance(texts, RowFault):
        return texts
    number = as_number(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(number, RowFault):
        return number
    return grouped(CheckedRow(texts[0], written(Target.NUMBER, number), texts[1]), values)


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
