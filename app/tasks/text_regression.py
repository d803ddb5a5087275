"""Text regression: a text and a number that it stands for."""

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
from app.tasks.text_classification import GROUP_RULE, TEXT_NAMES
from models_registry.vocabulary import TaskType

SCORE_NAMES = (
    *("score", "rating", "stars", "value", "target", "label", "similarity", "relatedness", "grade", "points"),
    *("y", "labels", "price", "regression", "readability"),
    *("分数", "评分", "得分", "相似度", "标签"),
)


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The text and its number."""
    text = as_text(values[ColumnRole.TEXT], ColumnRole.TEXT)
    if isinstance(text, RowFault):
        return text
    number = as_number(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(number, RowFault):
        return number
    return grouped(CheckedRow(text, written(Target.NUMBER, number)), values)


TEXT_REGRESSION = TaskDefinition(
    task_type=TaskType.TEXT_REGRESSION,
    title="Text regression",
    metrics=("spearmanr", "pearsonr", "mean_squared_error", "mean_absolute_error"),
    data="One row an example: a text and a number.",
    formats=TABLES,
    columns=(
        ColumnRule(role=ColumnRole.TEXT, description="The text to score.", names=TEXT_NAMES),
        ColumnRule(role=ColumnRole.LABEL, description="Its score: a number.", names=SCORE_NAMES),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.NUMBER,
)
