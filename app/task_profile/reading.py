"""Free text and explicit fields into a task profile and the constraints that the words carry."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.task_profile.classifier import TYPES, Classifier, classifier
from app.task_profile.defaults import default_domain, default_metric, is_imbalanced
from app.task_profile.domains import domain_words, read_domain
from app.task_profile.facts import read_mentions
from app.task_profile.features import Wording, read_features, read_wording
from app.task_profile.languages import read_languages
from app.task_profile.limits import Facts
from app.task_profile.measures import read_metric, says_imbalanced
from app.task_profile.normalise import fold
from app.task_profile.profile import TaskProfile
from app.task_profile.task_types import TypeReading, read_type, reasons
from app.task_profile.words import (
    ReadConstraints,
    TaskConflictError,
    TaskReading,
    TaskWords,
    UnreadableTaskError,
)
from benchmarks.metrics import metric_named
from models_registry.vocabulary import MODALITY_OF, Domain, TaskType

_MAX_REASONS = 4
_PROFILE_FACTS = frozenset({"n_examples", "n_classes", "mean_length"})


@dataclass(frozen=True, slots=True)
class _Text:
    original: str
    wording: Wording
    scores: NDArray[np.float64]
    types: TypeReading
    model: Classifier


def read_task(request: TaskWords) -> TaskReading:
    """The request as understood; explicit fields beat what the description says.

    Raises:
        UnreadableTaskError: No type is given and the description names no recognisable task.
        TaskConflictError: The given type works on another modality than the given one.
        UnknownMetricError: The given metric is not declared.
    """
    task_type = request.type
    if task_type and request.modality and MODALITY_OF[task_type] is not request.modality:
        raise TaskConflictError(task_type, request.modality, MODALITY_OF[task_type])
    description, model = request.description or "", classifier()
    folded = fold(description)
    mentions = read_mentions(folded)
    wording = read_wording(description, folded)
    scores = model.scores(read_features(wording, mentions.spans))
    types = read_type(scores, wording, request.modality, model.temperature)
    if task_type is None:
        if not types.is_recognised:
            raise UnreadableTaskError(description, types.nearest if types.has_words else ())
        task_type = types.best
    facts = mentions.facts(task_type)
    profile = _profile(request, _Text(description, wording, scores, types, model), task_type, facts)
    return TaskReading(profile=profile, constraints=_constraints(facts))


def _constraints(facts: Facts) -> ReadConstraints:
    limits = {name: value for name, value in facts.items() if name not in _PROFILE_FACTS | {"licences"}}
    licences = str(facts["licences"]).split(", ") if "licences" in facts else None
    return ReadConstraints(**limits, licences=None if licences is None else tuple(licences))  # type: ignore[arg-type]


def _profile(request: TaskWords, text: _Text, task_type: TaskType, facts: Facts) -> TaskProfile:
    domain = _domain(request, text, task_type)
    languages = _languages(request, text, task_type)
    explicit = request.type is not None
    confidence = 1.0 if explicit else float(text.types.probabilities[TYPES.index(task_type)])
    return TaskProfile(
        task_type=task_type,
        modality=MODALITY_OF[task_type],
        languages=languages,
        domain=domain,
        metric=_metric(request, text, task_type, languages),
        n_examples=_whole(request.n_examples, facts.get("n_examples")),
        n_classes=_n_classes(request, facts),
        mean_length=_number(request.mean_length, facts.get("mean_length")),
        class_counts=dict(request.class_counts),
        dataset_sha256=request.dataset_sha256,
        facts=facts,
        confidence=min(1.0, confidence),
        because=_because(text, task_type, domain),
        alternatives=() if explicit else text.types.alternatives,
    )


def _languages(request: TaskWords, text: _Text, task_type: TaskType) -> tuple[str, ...]:
    if request.languages:
        return tuple(dict.fromkeys(code.strip().lower() for code in request.languages))
    if not text.wording.tokens:
        return ()
    return read_languages(text.wording, text.original, task_type)


def _domain(request: TaskWords, text: _Text, task_type: TaskType) -> Domain:
    if request.domain is not None:
        return request.domain
    if not text.wording.tokens:
        return default_domain(task_type)
    return read_domain(text.scores, task_type, text.model)


def _metric(request: TaskWords, text: _Text, task_type: TaskType, languages: tuple[str, ...]) -> str:
    if request.metric:
        return metric_named(request.metric).name
    read = read_metric(text.wording, task_type)
    imbalanced = is_imbalanced(request.class_counts) or says_imbalanced(text.wording.folded)
    return read or default_metric(task_type, languages, imbalanced=imbalanced)


def _n_classes(request: TaskWords, facts: Mapping[str, float | int | str | bool]) -> int | None:
    if request.n_classes is None and request.class_counts:
        return len(request.class_counts)
    return _whole(request.n_classes, facts.get("n_classes"))


def _whole(given: int | None, read: object) -> int | None:
    return given if given is not None else int(read) if isinstance(read, (int, float)) else None


def _number(given: float | None, read: object) -> float | None:
    return given if given is not None else float(read) if isinstance(read, (int, float)) else None


def _because(text: _Text, task_type: TaskType, domain: Domain) -> tuple[str, ...]:
    """The user's words for the type, strongest first, then those for the domain."""
    spans = reasons(text.wording, task_type, text.model)[:_MAX_REASONS]
    spans += [(hit.start, hit.end) for hit in domain_words(text.wording, domain)[:1]]
    return tuple(dict.fromkeys(text.original[start:end] for start, end in spans))
