"""Token classification: a sentence as tokens, each with a tag: entities in IOB2, or any tags at all.

Source: Tjong Kim Sang and Veenstra 1999, "Representing Text Chunks" (IOB1, IOB2, IOE); Ratinov and Roth 2009,
"Design Challenges and Misconceptions in Named Entity Recognition" (BILOU).
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from app.tasks.base import (
    CheckedRow,
    ColumnRole,
    ColumnRule,
    FaultKind,
    FileFormat,
    RowFault,
    TaskDefinition,
    as_list,
    grouped,
)
from app.tasks.targets import OUTSIDE, Target, written
from app.tasks.text_classification import GROUP_RULE
from app.tasks.words import WORD
from models_registry.vocabulary import TaskType

_BEGINS, _GOES_ON = frozenset("BSU"), frozenset("IMEL")
"""First letters of tags in IOB, BIOES and BILOU."""
_SPACE = re.compile(r"\s+")
_SPAN_LABELS = ("label", "type", "tag", "entity", "entity_type", "ner")


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """Tokens and their tags in IOB2; a text with spans is cut into tokens first."""
    raw = values[ColumnRole.TEXT]
    if raw is None or (isinstance(raw, str) and not raw.strip()) or raw == []:
        return RowFault(ColumnRole.TEXT, FaultKind.MISSING)
    found = as_list(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(found, RowFault):
        return found
    if isinstance(raw, str) and all(isinstance(span, Mapping) for span in found):
        row = _from_spans(raw, found)
    elif isinstance(raw, str):
        row = _from_tags(raw.split(), found)
    else:
        row = _from_tags(raw, found)
    return row if isinstance(row, RowFault) else grouped(row, values)


def _from_tags(tokens: object, tags: Sequence[object]) -> CheckedRow | RowFault:
    if not isinstance(tokens, Sequence) or not all(isinstance(token, str) for token in tokens):
        return RowFault(ColumnRole.TEXT, FaultKind.NOT_A_LIST)
    if not all(isinstance(tag, str) for tag in tags):
        return RowFault(ColumnRole.LABEL, FaultKind.NOT_TAGS)
    if len(tokens) != len(tags):
        return RowFault(ColumnRole.LABEL, FaultKind.LENGTHS_DIFFER)
    # What parts tokens from here on is a space, so there is none within them.
    text = " ".join(_SPACE.sub("", token) or "_" for token in tokens)
    return CheckedRow(text, written(Target.TAGS, to_iob2([str(tag).strip() for tag in tags])))


def _from_spans(text: str, spans: Sequence[object]) -> CheckedRow | RowFault:
    matches = list(WORD.finditer(text))
    tags = [OUTSIDE] * len(matches)
    for span in spans:
        read = _span(span, len(text))
        if read is None:
            return RowFault(ColumnRole.LABEL, FaultKind.NOT_SPANS)
        start, end, name = read
        inside = [i for i, m in enumerate(matches) if m.start() < end and m.end() > start]
        for place, i in enumerate(inside):
            tags[i] = f"{'I' if place else 'B'}-{name}"
    if not matches:
        return RowFault(ColumnRole.TEXT, FaultKind.MISSING)
    return CheckedRow(" ".join(m.group() for m in matches), written(Target.TAGS, tags))


def _span(span: object, length: int) -> tuple[int, int, str] | None:
    """Start, end and label of a span; None where it is none of this text."""
    if not isinstance(span, Mapping):
        return None
    start, end = span.get("start"), span.get("end")
    name = next((span[key] for key in _SPAN_LABELS if isinstance(span.get(key), str)), None)
    if not isinstance(start, int) or not isinstance(end, int) or name is None:
        return None
    return (start, end, name) if 0 <= start < end <= length and name.strip() else None


def to_iob2(tags: Sequence[str]) -> list[str]:
    """IOB1, IOB2, BIOES and BILOU as IOB2; other tags as they are."""
    if not all(tag == OUTSIDE or (len(tag) > 2 and tag[1] == "-") for tag in tags):
        return list(tags)
    found = []
    for before, tag in pairwise([OUTSIDE, *tags]):
        if tag == OUTSIDE:
            found.append(OUTSIDE)
            continue
        continues = tag[0] in _GOES_ON and before[2:] == tag[2:] and before[0] not in "ESLU"
        found.append(f"{'I' if continues else 'B'}-{tag[2:]}")
    return found


TOKEN_CLASSIFICATION = TaskDefinition(
    task_type=TaskType.TOKEN_CLASSIFICATION,
    title="Token classification",
    metrics=("entity_f1", "accuracy"),
    data="One sentence an example: tokens with their tags (CoNLL, or lists in JSON Lines and Parquet), or a "
    "text with spans ({start, end, label}, in characters).",
    formats=(FileFormat.CONLL, FileFormat.JSON_LINES, FileFormat.PARQUET),
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The tokens, or the text that spans are of.",
            names=("tokens", "words", "token", "text", "sentence", "文本", "句子"),
        ),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="A tag for every token, or spans.",
            names=(
                "tags",
                "ner_tags",
                "labels",
                "entities",
                "spans",
                "ner",
                "pos_tags",
                "tag",
                "label",
                "标签",
            ),
        ),
        GROUP_RULE,
    ),
    check_row=check_row,
    target=Target.TAGS,
)
