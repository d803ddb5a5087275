"""Values that are texts to be written, and conversations that they answer."""

import json
from collections.abc import Mapping, Sequence

from app.tasks.base import CheckedRow, ColumnRole, FaultKind, RowFault, as_text, grouped
from app.tasks.targets import Target, written

WRITTEN_METRICS = frozenset({"rougeL", "rouge1", "rouge2", "bleu", "chrf"})
"""Metrics that read texts which a model has to write; others read how likely it holds the right ones."""
_SPEAKERS, _SAID = ("speaker", "role", "from", "name"), ("text", "content", "value", "utterance")
"""Keys of a turn that is an object."""


def checked_text(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """A row of a text and what is to be written of it; the first fault in that order."""
    source = as_text(values[ColumnRole.TEXT], ColumnRole.TEXT)
    return source if isinstance(source, RowFault) else answered(source, values)


def answered(source: str, values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The row of this text with what is to be written of it."""
    texts = as_texts(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(texts, RowFault):
        return texts
    return grouped(CheckedRow(source, written(Target.TEXT, texts)), values)


def as_texts(value: object, role: ColumnRole) -> list[str] | RowFault:
    """A text, or a list of texts of which each is right, as it stands or as JSON; blank ones do not count."""
    found = _listed(value)
    if found is None:
        text = as_text(value, role)
        return text if isinstance(text, RowFault) else [text]
    texts = [text for text in found if isinstance(text, str)]
    if len(texts) < len(found):
        return RowFault(role, FaultKind.NOT_TEXTS)
    return [text for text in texts if text.strip()] or RowFault(role, FaultKind.MISSING)


def as_conversation(value: object, role: ColumnRole) -> str | RowFault:
    """Turns as lines, from one text, or from a list of texts or of {speaker, text}; it may be JSON."""
    turns = _listed(value)
    if turns is None:
        return as_text(value, role)
    lines = [_line(turn) for turn in turns]
    said = [line for line in lines if line is not None]
    if len(said) < len(lines):
        return RowFault(role, FaultKind.NOT_TURNS)
    return "\n".join(line for line in said if line) or RowFault(role, FaultKind.MISSING)


def _line(turn: object) -> str | None:
    """A turn in one line, empty where nothing was said; None where it is no turn."""
    if isinstance(turn, Mapping):
        speaker = next((turn[key] for key in _SPEAKERS if isinstance(turn.get(key), str)), "")
        turn = next((turn[key] for key in _SAID if isinstance(turn.get(key), str)), None)
        if isinstance(turn, str) and turn.strip() and speaker.strip():
            turn = f"{speaker.strip()}: {turn}"
    return " ".join(turn.split()) if isinstance(turn, str) else None


def _listed(value: object) -> Sequence[object] | None:
    """The list that this is, or that its JSON is; None where it is none."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None  # a text that opens with a bracket
    return value if isinstance(value, (list, tuple)) else None
