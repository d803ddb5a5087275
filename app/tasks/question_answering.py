"""Question answering: a question, a passage, and the part of the passage that answers it, or none.

Sources: Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (several answers
a question, each with its place); Rajpurkar et al. 2018, "Know What You Don't Know" (questions without one).

Answers snap to whole words (`app.tasks.words`). Of several the first is learnt from; all of them are right.
"""

from collections.abc import Mapping, Sequence

from app.tasks.base import (
    CheckedRow,
    ColumnRole,
    ColumnRule,
    FaultKind,
    FileFormat,
    RowFault,
    TaskDefinition,
    as_pair,
    grouped,
)
from app.tasks.targets import Answers, Target, written
from app.tasks.text_classification import GROUP_RULE
from app.tasks.words import places
from models_registry.vocabulary import TaskType

_TEXTS, _STARTS = ("text", "answer", "answer_text"), ("answer_start", "start")
_UNKNOWN = -1
"""Where CMRC 2018 and others do not say where an answer begins."""

Said = tuple[str, int | None]
"""An answer and the character that it begins at, where that is known."""


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The question, its passage and its answers; the first fault in that order."""
    texts = as_pair(values)
    if isinstance(texts, RowFault):
        return texts
    question, passage = texts
    answers = _answers(values[ColumnRole.LABEL], passage)
    if isinstance(answers, FaultKind):
        return RowFault(ColumnRole.LABEL, answers)
    return grouped(CheckedRow(question, written(Target.SPAN, answers), passage), values)


def _answers(raw: object, passage: str) -> Answers | FaultKind:
    said = _said(raw)
    if isinstance(said, FaultKind):
        return said
    words = places(passage)
    first: tuple[int, int] | None = None
    for text, start in said:
        begin = _place(text, start, passage)
        if isinstance(begin, FaultKind):
            return begin
        inside = [i for i, (low, high) in enumerate(words) if low < begin + len(text) and high > begin]
        if not inside:
            return FaultKind.NOT_ANSWERS
        first = first or (inside[0], inside[-1])
    return Answers(len(words), first, tuple(text for text, _ in said))


def _said(raw: object) -> list[Said] | FaultKind:
    """Answers as lists side by side, as a list of objects, as one object, or as a text alone."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return FaultKind.MISSING
    if isinstance(raw, Mapping):
        texts, starts = (_first_of(raw, names) for names in (_TEXTS, _STARTS))
        if isinstance(texts, (list, tuple)):
            starts = [None] * len(texts) if starts is None else starts
            if not isinstance(starts, (list, tuple)) or len(starts) != len(texts):
                return FaultKind.NOT_ANSWERS
            raw = [{"text": text, "start": start} for text, start in zip(texts, starts, strict=True)]
    found = [_one(item) for item in (raw if isinstance(raw, (list, tuple)) else [raw])]
    known = [answer for answer in found if answer is not None]
    return known if len(known) == len(found) else FaultKind.NOT_ANSWERS


def _one(item: object) -> Said | None:
    text, start = item, None
    if isinstance(item, Mapping):
        text, start = _first_of(item, _TEXTS), _first_of(item, _STARTS)
    if not isinstance(text, str) or not text.strip() or isinstance(start, bool):
        return None
    if start is None or start == _UNKNOWN:
        return text, None
    return (text, start) if isinstance(start, int) else None


def _first_of(item: Mapping[str, object], names: Sequence[str]) -> object:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _place(text: str, start: int | None, passage: str) -> int | FaultKind:
    """The character that an answer begins at; without its place the only one where it stands."""
    if start is not None and start >= 0 and passage.startswith(text, start):
        return start
    begin = passage.find(text)
    if begin < 0:
        return FaultKind.ABSENT
    if start is not None:
        return FaultKind.MISPLACED
    return begin if passage.find(text, begin + 1) < 0 else FaultKind.AMBIGUOUS


QUESTION_ANSWERING = TaskDefinition(
    task_type=TaskType.QUESTION_ANSWERING,
    title="Question answering",
    metrics=("token_f1", "exact_match"),
    data="One question an example, a passage, and its answers with their places in it: SQuAD's JSON, or rows "
    'whose answers are {"text": [...], "answer_start": [...]} or [{"text", "answer_start"}], in characters '
    "from 0; an empty list where the passage does not answer.",
    formats=(FileFormat.SQUAD, FileFormat.JSON_LINES, FileFormat.PARQUET),
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The question.",
            names=("question", "query", "text", "q", "问题"),
        ),
        ColumnRule(
            role=ColumnRole.TEXT_PAIR,
            description="The passage that it is asked of.",
            names=("context", "passage", "paragraph", "document", "text_pair", "段落", "文章", "原文"),
        ),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="Its answers with their places, or an answer that stands in the passage once.",
            names=("answers", "answer", "label", "答案"),
        ),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.SPAN,
)
