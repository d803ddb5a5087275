"""What the data is about, among the domains that the task type can have."""

import numpy as np
from numpy.typing import NDArray

from app.task_profile.classifier import DOMAINS, NONE, TYPES, Classifier
from app.task_profile.features import Wording
from app.task_profile.lexicon import Family
from app.task_profile.phrases import Hit
from models_registry.vocabulary import MODALITY_OF, Domain, Modality, TaskType

_IMAGE = frozenset(
    {
        Domain.NATURAL_IMAGES,
        Domain.FINE_GRAINED_IMAGES,
        Domain.MEDICAL_IMAGES,
        Domain.REMOTE_SENSING,
        Domain.DOCUMENT_IMAGES,
        Domain.STRUCTURED_IMAGES,
    }
)
_AUDIO = frozenset({Domain.SPEECH, Domain.ENVIRONMENTAL_SOUND, Domain.MUSIC})
_TEXT = frozenset(Domain) - _IMAGE - _AUDIO
_OF_MODALITY = {
    Modality.TEXT: _TEXT,
    Modality.IMAGE: _IMAGE | {Domain.E_COMMERCE},
    Modality.VIDEO: _IMAGE,
    Modality.AUDIO: _AUDIO,
    Modality.IMAGE_TEXT: _IMAGE | {Domain.E_COMMERCE, Domain.BIOMEDICAL, Domain.FINANCIAL},
    Modality.INTERACTIONS: _TEXT | {Domain.MUSIC},
}
_OF_TYPE = {
    TaskType.AUTOMATIC_SPEECH_RECOGNITION: _AUDIO
    | {Domain.BIOMEDICAL, Domain.NEWS, Domain.CONVERSATION, Domain.CUSTOMER_SERVICE},
    TaskType.IMAGE_GENERATION: _IMAGE | {Domain.E_COMMERCE, Domain.GENERAL},
}


def possible_domains(task_type: TaskType) -> frozenset[Domain]:
    """The domains that a task of this type can have."""
    return _OF_TYPE.get(task_type, _OF_MODALITY[MODALITY_OF[task_type]])


def read_domain(scores: NDArray[np.float64], task_type: TaskType, model: Classifier) -> Domain:
    """The likeliest domain that the task type can have.

    Args:
        scores: Of types, `none` and domains, (N_COLUMNS,).
        task_type: As read or given.
        model: Knows what a type says of the domain.
    """
    possible = np.array([domain in possible_domains(task_type) for domain in DOMAINS])
    own = scores[NONE + 1 :] + model.type_domains[TYPES.index(task_type)]
    return DOMAINS[int(np.argmax(np.where(possible, own, -np.inf)))]


def domain_words(wording: Wording, domain: Domain) -> list[Hit]:
    """The phrases that name the domain."""
    return [hit for concept, hit in wording.of(Family.DOMAINS) if concept.name == domain]
