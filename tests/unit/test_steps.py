"""What is advised beside the choice of a model, and when it is not."""

import re
from typing import Any

import pytest

from app.ranking.phrases import Language
from app.ranking.steps import Choice, Situation, Step, StepKind, steps_for
from app.task_profile.profile import TaskProfile
from models_registry.entry import Architecture
from models_registry.vocabulary import MODALITY_OF, Domain, TaskType
from tests.factories import make_entry

EN, ZH = Language.ENGLISH, Language.CHINESE


def profile(task_type: TaskType = TaskType.TEXT_CLASSIFICATION, **changes: Any) -> TaskProfile:
    values = {"n_examples": 5_000, "n_classes": 4, "languages": ("en",)}
    return TaskProfile(task_type=task_type, modality=MODALITY_OF[task_type], **{**values, **changes})


def choice(name: str, latency_ms: float, **changes: Any) -> Choice:
    return Choice(entry=make_entry(name, **changes), latency_ms=latency_ms)


BEST, SMALL = choice("org/best", 40.0), choice("org/small", 4.0)
BOTH = (BEST, SMALL)
VECTORS = choice("org/v", 0.0, n_layers=0, architecture=Architecture.STATIC_VECTORS)


def found(situation: Situation, kind: StepKind, language: Language = EN) -> Step | None:
    return next((step for step in steps_for(situation, language) if step.kind is kind), None)


def situation(**changes: Any) -> Situation:
    return Situation(**{"profile": profile(), "choices": BOTH, **changes})


CALLED_FOR: dict[StepKind, tuple[Situation, str]] = {
    StepKind.FEW_SHOT: (situation(profile=profile(n_examples=40)), "10.0 a class"),
    StepKind.AUGMENTATION: (situation(profile=profile(n_examples=300)), "300 examples"),
    StepKind.SELF_TRAINING: (situation(n_unlabelled=80_000), "80000 unlabelled"),
    StepKind.FURTHER_PRETRAINING: (
        situation(profile=profile(domain=Domain.LEGAL), n_unlabelled=9_000),
        "14000 texts",
    ),
    StepKind.CLASS_IMBALANCE: (situation(profile=profile(class_counts={"a": 900, "b": 30})), "30 to 1"),
    StepKind.LABEL_NOISE: (situation(n_conflicting=60), "1.2%"),
    StepKind.DISTILLATION: (situation(max_latency_ms=50.0), "4.0 ms"),
    StepKind.QUANTISATION: (situation(weighs_latency=True), "0.44 GB"),
}


def test_nothing_is_advised_where_nothing_calls_for_it() -> None:
    assert steps_for(situation(), EN) == ()


@pytest.mark.parametrize("kind", StepKind)
def test_every_piece_is_said_with_the_numbers_of_the_request_and_its_source(kind: StepKind) -> None:
    called, number = CALLED_FOR[kind]
    step = found(called, kind)

    assert step is not None
    assert number in step.why
    assert step.source.startswith("https://")


@pytest.mark.parametrize("kind", StepKind)
def test_every_piece_is_said_in_chinese_with_the_same_numbers(kind: StepKind) -> None:
    called, _ = CALLED_FOR[kind]
    english, chinese = found(called, kind), found(called, kind, ZH)

    assert english is not None
    assert chinese is not None
    assert re.search(r"[\u4e00-\u9fff]", chinese.text)
    numbers = [set(re.findall(r"\d+(?:\.\d+)?", step.why)) for step in (english, chinese)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("kind", "otherwise"),
    [
        (StepKind.FEW_SHOT, situation(profile=profile(n_examples=64))),
        (StepKind.FEW_SHOT, situation(profile=profile(n_examples=None))),
        (StepKind.FEW_SHOT, situation(profile=profile(TaskType.TOKEN_CLASSIFICATION, n_examples=40))),
        (StepKind.AUGMENTATION, situation(profile=profile(n_examples=501))),
        (StepKind.AUGMENTATION, situation(profile=profile(TaskType.TOKEN_CLASSIFICATION, n_examples=100))),
        (StepKind.AUGMENTATION, situation(profile=profile(TaskType.IMAGE_CLASSIFICATION, n_examples=1_001))),
        (StepKind.SELF_TRAINING, situation(n_unlabelled=4_999)),
        (StepKind.SELF_TRAINING, situation(profile=profile(TaskType.SUMMARIZATION), n_unlabelled=80_000)),
        (StepKind.FURTHER_PRETRAINING, situation(profile=profile(domain=Domain.REVIEWS))),
        (StepKind.FURTHER_PRETRAINING, situation(profile=profile(domain=Domain.LEGAL, n_examples=1_000))),
        (
            StepKind.FURTHER_PRETRAINING,
            situation(
                profile=profile(domain=Domain.LEGAL),
                choices=(choice("org/legal", 9.0, domains=(Domain.LEGAL,)),),
            ),
        ),
        (
            StepKind.FURTHER_PRETRAINING,
            situation(
                profile=profile(domain=Domain.LEGAL),
                choices=(VECTORS,),
            ),
        ),
        (StepKind.CLASS_IMBALANCE, situation(profile=profile(class_counts={"a": 90, "b": 30}))),
        (StepKind.LABEL_NOISE, situation(n_conflicting=24)),
        (StepKind.DISTILLATION, situation(max_latency_ms=50.0, choices=(BEST,))),
        (StepKind.DISTILLATION, situation()),
        (StepKind.DISTILLATION, situation(max_latency_ms=50.0, choices=(VECTORS,))),
        (StepKind.QUANTISATION, situation(max_latency_ms=50.0, choices=(VECTORS,))),
        (StepKind.QUANTISATION, situation()),
    ],
)
def test_a_piece_that_is_not_called_for_is_left_out(kind: StepKind, otherwise: Situation) -> None:
    assert found(otherwise, kind) is None


@pytest.mark.parametrize(
    ("task_type", "said"),
    [
        (TaskType.TEXT_CLASSIFICATION, "EDA"),
        (TaskType.IMAGE_CLASSIFICATION, "RandAugment"),
        (TaskType.AUDIO_CLASSIFICATION, "SpecAugment"),
    ],
)
def test_data_are_altered_in_the_way_of_their_kind(task_type: TaskType, said: str) -> None:
    step = found(situation(profile=profile(task_type, n_examples=200)), StepKind.AUGMENTATION)

    assert step is not None
    assert said in step.text


def test_the_fastest_ranked_model_is_named_beside_the_best() -> None:
    step = found(situation(max_latency_ms=50.0), StepKind.DISTILLATION)

    assert step is not None
    assert "org/best" in step.text
    assert "org/small" in step.text


def test_models_that_are_all_too_slow_are_counted() -> None:
    step = found(situation(choices=(), max_latency_ms=0.5, n_too_slow=31), StepKind.QUANTISATION)

    assert step is not None
    assert "31 models need more than the 0.5 ms" in step.why
