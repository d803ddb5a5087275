"""Text pair classification: two texts, one of several classes of their relation."""

from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    RowFault,
    TaskDefinition,
    as_label,
    as_pair,
    grouped,
)
from app.tasks.text_classification import GROUP_RULE, LABEL_NAMES
from models_registry.vocabulary import TaskType

FIRST_NAMES = (
    *("sentence1", "text1", "text_a", "premise", "question1", "query1", "sentence_a", "sent1", "s1", "first"),
    *("sentence_1", "text_1", "question_1", "question", "query", "context", "text"),
    *("句子1", "文本1", "前提", "问题1", "问题"),
)
SECOND_NAMES = (
    *("sentence2", "text2", "text_b", "hypothesis", "question2", "query2", "sentence_b", "sent2", "s2"),
    *(
        "second",
        "sentence_2",
        "text_2",
        "question_2",
        "text_pair",
        "sentence",
        "passage",
        "answer",
        "document",
    ),
    *("句子2", "文本2", "假设", "问题2", "答案"),
)


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """Both texts and their class; the first fault in that order."""
    texts = as_pair(values)
    if isinstance(texts, RowFault):
        return texts
    label = as_label(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(label, RowFault):
        return label
    return grouped(CheckedRow(texts[0], label, texts[1]), values)


TEXT_PAIR_CLASSIFICATION = TaskDefinition(
    task_type=TaskType.TEXT_PAIR_CLASSIFICATION,
    title="Text pair classification",
    metrics=("accuracy", "f1", "f1_macro", "matthews_correlation", "balanced_accuracy"),
    data="One row an example: two texts and the class of their relation.",
    formats=TABLES,
    columns=(
        ColumnRule(role=ColumnRole.TEXT, description="The first text.", names=FIRST_NAMES),
        ColumnRule(role=ColumnRole.TEXT_PAIR, description="The second text.", names=SECOND_NAMES),
        ColumnRule(role=ColumnRole.LABEL, description="The class of their relation.", names=LABEL_NAMES),
        GROUP_RULE,
    ),
    min_classes=2,
    check_row=check_row,
)
