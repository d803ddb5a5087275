"""Which metric the words ask for."""

import re

from app.task_profile.defaults import SPECIFIC_METRIC
from app.task_profile.features import Wording
from app.task_profile.lexicon import Family
from models_registry.vocabulary import TaskType

_GENERAL = frozenset({"accuracy", "f1"})
_IMBALANCE = re.compile(
    r"\b(?:im|un)-?balanced?\b|\bimbalance\b|\bskewed\b|\blong[- ]tail|\b(?:very |quite |are "
    r"|is )rare\b|\brare (?:class|categor|label)"
    r"|不均衡|不平衡|失衡|长尾|偏斜|类别悬殊|样本很少的类"
)


def says_imbalanced(folded: str) -> bool:
    """Whether the words say that some classes are rare."""
    return bool(_IMBALANCE.search(folded))


def read_metric(wording: Wording, task_type: TaskType) -> str | None:
    """Canonical name of the metric asked for; None where unsaid.

    Of several the most specific counts, then the first.
    """
    named = [concept.name for concept, _ in wording.of(Family.METRICS)]
    if not named:
        return None
    best = next((name for name in named if name not in _GENERAL), named[0])
    return SPECIFIC_METRIC.get((task_type, best), best)
