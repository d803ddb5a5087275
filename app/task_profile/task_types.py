"""Which task type the words name, how sure that is, and which words say so."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.task_profile.classifier import NONE, TYPES, Classifier, softmax
from app.task_profile.denials import denied_spans, is_within
from app.task_profile.features import Wording, word_buckets
from app.task_profile.lexicon import Family, lexicon
from models_registry.vocabulary import MODALITY_OF, Modality, TaskType

STATED_MODALITY = 2.0
"""Log odds against `none` of a modality given beside the words: as much as `image` in the text."""
_ALTERNATIVE = 0.01
"""Probability from which another type is shown as an alternative: so low since descriptions that leave the
type open are read with too much confidence; clear ones still have no alternative in most cases."""
_MAX_ALTERNATIVES = 3
_NEAREST = 3
_SHORT_WORD = 3
"""Latin words below this length are no reason by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeReading:
    """What the words say about the task type.

    Attributes:
        probabilities: Of each type of `TYPES`, (types,); what is missing to 1 is that none is named.
        has_words: Whether the text holds a word of the field at all.
    """

    probabilities: NDArray[np.float64]
    has_words: bool

    @property
    def best(self) -> TaskType:
        """The likeliest type."""
        return TYPES[int(np.argmax(self.probabilities))]

    @property
    def is_recognised(self) -> bool:
        """Whether a task is named at all."""
        none = 1.0 - float(self.probabilities.sum())
        return float(self.probabilities.max()) > none

    @property
    def nearest(self) -> tuple[TaskType, ...]:
        """The likeliest types, likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return tuple(TYPES[i] for i in order[:_NEAREST] if self.probabilities[i] > 0)

    @property
    def alternatives(self) -> tuple[TaskType, ...]:
        """Other plausible types, likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[1 : 1 + _MAX_ALTERNATIVES]
        return tuple(TYPES[i] for i in order if self.probabilities[i] >= _ALTERNATIVE)


def read_type(
    scores: NDArray[np.float64], wording: Wording, modality: Modality | None, temperature: float
) -> TypeReading:
    """What the words say about the task type, within a modality where one is given.

    Args:
        scores: Of the types and `none`, (NONE + 1,).
        wording: The text.
        modality: Given beside the words; None where it is not.
        temperature: Divides the scores.
    """
    allowed = np.array([modality is None or MODALITY_OF[t] is modality for t in TYPES])
    logits = np.where(np.append(allowed, True), scores[: NONE + 1], -np.inf)
    if modality is not None:
        logits[NONE] -= STATED_MODALITY
    return TypeReading(
        probabilities=softmax(logits / temperature)[:NONE],
        has_words=any(lexicon().concepts[hit.owner].family is not Family.LANGUAGES for hit in wording.hits),
    )


def reasons(wording: Wording, task_type: TaskType, model: Classifier) -> list[tuple[int, int]]:
    """Spans of the words that speak for a type, strongest first; none overlaps another."""
    column = TYPES.index(task_type)
    concepts, denied = lexicon().concepts, denied_spans(wording.folded)

    def against_the_mean(row: NDArray[np.float32]) -> float:
        return float(row[column] - row[:NONE].mean())

    found = []
    for hit in wording.hits:
        row = model.concepts.get(concepts[hit.owner].key)
        if row is not None and not is_within(hit.start, denied):
            found.append((against_the_mean(row), -(hit.end - hit.start), hit.start, hit.end))
    if not any(strength > 0 for strength, *_ in found):
        found += _words(wording, column, model)
    picked: list[tuple[int, int]] = []
    for strength, _, start, end in sorted(found, key=lambda f: (-f[0], f[1], f[2])):
        if (strength > 0 or not picked) and all(end <= s or e <= start for s, e in picked):
            picked.append((start, end))
    return picked


def _words(wording: Wording, column: int, model: Classifier) -> list[tuple[float, int, int, int]]:
    tokens = [
        t for t in wording.tokens if not (t.text.isascii() and len(t.text) < _SHORT_WORD)
    ] or wording.tokens
    if not tokens:
        return []
    buckets, _ = word_buckets([token.text for token in tokens])
    rows = model.words[buckets]
    strengths = rows[:, column] - rows[:, :NONE].mean(axis=1)
    return [(float(s), 0, t.start, t.end) for s, t in zip(strengths, tokens, strict=True)]
