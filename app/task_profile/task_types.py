"""Which task type the words name: cues and n-grams into calibrated probabilities.

Notation:
    c_t   sum of the log odds of the cues found and of their combinations, for type t
    g_t   n-gram score
    p     softmax over the types and `none` of (c + ngram_weight g, none_score) / temperature
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.task_profile.lexicon import TYPES, task_cues
from app.task_profile.ngrams import WordModel, ngram_scores
from app.task_profile.normalise import Token
from app.task_profile.phrases import Hit
from models_registry.vocabulary import MODALITY_OF, Modality, TaskType

MIN_CUE_SCORE = 1.5
"""Below this the cues name no task, whatever the n-grams say: they know no words outside the lexicon's
world and are confident about anything."""
_ALTERNATIVE = 0.08
"""Probability from which another type is shown as an alternative."""
_MAX_ALTERNATIVES = 3
_NEAREST = 3
_NEGATIONS = {
    ("not",), ("instead", "of"), ("rather", "than"), ("no", "need", "to"), ("不", "是"), ("不", "要"), ("不", "用"),
    ("无", "需"), ("而", "非"), ("并", "非"), ("不", "需", "要"),
}  # fmt: skip
_NOT_NEGATING = {"or", "是", "要", "用"}
"""Before a negation these make a question of it: `whether or not`, 是不是, 要不要."""
_NEGATION_REACH = 2
"""Words between a negation and what it denies: `not a translation task`."""


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
        for negation in _NEGATIONS:
            start = end - len(negation)
            if start >= 0 and tuple(words[start:end]) == negation:
                return not (start > 0 and words[start - 1] in _NOT_NEGATING)
    return False


def find_cues(tokens: list[Token]) -> tuple[Hit, ...]:
    """The cues of task types in a text, those that it denies left out."""
    words = [token.text for token in tokens]
    hits = task_cues().phrases.find(tokens)
    return tuple(hit for hit in hits if not _is_denied(words, hit.first_token))


def cue_scores(hits: tuple[Hit, ...]) -> NDArray[np.float64]:
    """c of the notation, (types,); a cue counts once however often it occurs."""
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
    """p of the notation without its last entry, (types,); types not allowed get 0."""
    scores = np.where(allowed, cues + model.ngram_weight * ngrams, -np.inf)
    logits = np.append(scores, model.none_score) / model.temperature
    exp = np.exp(logits - logits.max())
    return np.asarray((exp / exp.sum())[:-1])


def read_type(
    folded: str, tokens: list[Token], modality: Modality | None, model: WordModel
) -> TypeReading:
    """What the words say about the task type, within a modality where one is given."""
    hits = find_cues(tokens)
    cues = cue_scores(hits)
    allowed = np.array([modality is None or MODALITY_OF[t] is modality for t in TYPES])
    probabilities = type_probabilities(cues, ngram_scores(folded, model.weights), model, allowed)
    return TypeReading(probabilities=probabilities, cue_score=float(cues[allowed].max()), hits=hits)
