"""A validated request into the question that the pipeline answers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from app.api.errors import FieldFault, InvalidRequestError
from app.api.schemas.recommend import BudgetLimits, DataFacts, ModelConstraints, RecommendRequest
from app.datasets.storage import StoredDataset
from app.datasets.words import main_languages
from app.naming import Naming
from app.question import Question
from app.ranking.devices import Device, device_named
from app.ranking.observations import ProbeObservation
from app.ranking.phrases import Language
from app.recall import Budget, Constraints
from app.task_profile.profile import TaskProfile
from app.task_profile.reading import read_task
from app.task_profile.words import ReadConstraints, TaskReading, TaskWords
from app.tasks.base import ColumnRole
from models_registry.vocabulary import Domain, Modality, TaskType

GB = 1e9
DEFAULT_DEVICE = "cpu"
KEPT_READINGS = 1_024
"""Descriptions whose reading is kept; they may be 10,000 characters long."""
_BUDGET_FIELDS = frozenset(BudgetLimits.model_fields)
_CONSTRAINT_FIELDS = frozenset(ModelConstraints.model_fields)
_PROFILE_FACTS = ("n_examples", "n_classes", "mean_length")

T = TypeVar("T")
Facts = dict[str, float | int | str | bool]


def question_of(
    request: RecommendRequest,
    *,
    naming: Naming,
    language: Language,
    dataset: StoredDataset | None = None,
    probes: Sequence[ProbeObservation] = (),
) -> Question:
    """The question that this request asks.

    What the request says beats what the data set shows, and that beats what the description says.

    Args:
        request: As validated.
        naming: Finds the models that it names.
        language: Of the answer.
        dataset: The data set that it names.
        probes: What probes measured on that data set.

    Raises:
        TaskReadingError: The task cannot be read.
        InvalidRequestError: A model is named that is not known.
    """
    reading = _reading(_words(request, dataset))
    read, profile = reading.constraints, reading.profile
    device, budget = _budget(request.budget, read)
    return Question(
        profile=replace(profile, facts=_facts_in_force(profile, request.budget, request.constraints)),
        device=device,
        budget=budget,
        constraints=replace(
            _constraints(request.constraints, read, naming),
            has_titles=profile.modality is not Modality.INTERACTIONS or _has_titles(dataset),
        ),
        weights=(request.weights.quality, request.weights.latency, request.weights.cost),
        top_k=request.top_k,
        language=language,
        probes=tuple(probes),
        n_unlabelled=request.data.n_unlabelled,
        n_conflicting=0 if dataset is None else dataset.profile.conflicting_labels,
    )


def _has_titles(dataset: StoredDataset | None) -> bool:
    """Whether the data have texts beside their items; without data none are known of."""
    return dataset is not None and ColumnRole.TEXT in dataset.columns


def _reading(words: TaskWords) -> TaskReading:
    """What the words say; the same words beside other numbers are not read again."""
    if words.class_counts or words.dataset_sha256:
        return read_task(words)
    said = (words.description, words.type, words.modality, words.languages, words.domain, words.metric)
    reading = _read(*said)
    numbers = {name: getattr(words, name) for name in _PROFILE_FACTS}
    given = {name: value for name, value in numbers.items() if value is not None}
    return replace(reading, profile=replace(reading.profile, **given)) if given else reading


@lru_cache(maxsize=KEPT_READINGS)
def _read(
    description: str | None,
    task_type: TaskType | None,
    modality: Modality | None,
    languages: tuple[str, ...],
    domain: Domain | None,
    metric: str | None,
) -> TaskReading:
    return read_task(
        TaskWords(
            description=description,
            type=task_type,
            modality=modality,
            languages=languages,
            domain=domain,
            metric=metric,
        )
    )


def _words(request: RecommendRequest, dataset: StoredDataset | None) -> TaskWords:
    task, data = request.task, request.data
    words = TaskWords(
        description=task.description,
        type=task.type,
        modality=task.modality,
        languages=task.languages,
        domain=task.domain,
        metric=task.metric,
        n_examples=data.n_examples,
        n_classes=data.n_classes,
        mean_length=data.mean_length,
        class_counts=data.class_counts or {},
    )
    return words if dataset is None else _with_dataset(words, data, dataset)


def _with_dataset(words: TaskWords, data: DataFacts, dataset: StoredDataset) -> TaskWords:
    shown = dataset.profile
    return replace(
        words,
        type=words.type or dataset.task_type,
        languages=words.languages or main_languages(dataset),
        n_examples=shown.n_examples if data.n_examples is None else data.n_examples,
        n_classes=(shown.n_classes or None) if data.n_classes is None else data.n_classes,
        mean_length=shown.mean_length if data.mean_length is None else data.mean_length,
        class_counts=shown.class_counts if data.class_counts is None else data.class_counts,
        dataset_sha256=dataset.sha256,
    )


def _first(*values: T | None) -> T | None:
    """The first that is given."""
    return next((value for value in values if value is not None), None)


def _budget(said: BudgetLimits, read: ReadConstraints) -> tuple[Device, Budget]:
    device = device_named(said.device or read.device or DEFAULT_DEVICE)
    memory_gb = _first(said.device_memory_gb, read.device_memory_gb)
    hours = _first(said.train_hours, read.train_hours)
    return device, Budget(
        memory_bytes=device.memory_bytes if memory_gb is None else memory_gb * GB,
        train_seconds=None if hours is None else hours * 3600.0,
        price_per_hour=_first(said.price_per_hour, read.price_per_hour),
        max_price=_first(said.max_price, read.max_price),
        n_devices=_first(said.n_devices, read.n_devices) or 1,
    )


def _constraints(said: ModelConstraints, read: ReadConstraints, naming: Naming) -> Constraints:
    gigabytes = _first(said.max_model_gb, read.max_model_gb)
    return Constraints(
        max_parameters=_first(said.max_parameters, read.max_parameters),
        max_latency_ms=_first(said.max_latency_ms, read.max_latency_ms),
        max_bytes=None if gigabytes is None else gigabytes * GB,
        licences=_first(said.licences, read.licences) or (),
        commercial_use=_first(said.commercial_use, read.commercial_use),
        hubs=said.hubs or (),
        include=_included(said.include or (), naming),
        exclude=_excluded(said.exclude or (), naming),
    )


def _included(names: Sequence[str], naming: Naming) -> tuple[str, ...]:
    """Full names of these models.

    Raises:
        InvalidRequestError: One is not known: leaving it out silently would answer another question.
    """
    faults: list[FieldFault] = []
    found: list[str] = []
    for i, name in enumerate(names):
        match naming.find(name):
            case str(detail):
                faults.append(FieldFault(pointer=f"/constraints/include/{i}", detail=detail))
            case entry:
                found.append(entry.name)
    if faults:
        raise InvalidRequestError(faults)
    return tuple(found)


def _excluded(names: Sequence[str], naming: Naming) -> tuple[str, ...]:
    """Full names of these models; an unknown one cannot be recommended anyway."""
    found = (naming.find(name) for name in names)
    return tuple(name if isinstance(f, str) else f.name for name, f in zip(names, found, strict=True))


def _facts_in_force(profile: TaskProfile, budget: BudgetLimits, constraints: ModelConstraints) -> Facts:
    """What was understood in numbers: read facts that the request did not override, and the data's sizes."""
    facts: Facts = {}
    for name, value in profile.facts.items():
        said = budget if name in _BUDGET_FIELDS else constraints if name in _CONSTRAINT_FIELDS else None
        if said is None or getattr(said, name) is None:
            facts[name] = value
    for name in _PROFILE_FACTS:
        value = getattr(profile, name)
        if value is not None:
            facts[name] = value
    return facts
