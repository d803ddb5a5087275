"""What the user says about a task, and what is read from it: the values at this package's edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.task_profile.profile import TaskProfile
from models_registry.vocabulary import Domain, Modality, TaskType


class TaskReadingError(ValueError):
    """A request cannot be turned into a task profile."""


class UnreadableTaskError(TaskReadingError):
    """The words name no recognisable task.

    Attributes:
        description: What the user wrote; empty where nothing was written.
        nearest: Task types that come nearest, likeliest first.
    """

    def __init__(self, description: str, nearest: tuple[TaskType, ...]) -> None:
        self.description = description
        self.nearest = nearest
        super().__init__(f"no recognisable task in {description[:80]!r}")


class TaskConflictError(TaskReadingError):
    """The stated type works on another modality than the stated one.

    Attributes:
        type: Stated task type.
        modality: Stated modality.
        expected: Modality of the stated type.
    """

    def __init__(self, task_type: TaskType, modality: Modality, expected: Modality) -> None:
        self.type = task_type
        self.modality = modality
        self.expected = expected
        super().__init__(f"{task_type} works on {expected}, not on {modality}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWords:
    """What the user gave; every explicit field beats what the description says.

    Attributes:
        description: Free text in English, Chinese or both.
        type: Task type.
        modality: Kind of input; narrows what the description may mean.
        languages: ISO 639-1 codes, or `mul`.
        domain: What the data is about.
        metric: Name or alias of a metric (see `benchmarks.metrics`).
        n_examples: Labelled examples.
        n_classes: Labels.
        mean_length: Mean input length: characters of CJK text, seconds of audio, words elsewhere.
        class_counts: Examples per label.
        dataset_sha256: Content hash of the uploaded data.
    """

    description: str | None = None
    type: TaskType | None = None
    modality: Modality | None = None
    languages: tuple[str, ...] = ()
    domain: Domain | None = None
    metric: str | None = None
    n_examples: int | None = None
    n_classes: int | None = None
    mean_length: float | None = None
    class_counts: Mapping[str, int] = field(default_factory=dict)
    dataset_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConstraints:
    """What the words say about budget and constraints; None where they are silent.

    Attributes:
        device: `cpu`, `cuda`, `mps` or a card's name ("NVIDIA T4").
        n_devices: Number of cards.
        device_memory_gb: Memory of one device, in GB.
        train_hours: Time for training, in hours.
        max_price: Most that may be spent, in `currency`.
        price_per_hour: Price of the device, in `currency` an hour.
        currency: ISO 4217 code that the prices were written in; never converted.
        max_latency_ms: Longest answer time, in milliseconds.
        max_model_gb: Largest weights, in GB.
        max_parameters: Most parameters.
        commercial_use: Whether commercial use must be allowed; False where it is ruled out.
        licences: SPDX ids, lower case, of the licences allowed.
    """

    device: str | None = None
    n_devices: int | None = None
    device_memory_gb: float | None = None
    train_hours: float | None = None
    max_price: float | None = None
    price_per_hour: float | None = None
    currency: str | None = None
    max_latency_ms: float | None = None
    max_model_gb: float | None = None
    max_parameters: int | None = None
    commercial_use: bool | None = None
    licences: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReading:
    """A request as understood.

    Attributes:
        profile: The task.
        constraints: What the words say about budget and constraints.
    """

    profile: TaskProfile
    constraints: ReadConstraints
