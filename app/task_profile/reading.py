"""Free text and explicit fields into a task profile and the constraints that the words carry."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.task_profile.defaults import default_domain, default_metric, is_imbalanced
from app.task_profile.facts import Facts, read_numbers
from app.task_profile.hardware import read_hardware
from app.task_profile.lexicon import TYPES
from app.task_profile.measures import read_metric, says_imbalanced
from app.task_profile.ngrams import word_model
from app.task_profile.normalise import Token, fold, tokenise
from app.task_profile.permissions import read_commercial_use, read_licences
from app.task_profile.phrases import Hit
from app.task_profile.profile import TaskProfile
from app.task_profile.subjects import read_domain, read_languages
from app.task_profile.task_types import TypeReading, read_type
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
    folded: str
    tokens: list[Token]


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
    description = request.description or ""
    folded = fold(description)
    text = _Text(description, folded, tokenise(folded))
    types = read_type(folded, text.tokens, request.modality, word_model())
    if task_type is None:
        if not types.is_recognised:
            raise UnreadableTaskError(description, types.nearest if types.hits else ())
        task_type = types.best
    constraints, facts = _read_facts(folded)
    profile = _profile(request, text, task_type, types, facts)
    return TaskReading(profile=profile, constraints=constraints)


def _read_facts(folded: str) -> tuple[ReadConstraints, Facts]:
    hardware = read_hardware(folded)
    facts: Facts = dict(read_numbers(folded, hardware))
    if hardware.device is not None:
        facts["device"] = hardware.device
    if hardware.n_devices is not None:
        facts["n_devices"] = hardware.n_devices
    commercial_use, licences = read_commercial_use(folded), read_licences(folded)
    if commercial_use is not None:
        facts["commercial_use"] = commercial_use
    if licences is not None:
        facts["licences"] = ", ".join(licences)
    limits = {name: value for name, value in facts.items() if name not in _PROFILE_FACTS | {"licences"}}
    return ReadConstraints(**limits, licences=licences), facts  # type: ignore[arg-type]


def _profile(
    request: TaskWords, text: _Text, task_type: TaskType, types: TypeReading, facts: Facts
) -> TaskProfile:
    domain, domain_hits = read_domain(text.tokens, task_type)
    languages = _languages(request, text, task_type)
    explicit = request.type is not None
    confidence = 1.0 if explicit else float(types.probabilities[TYPES.index(task_type)])
    return TaskProfile(
        task_type=task_type,
        modality=MODALITY_OF[task_type],
        languages=languages,
        domain=_domain(request, text, task_type, domain),
        metric=_metric(request, text, task_type, languages),
        n_examples=_whole(request.n_examples, facts.get("n_examples")),
        n_classes=_n_classes(request, facts),
        mean_length=_number(request.mean_length, facts.get("mean_length")),
        class_counts=dict(request.class_counts),
        dataset_sha256=request.dataset_sha256,
        facts=facts,
        confidence=min(1.0, confidence),
        because=_because(text.original, types, task_type, domain_hits),
        alternatives=() if explicit else types.alternatives,
    )


def _languages(request: TaskWords, text: _Text, task_type: TaskType) -> tuple[str, ...]:
    if request.languages:
        return tuple(dict.fromkeys(code.strip().lower() for code in request.languages))
    if not text.tokens:
        return ()
    return read_languages(text.original, text.folded, text.tokens, task_type)


def _domain(request: TaskWords, text: _Text, task_type: TaskType, read: Domain) -> Domain:
    if request.domain is not None:
        return request.domain
    return read if text.tokens else default_domain(task_type)


def _metric(request: TaskWords, text: _Text, task_type: TaskType, languages: tuple[str, ...]) -> str:
    if request.metric:
        return metric_named(request.metric).name
    read = read_metric(text.original, text.tokens, task_type)
    imbalanced = is_imbalanced(request.class_counts) or says_imbalanced(text.folded)
    return read or default_metric(task_type, languages, imbalanced=imbalanced)


def _n_classes(request: TaskWords, facts: Mapping[str, float | int | str | bool]) -> int | None:
    if request.n_classes is None and request.class_counts:
        return len(request.class_counts)
    return _whole(request.n_classes, facts.get("n_classes"))


def _whole(given: int | None, read: object) -> int | None:
    return given if given is not None else int(read) if isinstance(read, (int, float)) else None


def _number(given: float | None, read: object) -> float | None:
    return given if given is not None else float(read) if isinstance(read, (int, float)) else None


def _because(
    original: str, types: TypeReading, task_type: TaskType, domain_hits: list[Hit]
) -> tuple[str, ...]:
    """The user's words for the type, strongest first, then those for the domain."""
    hits = types.supporting(task_type)[:_MAX_REASONS] + domain_hits[:1]
    return tuple(dict.fromkeys(original[hit.start : hit.end] for hit in hits))
