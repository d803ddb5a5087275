"""Dialogue: the turns of a conversation so far and the reply."""

from collections.abc import Mapping

from app.tasks.base import TABLES, CheckedRow, ColumnRole, ColumnRule, RowFault, TaskDefinition
from app.tasks.targets import Target
from app.tasks.text_classification import GROUP_RULE
from app.tasks.texts import answered, as_conversation
from models_registry.vocabulary import TaskType


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The turns, one a line, and the reply; the first fault in that order."""
    turns = as_conversation(values[ColumnRole.TEXT], ColumnRole.TEXT)
    return turns if isinstance(turns, RowFault) else answered(turns, values)


DIALOGUE = TaskDefinition(
    task_type=TaskType.DIALOGUE,
    title="Dialogue",
    metrics=("perplexity", "bits_per_byte", "bleu", "rougeL"),
    data="The turns of a conversation (one text, or a list of texts or of {speaker, text}) and the reply; a "
    "list of replies where several are right, of which the first is learnt from.",
    formats=TABLES,
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The turns so far.",
            names=(
                *("context", "turns", "history", "dialogue", "dialog", "conversation", "messages", "prompt"),
                *("text", "question", "instruction", "input", "对话", "上文", "历史", "问题"),
            ),
        ),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="The reply.",
            names=(
                *("reply", "response", "answer", "completion", "target", "label", "output"),
                *("回复", "回答", "答复"),
            ),
            holds_text=True,
        ),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.TEXT,
)
