"""What a recommendation is asked for."""

from dataclasses import dataclass

from app.ranking.cost import Workload, epochs_for, tokens_per_example
from app.ranking.devices import Device
from app.ranking.observations import ProbeObservation
from app.ranking.phrases import Language
from app.recall import Budget, Constraints
from app.task_profile.profile import TaskProfile
from models_registry.vocabulary import Modality

CJK_LANGUAGES = frozenset({"zh", "ja", "ko"})
ASSUMED_EXAMPLES = 1_000
"""Labelled examples assumed for costs where the request does not say."""
ASSUMED_SECONDS = 5.0
"""Of a recording, where its length is unknown: of ESC-50's clips; commands have 1, read sentences 12."""


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
        n_unlabelled: Unlabelled examples at hand.
        n_conflicting: Texts of the data set that carry more than one label.
    """

    profile: TaskProfile
    device: Device
    budget: Budget
    constraints: Constraints
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0)
    top_k: int = 10
    language: Language = Language.ENGLISH
    probes: tuple[ProbeObservation, ...] = ()
    n_unlabelled: int = 0
    n_conflicting: int = 0


def workload(profile: TaskProfile) -> Workload:
    """How much there is to train on, as far as the profile says."""
    n_examples = profile.n_examples or ASSUMED_EXAMPLES
    is_cjk = bool(CJK_LANGUAGES & set(profile.languages))
    tokens = tokens_per_example(profile.mean_length, is_cjk=is_cjk)
    if profile.modality is Modality.AUDIO:
        tokens = ASSUMED_SECONDS if profile.mean_length is None else profile.mean_length
    return Workload(
        n_examples=n_examples,
        tokens=tokens,
        epochs=epochs_for(n_examples),
    )
