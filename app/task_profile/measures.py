"""Which metric the words ask for."""

import re

from app.task_profile.defaults import SPECIFIC_METRIC
from app.task_profile.lexicon import metric_phrases
from app.task_profile.normalise import Token
from models_registry.vocabulary import TaskType

_CAPITALISED = frozenset({"map", "em", "der", "mos", "ap score"})
"""Spellings that are everyday words in lower case: `map each word`, German `der`."""
_GENERAL = frozenset({"accuracy", "f1"})
_IMBALANCE = re.compile(
    r"\b(?:im|un)-?balanced?\b|\bimbalance\b|\bskewed\b|\blong[- ]tail|\b(?:very |quite |are "
    r"|is )rare\b|\brare (?:class|categor|label)"
    r"|不均衡|不平衡|失衡|长尾|偏斜|类别悬殊|样本很少的类"
)


def says_imbalanced(folded: str) -> bool:
    """Whether the words say that some classes are rare."""
    return bool(_IMBALANCE.search(folded))


def read_metric(original: str, tokens: list[Token], task_type: TaskType) -> str | None:
    """Canonical name of the metric asked for; None where unsaid.

    Of several the most specific counts, then the first.
    """
    phrases = metric_phrases()
    named = []
    for hit in phrases.phrases.find(tokens):
        word = original[hit.start : hit.end]
        if not (hit.phrase in _CAPITALISED and word.islower()):
            named.append(phrases.names[hit.owner])
    if not named:
        return None
    best = next((name for name in named if name not in _GENERAL), named[0])
    return SPECIFIC_METRIC.get((task_type, best), best)
