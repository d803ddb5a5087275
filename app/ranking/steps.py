"""What to try beside the choice of a model, where the task, its data and its limits call for it.

Every piece of advice is a condition on the situation, with a threshold that has a source, and two sentences
with the situation's own numbers: what to do, and why here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.ranking.cautions import is_far
from app.ranking.phrases import Language, say
from app.task_profile.defaults import SINGLE_LABEL, is_imbalanced
from app.task_profile.profile import TaskProfile
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Domain, TaskType

FEW_PER_CLASS = 16
"""Examples a class below which contrastive tuning is advised: Tunstall et al. 2022, "Efficient Few-Shot
Learning Without Prompts", table 2: far ahead of a plain fine-tune at 8 a class, hardly so at 64."""
TINY_TEXTS = 500
"""Wei and Zou 2019, "EDA", table 2: 3.0 points at 500 examples, 0.8 with all data. Longpre et al. 2020, "How
Effective is Task-Agnostic Data Augmentation for Pretrained Transformers?", find no consistent gain there."""
TINY_IMAGES = 1_000
"""Zhai et al. 2019, "A Large-scale Study of Representation Learning": what they call few examples."""
TINY_RECORDINGS = 2_000
"""Piczak 2015, "ESC": size of ESC-50, on which Gong et al. 2021, "AST", mask spectrograms."""
FURTHER_TEXTS = 1_688
"""Gururangan et al. 2020, "Don't Stop Pretraining", tables 2 and 5: size of ACL-ARC, which gained from
pretraining on its own texts."""
FAR_DOMAINS = frozenset({Domain.BIOMEDICAL, Domain.SCIENTIFIC, Domain.LEGAL, Domain.FINANCIAL, Domain.CODE})
"""Those that share the fewest words with general corpora: the same, figure 2 (of the commonest words
biomedical papers share 27 % and computer science 19 %, reviews and news more); Chalkidis et al. 2020,
"LEGAL-BERT"; Araci 2019, "FinBERT"; Feng et al. 2020, "CodeBERT"."""
NOISY_SHARE = 0.005
"""Texts with several labels, of all examples: of 14 public sets ChemProt (0.6 %), ACL-ARC (1.2 %) and Weibo
NER (2.6 %) exceed it, the others stay below 0.15 %."""
FASTER = 2.0
"""Times as fast as the best: Sanh et al. 2019, "DistilBERT", gain 1.6, and predicted latencies err by less
than the rest."""
BITS, FULL_BITS = 8, 32

_TEXT_LABELS = frozenset({TaskType.TEXT_CLASSIFICATION, TaskType.MULTI_LABEL_CLASSIFICATION})
"""Tasks whose labels survive altered words; those of pairs, tokens and relations need not."""
_AUDIO = frozenset({TaskType.AUDIO_CLASSIFICATION, TaskType.AUTOMATIC_SPEECH_RECOGNITION})
_SELF_TRAINED = SINGLE_LABEL | {TaskType.MULTI_LABEL_CLASSIFICATION, TaskType.TOKEN_CLASSIFICATION}


