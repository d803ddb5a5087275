"""Translation: a text and the same in another language."""

from app.tasks.base import TABLES, ColumnRole, ColumnRule, TaskDefinition
from app.tasks.targets import Target
from app.tasks.text_classification import GROUP_RULE
from app.tasks.texts import checked_text
from models_registry.vocabulary import TaskType

TRANSLATION = TaskDefinition(
    task_type=TaskType.TRANSLATION,
    title="Translation",
    metrics=("bleu", "chrf", "perplexity", "bits_per_byte"),
    data="A text and its translation; a list of translations where several are right, of which the first is "
    "learnt from.",
    formats=TABLES,
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The text.",
            names=("source", "src", "text", "sentence", "input", "en", "english", "原文", "源文", "英文"),
        ),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="Its translation.",
            names=(
                *("target", "tgt", "translation", "reference", "label", "output"),
                *("zh", "chinese", "de", "german", "fr", "french", "es", "spanish", "ru", "ja", "ko"),
                *("译文", "翻译", "中文"),
            ),
            holds_text=True,
        ),
        GROUP_RULE,
    ),
    check_row=checked_text,
    target=Target.TEXT,
)
