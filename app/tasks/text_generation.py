"""Text generation: language modelling of running text, or of texts in a table."""

from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    FileFormat,
    RowFault,
    TaskDefinition,
    as_text,
    grouped,
)
from app.tasks.targets import Target, written
from app.tasks.text_classification import GROUP_RULE
from models_registry.vocabulary import TaskType


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The text, which is what is to be written too."""
    text = as_text(values[ColumnRole.TEXT], ColumnRole.TEXT)
    if isinstance(text, RowFault):
        return text
    return grouped(CheckedRow(text, written(Target.TEXT, [text])), values)


TEXT_GENERATION = TaskDefinition(
    task_type=TaskType.TEXT_GENERATION,
    title="Text generation",
    metrics=("perplexity", "bits_per_byte"),
    data="Plain text, which is cut into passages, or a table with a text a row; no label. Perplexity is per "
    "word (per character of texts without spaces), so that models with different tokenizers compare.",
    formats=(FileFormat.TEXT, *TABLES),
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The text.",
            names=(
                *("text", "content", "document", "passage", "story", "article", "sentence", "body", "code"),
                *("文本", "内容", "正文", "文章"),
            ),
        ),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.TEXT,
)
