"""Summarization: a document and its summary, or several that are right."""

from app.tasks.base import TABLES, ColumnRole, ColumnRule, TaskDefinition
from app.tasks.targets import Target
from app.tasks.text_classification import GROUP_RULE
from app.tasks.texts import checked_text
from models_registry.vocabulary import TaskType

SUMMARIZATION = TaskDefinition(
    task_type=TaskType.SUMMARIZATION,
    title="Summarization",
    metrics=("rougeL", "rouge1", "rouge2", "perplexity", "bits_per_byte"),
    data="A document and its summary; a list of summaries where several are right, of which the first is "
    "learnt from.",
    formats=TABLES,
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The document.",
            names=(
                *("document", "article", "dialogue", "text", "source", "content", "input", "report", "body"),
                *("文档", "文章", "正文", "原文", "对话", "内容", "文本"),
            ),
        ),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="Its summary.",
            names=(
                *("summary", "highlights", "abstract", "summaries", "target", "label", "output", "title"),
                *("摘要", "总结", "标题"),
            ),
            holds_text=True,
        ),
        GROUP_RULE,
    ),
    check_row=checked_text,
    target=Target.TEXT,
)
