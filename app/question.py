"""What a recommendation is asked for."""

from dataclasses import dataclass

from app.ranking.cost import Workload, epochs_for, tokens_per_example
from app.ranking.devices import Device
from app.ranking.observations import ProbeObservation
from app.ranking.phrases import Language
from app.recall import Budget, Constraints
from app.task_profile.profile import TaskProfile

CJK_LANGUAGES = frozenset({"zh", "ja", "ko"})
ASSUMED_EXAMPLES = 1_000
"""Labelled examples assumed for costs where the request does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that a recommendation depends on, beside the database.

    Attributes:
        profile: The task.
        device: Where the fine-tune runs.
        budget: Its limits.
        constraints: On the model.
        weights: Of quality, latency and cost.
        top_k: Rows wanted.
        language: Of reasons, cautions and advice.
        probes: What probes measured on the same data before.
    """

    profile: TaskProfile
    device: Device
    budget: Budget
    constraints: Constraints
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0)
    top_k: int = 10
    language: Language = Language.ENGLISH
    probes: tuple[ProbeObservation, ...] = ()


def workload(profile: TaskProfile) -> Workload:
    """How much there is to train on, as far as the profile says."""
    n_examples = profile.n_examples or ASSUMED_EXAMPLES
    is_cjk = bool(CJK_LANGUAGES & set(profile.languages))
    return Workload(
        n_examples=n_examples,
        tokens=tokens_per_example(profile.mean_length, is_cjk=is_cjk),
        epochs=epochs_for(n_examples),
    )