class StepKind(StrEnum):
    """A piece of advice."""

    FEW_SHOT = "few-shot-contrastive"
    AUGMENTATION = "augmentation"
    SELF_TRAINING = "self-training"
    FURTHER_PRETRAINING = "further-pretraining"
    CLASS_IMBALANCE = "class-imbalance"
    LABEL_NOISE = "label-noise"
    DISTILLATION = "distillation"
    QUANTISATION = "quantisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to try.

    Attributes:
        kind: Which advice.
        text: What to do.
        why: What calls for it here.
        source: Address of the paper.
    """

    kind: StepKind
    text: str
    why: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A ranked model.

    Attributes:
        entry: The model.
        latency_ms: Of one prediction.
    """

    entry: ModelEntry
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that advice beside the ranking depends on.

    Attributes:
        profile: The task.
        n_unlabelled: Unlabelled examples at hand.
        n_conflicting: Texts that occur with more than one label.
        max_latency_ms: The limit, if there is one.
        weighs_latency: Whether latency counts in the ranking.
        choices: Ranked models, best first.
        n_too_slow: Models left out for their latency, where no model is left.
    """

    profile: TaskProfile
    n_unlabelled: int = 0
    n_conflicting: int = 0
    max_latency_ms: float | None = None
    weighs_latency: bool = False
    choices: tuple[Choice, ...] = ()
    n_too_slow: int = 0


def steps_for(situation: Situation, language: Language) -> tuple[Step, ...]:
    """What the situation calls for, in a fixed order."""
    found = (rule(situation, language) for rule in _RULES)
    return tuple(step for step in found if step is not None)


def _few_shot(situation: Situation, language: Language) -> Step | None:
    profile = situation.profile
    n, k = profile.n_examples, profile.n_classes
    if profile.task_type is not TaskType.TEXT_CLASSIFICATION or not n or not k or n >= FEW_PER_CLASS * k:
        return None
    return Step(
        kind=StepKind.FEW_SHOT,
        text=say("few_shot_what", language),
        why=say("few_shot_why", language, n=n, k=k, per_class=n / k),
        source="https://arxiv.org/abs/2209.11055",
    )


def _augmentation(situation: Situation, language: Language) -> Step | None:
    profile = situation.profile
    if profile.task_type in _TEXT_LABELS:
        limit, what, source = TINY_TEXTS, "text", "https://aclanthology.org/D19-1670"
    elif profile.task_type is TaskType.IMAGE_CLASSIFICATION:
        limit, what, source = TINY_IMAGES, "images", "https://arxiv.org/abs/1909.13719"
    elif profile.task_type in _AUDIO:
        limit, what, source = TINY_RECORDINGS, "audio", "https://arxiv.org/abs/1904.08779"
    else:
        return None
    if profile.n_examples is None or profile.n_examples > limit:
        return None
    return Step(
        kind=StepKind.AUGMENTATION,
        text=say(f"augment_{what}_what", language),
        why=say(f"augment_{what}_why", language, n=profile.n_examples),
        source=source,
    )


def _self_training(situation: Situation, language: Language) -> Step | None:
    """Where there are at least as many unlabelled examples as labelled ones: fewer change little."""
    n, n_unlabelled = situation.profile.n_examples, situation.n_unlabelled
    if situation.profile.task_type not in _SELF_TRAINED or not n or n_unlabelled < n:
        return None
    return Step(
        kind=StepKind.SELF_TRAINING,
        text=say("self_training_what", language),
        why=say("self_training_why", language, n=n, n_unlabelled=n_unlabelled),
        source="https://arxiv.org/abs/2006.15315",
    )


def _further_pretraining(situation: Situation, language: Language) -> Step | None:
    profile, n_texts = situation.profile, situation.n_unlabelled + (situation.profile.n_examples or 0)
    if not situation.choices or profile.domain not in FAR_DOMAINS or n_texts < FURTHER_TEXTS:
        return None
    entry = situation.choices[0].entry
    if not is_far(entry, profile) or not entry.n_layers:
        return None
    return Step(
        kind=StepKind.FURTHER_PRETRAINING,
        text=say("pretrain_what", language, model=entry.id),
        why=say("pretrain_why", language, domain=profile.domain.value, n_texts=n_texts),
        source="https://aclanthology.org/2020.acl-main.740",
    )


def _imbalance(situation: Situation, language: Language) -> Step | None:
    profile = situation.profile
    if profile.task_type not in SINGLE_LABEL or not is_imbalanced(profile.class_counts):
        return None
    most, least = max(profile.class_counts.values()), max(1, min(profile.class_counts.values()))
    return Step(
        kind=StepKind.CLASS_IMBALANCE,
        text=say("imbalance_what", language),
        why=say("imbalance_why", language, most=most, least=least, ratio=most / least),
        source="https://arxiv.org/abs/2007.07314",
    )


def _noise(situation: Situation, language: Language) -> Step | None:
    n, n_conflicting = situation.profile.n_examples, situation.n_conflicting
    if not n or n_conflicting < NOISY_SHARE * n or not n_conflicting:
        return None
    return Step(
        kind=StepKind.LABEL_NOISE,
        text=say("noise_what", language),
        why=say("noise_why", language, n=n, n_conflicting=n_conflicting, share=n_conflicting / n),
        source="https://arxiv.org/abs/1911.00068",
    )


def _distillation(situation: Situation, language: Language) -> Step | None:
    if not _wants_speed(situation) or not situation.choices:
        return None
    best, fastest = situation.choices[0], min(situation.choices, key=lambda choice: choice.latency_ms)
    if best.entry is fastest.entry or best.latency_ms < FASTER * fastest.latency_ms:
        return None
    names = {"best": best.entry.id, "fastest": fastest.entry.id}
    return Step(
        kind=StepKind.DISTILLATION,
        text=say("distil_what", language, **names),
        why=say("distil_why", language, fast_ms=fastest.latency_ms, best_ms=best.latency_ms, **names),
        source="https://arxiv.org/abs/1910.01108",
    )


def _quantisation(situation: Situation, language: Language) -> Step | None:
    if not _wants_speed(situation):
        return None
    if not situation.choices:
        return _all_too_slow(situation, language)
    best = situation.choices[0]
    if best.entry.n_layers == 0:  # a table that is looked up takes no time
        return None
    full = best.entry.n_parameters * FULL_BITS / 8 / 1e9
    return Step(
        kind=StepKind.QUANTISATION,
        text=say("quantise_what", language, best=best.entry.id),
        why=say(
            "quantise_why",
            language,
            full_gb=full,
            small_gb=full * BITS / FULL_BITS,
            best_ms=best.latency_ms,
        ),
        source=_QUANTISED,
    )


def _all_too_slow(situation: Situation, language: Language) -> Step | None:
    if not situation.n_too_slow or situation.max_latency_ms is None:
        return None
    numbers = {"n_too_slow": situation.n_too_slow, "limit_ms": situation.max_latency_ms}
    return Step(
        kind=StepKind.QUANTISATION,
        text=say("too_slow_what", language),
        why=say("too_slow_why", language, **numbers),
        source=_QUANTISED,
    )


def _wants_speed(situation: Situation) -> bool:
    return situation.max_latency_ms is not None or situation.weighs_latency


_QUANTISED = "https://arxiv.org/abs/1910.06188"
_RULES: tuple[Callable[[Situation, Language], Step | None], ...] = (
    _few_shot,
    _augmentation,
    _self_training,
    _further_pretraining,
    _imbalance,
    _noise,
    _distillation,
    _quantisation,
)
