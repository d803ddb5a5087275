"""What is known of the user's task: the value that everything after it works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models_registry.vocabulary import Domain, Modality, TaskType


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProfile:
    """A task as read from words, facts and, where there is one, the data set's profile.

    Attributes:
        task_type: What is asked.
        modality: Kind of input.
        languages: ISO 639-1 codes; empty where unknown or without text.
        domain: What the data is about.
        metric: Canonical metric name (see `benchmarks.metrics`).
        n_examples: Labelled examples; None where unknown.
        n_classes: Labels; None where unknown or without classes.
        mean_length: Mean input length: characters of CJK text, seconds of audio, words elsewhere; None where
            unknown.
        class_counts: Examples per label; empty where unknown.
        dataset_sha256: Content hash of the uploaded data, which ties probe figures to it.
        facts: What the words said in numbers, as the response shows it.
        confidence: Probability that `task_type` is right, 0 to 1.
        because: The words that led here, as the user wrote them.
        alternatives: Other plausible task types, likeliest first.
    """

    task_type: TaskType
    modality: Modality
    languages: tuple[str, ...] = ()
    domain: Domain = Domain.GENERAL
    metric: str = "accuracy"
    n_examples: int | None = None
    n_classes: int | None = None
    mean_length: float | None = None
    class_counts: Mapping[str, int] = field(default_factory=dict)
    dataset_sha256: str | None = None
    facts: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    confidence: float = 1.0
    because: tuple[str, ...] = ()
    alternatives: tuple[TaskType, ...] = ()
