"""What is said against a ranked model, and for it where test sets shift."""

from typing import Any

import pytest

from app.ranking.background import Background, Backgrounds
from app.ranking.cautions import cautions, is_of_copy, robustness_reason
from app.ranking.columns import Column
from app.ranking.described import Described
from app.ranking.explain import Footing
from app.ranking.influences import Influence
from app.ranking.phrases import Language
from app.ranking.robustness import Robustness
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Protocol
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Domain, Modality, Strategy, TaskType
from tests.factories import make_benchmark, make_entry, make_figure, numbered

EN, ZH = Language.ENGLISH, Language.CHINESE
PROFILE = TaskProfile(task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",))
X_RAYS = TaskProfile(
    task_type=TaskType.IMAGE_CLASSIFICATION, modality=Modality.IMAGE, domain=Domain.BIOMEDICAL
)
PINNED = "0" * 40
FRAGILE = Robustness(gain=-0.051, deviation=-1.4, shifts=("imagenet-r", "imagenet-v2"))
ROBUST = Robustness(gain=0.093, deviation=2.1, shifts=("imagenet-r",))


def _influence(model: str = "huggingface:org/model", benchmark: str = "sst-2", **changes: Any) -> Influence:
    protocol = changes.pop("protocol", Protocol.FINE_TUNED)
    figure = numbered([make_figure(model, benchmark, 0.9, protocol=protocol)])[0]
    values = {"similarity": 0.8, "weight": 0.2, "pull": 0.1, "effect": -0.01, "is_own": True}
    return Influence(figure=figure, **{**values, **changes})


def _footing(*influences: Influence, entry: ModelEntry | None = None, **changes: Any) -> Footing:
    entry = entry or make_entry(revision=PINNED)
    values = {"strategy": Strategy.FULL, "n_own": 1, "n_family": 1, "tokens": 30.0}
    return Footing(entry=entry, influences=influences, **{**values, **changes})


def _said(footing: Footing, background: Background | None = None, language: Language = EN) -> str:
    return "\n".join(cautions(footing, background or Background(), PROFILE, language))


def test_close_evidence_from_the_same_protocol_needs_no_caution() -> None:
    assert _said(_footing(_influence())) == ""


def test_evidence_without_a_close_figure_is_called_thin() -> None:
    assert "thin evidence" in _said(_footing(_influence(similarity=0.3)))
    assert "证据不足" in _said(_footing(), language=ZH)


def test_evidence_from_another_protocol_alone_is_named() -> None:
    probed, tuned = _influence(protocol=Protocol.LINEAR_PROBE), _influence()
    assert "another protocol (linear-probe)" in _said(_footing(probed))
    assert "protocol" not in _said(_footing(probed, tuned))
    assert "protocol" not in _said(_footing(probed, strategy=Strategy.HEAD))


@pytest.mark.parametrize(
    ("name", "is_copy"),
    [
        ("huggingface:a/llama-7b-4bit", True),
        ("huggingface:a/Magistral-Small-2506-fp8", True),
        ("huggingface:a/Qwen2-7B-GPTQ-Int4", True),
        ("huggingface:a/sentiment-64bits", False),
        ("huggingface:a/bert-base", False),
    ],
)
def test_a_copy_in_few_bits_is_known_by_its_name(name: str, is_copy: bool) -> None:
    assert is_of_copy(name) is is_copy


def test_evidence_from_copies_in_few_bits_alone_is_named() -> None:
    copy, full = _influence("huggingface:x/model-awq", is_own=False), _influence()
    assert "x/model-awq" in _said(_footing(copy))
    assert "few bits" not in _said(_footing(copy, full))
    assert "低比特" in _said(_footing(copy), language=ZH)


def _backgrounds(**robust: Robustness) -> Backgrounds:
    columns = [
        Column.of(make_benchmark("glue-sst2", dataset="sst-2"), Protocol.FINE_TUNED, "accuracy"),
        Column.of(
            make_benchmark("snli", dataset="snli", task_type=TaskType.TEXT_PAIR_CLASSIFICATION),
            Protocol.FINE_TUNED,
            "accuracy",
        ),
    ]
    return Backgrounds(columns, robust)


def _background(*fine_tuned_on: str, model: str = "org/model") -> Background:
    entry = make_entry(model, fine_tuned_on=fine_tuned_on)
    return _backgrounds().of(entry, Described.of(entry), TaskType.TEXT_CLASSIFICATION)


def test_a_data_set_of_the_same_kind_of_task_is_told_from_others() -> None:
    assert _background("sst2").same_task == ("sst2",)
    assert (_background("snli").same_task, _background("snli").unknown_task) == ((), ())
    assert _background("secret-corpus").unknown_task == ("secret-corpus",)
    assert _background("sentiment analysis").same_task == ("sentiment analysis",)


def test_a_collection_counts_by_its_parts() -> None:
    assert _background("glue").same_task == ("glue",)
    assert _background("glue").seen == {"glue-sst2": "glue"}
    entry = make_entry(fine_tuned_on=("glue",))
    assert {"glue", "sst-2", "mnli"} <= set(Described.of(entry).fine_tuned_on)


def test_a_model_named_after_a_data_set_was_trained_on_it() -> None:
    assert _background(model="org/bert-finetuned-sst2").same_task == ("sst-2",)


def test_a_benchmark_whose_data_it_was_trained_on_is_named() -> None:
    telling = _influence(benchmark="glue-sst2")
    said = _said(_footing(telling), _background("sst2"))
    assert "trained on sst2 before it was measured there" in said
    assert "same kind of task (sst2)" in said
    assert "measured there" not in _said(_footing(_influence(benchmark="other")), _background("sst2"))
    relative = _influence(benchmark="glue-sst2", is_own=False)
    assert "measured there" not in _said(_footing(relative), _background("sst2"))


def test_data_sets_of_another_kind_of_task_need_no_caution() -> None:
    assert _said(_footing(_influence()), _background("snli")) == ""


def _image_model(domain: Domain) -> ModelEntry:
    kinds = (TaskType.IMAGE_CLASSIFICATION,)
    return make_entry(
        modality=Modality.IMAGE, task_types=kinds, languages=(), domains=(domain,), revision=PINNED
    )


def test_robustness_counts_where_the_domain_is_far_from_pretraining() -> None:
    entry = _image_model(Domain.NATURAL_IMAGES)
    footing = _footing(_influence(), entry=entry)
    fragile, robust = Background(robustness=FRAGILE), Background(robustness=ROBUST)
    (said,) = cautions(footing, fragile, X_RAYS, EN)
    assert "5.1 points below" in said
    assert "imagenet-r, imagenet-v2" in said
    (said,) = robustness_reason(entry, robust, X_RAYS, ZH)
    assert "高 9.3 个百分点" in said
    assert robustness_reason(entry, fragile, X_RAYS, EN) == cautions(footing, robust, X_RAYS, EN) == []


def test_robustness_goes_unsaid_where_the_domain_is_near() -> None:
    near = _image_model(Domain.BIOMEDICAL)
    assert robustness_reason(near, Background(robustness=ROBUST), X_RAYS, EN) == []
    assert cautions(_footing(_influence(), entry=near), Background(robustness=FRAGILE), X_RAYS, EN) == []
