"""What speaks against relying on a ranked model, and what figures on shifted test sets say for it."""

import re
from collections.abc import Sequence

from app.ranking.background import Background
from app.ranking.candidates import is_quantised
from app.ranking.columns import trains_backbone
from app.ranking.explain import CLOSE, Footing
from app.ranking.phrases import Language, say
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Protocol
from models_registry.entry import UNPINNED, ModelEntry, WeightsFormat
from models_registry.licences import allows_commercial_use
from models_registry.vocabulary import Domain, Modality, Strategy

MOST_NAMED = 3
"""Data sets that a sentence names."""
NOTABLE = 1.0
"""Standard deviations off the line from which robustness is worth a word."""
NOTABLE_GAIN = 0.01
"""So is a point of accuracy: some lines are so tight that less is several standard deviations."""
_QUANTISED = re.compile(r"(?<![a-z0-9])(?:[2348][-_ ]?bit|int[48]|fp8|awq|gptq|gguf|q[2-8]_[0k])(?![a-z0-9])")
_COMMON = frozenset({Domain.GENERAL, Domain.NATURAL_IMAGES, Domain.ENCYCLOPEDIA})
"""What pretraining corpora are made of."""


def cautions(footing: Footing, background: Background, profile: TaskProfile, language: Language) -> list[str]:
    """What speaks against relying on it, the evidence first."""
    entry = footing.entry
    found = [
        *_evidence_cautions(footing, language),
        *_copy_cautions(footing, language),
        *_training_cautions(footing, background, language),
        *_robustness_caution(entry, background, profile, language),
        *_weight_cautions(entry, language),
    ]
    if profile.modality is Modality.INTERACTIONS and entry.modality is Modality.TEXT:
        found.append(say("reads_titles", language))
    if allows_commercial_use(entry.licence) is not True:
        found.append(say("licence", language, licence=entry.licence))
    if entry.max_length and footing.tokens > entry.max_length:
        found.append(say("truncated", language, limit=entry.max_length, tokens=footing.tokens))
    return found


def robustness_reason(
    entry: ModelEntry, background: Background, profile: TaskProfile, language: Language
) -> list[str]:
    """That it keeps more accuracy under shift than others, where the task is far from what it has seen."""
    known = background.robustness
    if known is None or min(known.deviation / NOTABLE, known.gain / NOTABLE_GAIN) < 1.0:
        return []
    if not is_far(entry, profile):
        return []
    return [say("robust", language, points=100 * known.gain, shifts=_named(known.shifts))]


def is_far(entry: ModelEntry, profile: TaskProfile) -> bool:
    """Whether the task's domain is none that the model was pretrained on."""
    return profile.domain not in _COMMON and profile.domain not in entry.domains


def is_of_copy(model: str) -> bool:
    """Whether a name says that the weights were stored in few bits."""
    return _QUANTISED.search(model.lower()) is not None


def _evidence_cautions(footing: Footing, language: Language) -> list[str]:
    """Thin evidence, or evidence from another protocol; none where a probe measured it."""
    if footing.probe is not None:
        return []
    if not any(i.similarity >= CLOSE for i in footing.influences):
        return [say("thin_evidence", language, n=len(footing.influences))]
    protocols = {i.figure.figure.protocol for i in footing.influences}
    wants_tuned = footing.strategy is not Strategy.HEAD
    if all(trains_backbone(p) != wants_tuned for p in protocols):
        return [say("other_protocol", language, protocol=", ".join(sorted(protocols)))]
    return []


def _copy_cautions(footing: Footing, language: Language) -> list[str]:
    """Figures of the full model for a copy in few bits, or of a copy for the full model."""
    entry = footing.entry
    if is_quantised(entry):
        return [say("quantised", language, original=entry.derived_from)] if entry.derived_from else []
    models = [i.figure.figure.model for i in footing.influences]
    if models and all(map(is_of_copy, models)):
        return [say("quantised_evidence", language, copy=models[0].partition(":")[2] or models[0])]
    return []


def _training_cautions(footing: Footing, background: Background, language: Language) -> list[str]:
    """What it was trained on before: the most telling benchmark, the same kind of task, or who knows what."""
    found = []
    # A checkpoint's own training task is no secret: figures of that protocol are meant so.
    own = [
        i.figure.figure.benchmark
        for i in footing.influences
        if i.is_own and i.figure.figure.protocol is not Protocol.PRETRAINED
    ]
    seen = sorted({background.seen[benchmark] for benchmark in own if benchmark in background.seen})
    if seen:
        found.append(say("seen_benchmark", language, what=_named(seen)))
    if background.same_task:
        found.append(say("same_task", language, what=_named(background.same_task)))
    elif background.unknown_task:
        found.append(say("trained_before", language, what=_named(background.unknown_task)))
    return found


def _robustness_caution(
    entry: ModelEntry, background: Background, profile: TaskProfile, language: Language
) -> list[str]:
    known = background.robustness
    if known is None or max(known.deviation / NOTABLE, known.gain / NOTABLE_GAIN) > -1.0:
        return []
    if not is_far(entry, profile):
        return []
    return [say("fragile", language, points=-100 * known.gain, shifts=_named(known.shifts))]


def _weight_cautions(entry: ModelEntry, language: Language) -> list[str]:
    if entry.weights.format is WeightsFormat.NONE:
        return [say("no_weights", language)]
    if entry.weights.format is not WeightsFormat.SAFETENSORS and entry.weights.converter is None:
        return [say("not_probeable", language)]
    return [say("unpinned", language)] if entry.revision == UNPINNED else []


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED])
