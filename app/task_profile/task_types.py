"""Which task type the words name: cues and n-grams into calibrated probabilities.

Notation:
    c_t   sum of the log odds of the cues found and of their combinations, for type t
    g_t   n-gram score
    p     softmax over the types and `none` of (c + ngram_weight g, none_score) / temperature
"""

import re
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.task_profile.lexicon import TYPES, language_phrases, task_cues
from app.task_profile.ngrams import WordModel, ngram_scores
from app.task_profile.normalise import Token
from app.task_profile.phrases import Hit
from app.task_profile.subjects import LANGUAGE_CODES
from models_registry.vocabulary import MODALITY_OF, Modality, TaskType

MIN_CUE_SCORE = 1.2
"""Below this the cues name no task, whatever the n-grams say: they know no words outside the lexicon's
world and are confident about anything."""
LANGUAGE_DIRECTION = "language-direction"
"""Cue that is found by what stands before a language's name, not by a phrase of its own."""
_INTO = re.compile(r"(?:\b(?:to|into)|成|为|到|→|->|=>)\s?$")
STATED_MODALITY = 2.0
"""Log odds against `none` of a modality given beside the words: as much as `image` in the text."""
_ALTERNATIVE = 0.05
"""Probability from which another type is shown as an alternative."""
_MAX_ALTERNATIVES = 3
_NEAREST = 3
_NEGATIONS = {
    ("not",), ("instead", "of"), ("rather", "than"), ("no", "need", "to"), ("不", "是"), ("不", "要"),
    ("不", "用"),    ("无", "需"), ("而", "非"), ("并", "非"), ("不", "需", "要"),
}  # fmt: skip
_NOT_NEGATING = {"or", "是", "要", "用"}
"""Before a negation these make a question of it: `whether or not`, 是不是, 要不要."""
_FILLERS = frozenset({"a", "an", "the", "any", "about", "for", "to", "do", "做", "要", "个", "一", "想"})
"""May stand between a negation and what it denies: `not about translation`."""
_NEGATION_REACH = 2
"""Fillers between a negation and what it denies, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeReading:
    """What the words say about the task type.

    Attributes:
        probabilities: Of each type of `TYPES`, (types,); what is missing to 1 is that none is named.
        cue_score: Largest cue score.
        hits: The cues that count.
    """

    probabilities: NDArray[np.float64]
    cue_score: float
    hits: tuple[Hit, ...]

    @property
    def best(self) -> TaskType:
        """The likeliest type."""
        return TYPES[int(np.argmax(self.probabilities))]

    @property
    def is_recognised(self) -> bool:
        """Whether a task is named at all."""
        none = 1.0 - float(self.probabilities.sum())
        return self.cue_score >= MIN_CUE_SCORE and float(self.probabilities.max()) > none

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

    def supporting(self, task_type: TaskType) -> list[Hit]:
        """The cues for a type, strongest first."""
        weights = task_cues().weights[:, TYPES.index(task_type)]
        strong = [hit for hit in self.hits if weights[hit.owner] > 0]
        return sorted(strong, key=lambda hit: (-float(weights[hit.owner]), hit.start))


def _is_denied(words: list[str], first: int) -> bool:
    for end in range(first, max(-1, first - _NEGATION_REACH - 1), -1):
        if not _FILLERS.issuperset(words[end:first]):
            return False
        for negation in _NEGATIONS:
            start = end - len(negation)
            if start >= 0 and tuple(words[start:end]) == negation:
                return not (start > 0 and words[start - 1] in _NOT_NEGATING)
    return False


def _direction(folded: str, tokens: list[Token]) -> list[Hit]:
    """A hit of `LANGUAGE_DIRECTION` where a text goes into a named language."""
    owner = task_cues().names.index(LANGUAGE_DIRECTION)
    for hit in language_phrases().phrases.find(tokens):
        if _INTO.search(folded[max(0, hit.start - 8) : hit.start]):
            return [Hit(owner, LANGUAGE_DIRECTION, hit.start, hit.end, hit.first_token)]
    pair = LANGUAGE_CODES.search(folded)
    return [Hit(owner, LANGUAGE_DIRECTION, pair.start(), pair.end(), 0)] if pair else []


def find_cues(folded: str, tokens: list[Token]) -> tuple[Hit, ...]:
    """The cues of task types in a text, those that it denies left out."""
    words = [token.text for token in tokens]
    hits = task_cues().phrases.find(tokens) + _direction(folded, tokens)
    return tuple(hit for hit in hits if not _is_denied(words, hit.first_token))


def cue_scores(hits: tuple[Hit, ...]) -> NDArray[np.float64]:
    """Sums c of the notation, (types,); a cue counts once however often it occurs."""
    cues = task_cues()
    owners = sorted({hit.owner for hit in hits})
    total = cues.weights[owners].sum(axis=0) if owners else np.zeros(len(TYPES))
    for pair in combinations(owners, 2):
        bonus = cues.together.get(pair)
        if bonus is not None:
            total = total + bonus
    return total


def type_probabilities(
    cues: NDArray[np.float64], ngrams: NDArray[np.float64], model: WordModel, allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Softmax p of the notation without its last entry, (types,); types not allowed get 0."""
    scores = np.where(allowed, cues + model.ngram_weight * ngrams, -np.inf)
    logits = np.append(scores, model.none_score) / model.temperature
    exp = np.exp(logits - logits.max())
    return np.asarray((exp / exp.sum())[:-1])


def read_type(folded: str, tokens: list[Token], modality: Modality | None, model: WordModel) -> TypeReading:
    """What the words say about the task type, within a modality where one is given."""
    hits = find_cues(folded, tokens)
    cues = cue_scores(hits)
    allowed = np.array([modality is None or MODALITY_OF[t] is modality for t in TYPES])
    if hits and modality is not None:
        cues = cues + STATED_MODALITY
    probabilities = type_probabilities(cues, ngram_scores(folded, model.weights), model, allowed)
    return TypeReading(probabilities=probabilities, cue_score=float(cues[allowed].max()), hits=hits)
