"""Text retrieval: a query and the passage that answers it, to be told from all other passages."""

from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    RowFault,
    TaskDefinition,
    as_pair,
    grouped,
)
from app.tasks.targets import Target, matched
from app.tasks.text_classification import GROUP_RULE
from models_registry.vocabulary import TaskType


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The query and its passage; the first fault in that order."""
    texts = as_pair(values)
    if isinstance(texts, RowFault):
        return texts
    return grouped(CheckedRow(texts[0], matched(*texts), texts[1]), values)


TEXT_RETRIEVAL = TaskDefinition(
    task_type=TaskType.TEXT_RETRIEVAL,
    title="Text retrieval",
    metrics=("ndcg_at_10", "recall_at_1", "recall_at_5", "recall_at_10", "map"),
    data="One row an example: a query and a passage that answers it; no label. The other rows' passages are "
    "what it is told from.",
    formats=TABLES,
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The query.",
            names=("query", "question", "anchor", "q", "text", "search", "查询", "问题"),
        ),
        ColumnRule(
            role=ColumnRole.TEXT_PAIR,
            description="The passage that answers it.",
            names=(
                *("positive", "passage", "answer", "document", "doc", "pos", "context", "positive_passage"),
                *("text_pair", "response", "段落", "文档", "答案"),
            ),
        ),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.MATCH,
)
