"""Text classification: one text, one of several classes."""

from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    RowFault,
    TaskDefinition,
    as_label,
    as_text,
    grouped,
)
from models_registry.vocabulary import TaskType

TEXT_NAMES = (
    *("text", "sentence", "content", "review", "document", "comment", "message", "utterance", "tweet"),
    *("query", "question", "title", "headline", "body", "input", "texts", "sentences", "reviews"),
    *("文本", "评论", "内容", "句子", "正文", "评价", "标题", "问题", "文章", "语句"),
)
LABEL_NAMES = (
    *("label", "class", "category", "target", "sentiment", "intent", "emotion", "topic", "polarity"),
    *("tag", "y", "labels", "classes", "label_text", "label_name"),
    *("标签", "类别", "分类", "情感", "意图", "类型", "情绪"),
)
GROUP_RULE = ColumnRule(
    role=ColumnRole.GROUP,
    description="A group that the example belongs to. Up to 20 groups (dialects, regions) are compared: each "
    "gets a score of its own. More (authors, documents) are kept together, each on one side of the split.",
    required=False,
)


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The text and its class; a row without a text is reported before one without a label."""
    text = as_text(values[ColumnRole.TEXT], ColumnRole.TEXT)
    if isinstance(text, RowFault):
        return text
    label = as_label(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(label, RowFault):
        return label
    return grouped(CheckedRow(text, label), values)


TEXT_CLASSIFICATION = TaskDefinition(
    task_type=TaskType.TEXT_CLASSIFICATION,
    title="Text classification",
    metrics=(
        "accuracy",
        "f1_macro",
        "f1_micro",
        "balanced_accuracy",
        "matthews_correlation",
        "f1",
    ),
    data="One row an example: a text and the one class it belongs to.",
    formats=TABLES,
    columns=(
        ColumnRule(role=ColumnRole.TEXT, description="The text to classify.", names=TEXT_NAMES),
        ColumnRule(role=ColumnRole.LABEL, description="Its class: text or a number.", names=LABEL_NAMES),
        GROUP_RULE,
    ),
    min_classes=2,
    check_row=check_row,
)
