from dataclasses import dataclass

import numpy as np
import pytest

from app.exclusions import Exclusion, Exclusions, ModelList, Rule
from app.ranking.candidates import CandidateTable
from app.ranking.cost import STRATEGIES, Costs, Workload, epochs_for, predict_costs, tokens_per_example
from app.ranking.devices import UnknownDeviceError, device_named
from app.ranking.recipe import class_weights, learning_rate, make_recipe, weights_for_metric
from app.recall import Budget, Constraints, recall_candidates, recall_pool
from app.task_profile.profile import TaskProfile
from models_registry.entry import ModelEntry, Weights, WeightsFormat
from models_registry.vocabulary import Modality, Strategy, TaskType
from tests.factories import make_entry

FULL = STRATEGIES.index(Strategy.FULL)
WORK = Workload(n_examples=10_000, tokens=64.0, epochs=3)
PROFILE = TaskProfile(task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",))
SMALL = make_entry(
    "org/small", n_parameters=22_000_000, n_embedding_parameters=12_000_000, n_layers=6, forward_flops=2.1e7
)
BASE = make_entry("org/base")
LARGE = make_entry(
    "org/large", n_parameters=335_000_000, n_layers=24, embedding_width=1024, forward_flops=6e8
)


def _costs(entries: list[ModelEntry], memory: float = 64e9, device: str = "cpu") -> Costs:
    table = CandidateTable(tuple(entries))
    return predict_costs(table, WORK, device_named(device), n_devices=1, memory_bytes=memory)


@dataclass(frozen=True)
class _Found:
    """A recall over all entries, its exclusions in words."""

    eligible: list[bool]
    fits: list[list[bool]]
    excluded: list[Exclusion]


def _recall(
    entries: list[ModelEntry],
    constraints: Constraints | None = None,
    budget: Budget | None = None,
    profile: TaskProfile = PROFILE,
    *,
    heads: bool = False,
) -> _Found:
    budget, constraints = budget or Budget(memory_bytes=64e9), constraints or Constraints()
    table = CandidateTable(tuple(entries))
    names = (constraints.include, constraints.exclude)
    pool = recall_pool(table, profile.task_type, profile.languages, *names)
    costs = predict_costs(
        pool.table, WORK, device_named("cpu"), n_devices=1, memory_bytes=budget.memory_bytes
    )
    found = recall_candidates(pool, profile.task_type, constraints, budget, costs, heads=heads)
    eligible = np.zeros(len(entries), dtype=bool)
    eligible[pool.models] = found.eligible
    kept = Exclusions.unpacked(found.exclusions.packed(len(entries)))
    excluded = kept.page(table, 0, len(entries))
    assert excluded == found.exclusions.page(ModelList(ModelList.packed(entries)), 0, len(entries))
    return _Found(eligible.tolist(), found.fits.T.tolist(), excluded)


def test_larger_model_costs_more_of_everything() -> None:
    cost = _costs([SMALL, BASE, LARGE])
    assert np.all(np.diff(cost.train_seconds, axis=1) > 0)
    assert np.all(np.diff(cost.latency_ms) > 0)


def test_head_is_cheapest_and_full_is_dearest() -> None:
    cost = _costs([BASE])
    full, lora, head = (STRATEGIES.index(s) for s in (Strategy.FULL, Strategy.LORA, Strategy.HEAD))
    assert cost.train_seconds[head, 0] < cost.train_seconds[lora, 0] < cost.train_seconds[full, 0]
    assert cost.peak_bytes[lora, 0] < cost.peak_bytes[full, 0]


def test_adam_state_of_bert_base_alone_takes_sixteen_bytes_a_parameter() -> None:
    assert _costs([BASE]).peak_bytes[FULL, 0] > 16 * BASE.n_parameters


def test_micro_batch_shrinks_to_fit_the_memory() -> None:
    roomy, tight = _costs([BASE], memory=64e9), _costs([BASE], memory=3.2e9)
    assert roomy.micro_batch[FULL, 0] == 32
    assert 0 < tight.micro_batch[FULL, 0] < 32
    assert tight.peak_bytes[FULL, 0] <= 3.2e9


def test_card_is_faster_than_the_processor() -> None:
    assert (
        _costs([BASE], device="NVIDIA T4").train_seconds[FULL, 0] < _costs([BASE]).train_seconds[FULL, 0] / 10
    )


def test_long_inputs_are_cut_at_the_models_limit() -> None:
    short = make_entry("org/short", max_length=128)
    long = make_entry("org/long", max_length=4096)
    work = Workload(n_examples=100, tokens=2000.0, epochs=1)
    cost = predict_costs(
        CandidateTable((long, short)), work, device_named("cpu"), n_devices=1, memory_bytes=1e12
    )
    assert cost.train_seconds[FULL, 1] < cost.train_seconds[FULL, 0] / 5


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("T4", "NVIDIA T4"),
        ("nvidia a10g", "NVIDIA A10G"),
        ("RTX-4090", "NVIDIA RTX 4090"),
        ("GeForce RTX 3090", "NVIDIA RTX 3090"),
        ("cuda", "NVIDIA T4"),
    ],
)
def test_cards_are_found_however_they_are_written(said: str, meant: str) -> None:
    assert device_named(said).name == meant


def test_unknown_card_names_those_that_are_known() -> None:
    with pytest.raises(UnknownDeviceError) as caught:
        device_named("Abacus 3000")
    assert "NVIDIA T4" in caught.value.known


def test_chinese_length_is_counted_in_characters() -> None:
    assert tokens_per_example(100, is_cjk=True) < tokens_per_example(100, is_cjk=False)


def test_less_data_takes_more_epochs() -> None:
    assert [epochs_for(n) for n in (100, 1_000, 10_000, 1_000_000)] == [10, 7, 3, 2]


def test_every_model_is_either_eligible_or_excluded_with_a_reason() -> None:
    entries = [SMALL, BASE, LARGE, make_entry("org/zh", languages=("zh",))]
    found = _recall(entries, Constraints(max_parameters=200_000_000))
    names = {entries[i].name for i in np.flatnonzero(found.eligible)}
    assert names == {SMALL.name, BASE.name}
    assert {e.model: e.rule for e in found.excluded} == {
        LARGE.name: Rule.PARAMETERS,
        "huggingface:org/zh@main": Rule.LANGUAGE,
    }


def test_model_that_fits_with_lora_alone_stays_in() -> None:
    found = _recall([LARGE], budget=Budget(memory_bytes=3.5e9))
    assert found.eligible == [True]
    assert found.fits[0] == [False, True, True]


def test_model_that_fits_with_no_strategy_is_out_by_memory() -> None:
    found = _recall([LARGE], budget=Budget(memory_bytes=1.0e9))
    assert [e.rule for e in found.excluded] == [Rule.MEMORY]
    assert found.excluded[0].available == "1.00 GB"


def test_time_and_price_are_limits() -> None:
    assert _recall([BASE], budget=Budget(memory_bytes=64e9, train_seconds=20)).excluded[0].rule is Rule.TIME
    budget = Budget(memory_bytes=64e9, price_per_hour=10.0, max_price=0.05)
    assert _recall([BASE], budget=budget).excluded[0].rule is Rule.PRICE


def test_licences_and_commercial_use_are_read() -> None:
    non_commercial = make_entry("org/nc", licence="cc-by-nc-4.0")
    assert _recall([non_commercial], Constraints(commercial_use=True)).excluded[0].rule is Rule.COMMERCIAL_USE
    assert _recall([BASE], Constraints(licences=("MIT",))).excluded[0].rule is Rule.LICENCE
    assert _recall([BASE], Constraints(licences=("Apache-2.0",))).eligible == [True]


def test_head_is_no_way_to_summarise() -> None:
    entry = make_entry("org/s2s", task_types=(TaskType.SUMMARIZATION,))
    profile = TaskProfile(task_type=TaskType.SUMMARIZATION, modality=Modality.TEXT, languages=("en",))
    found = _recall([entry], profile=profile)
    assert found.fits[0] == [True, True, False]


def test_a_model_that_was_measured_as_it_is_counts_whatever_the_task() -> None:
    entry = make_entry("org/s2s", task_types=(TaskType.SUMMARIZATION,))
    profile = TaskProfile(task_type=TaskType.SUMMARIZATION, modality=Modality.TEXT, languages=("en",))
    assert _recall([entry], profile=profile, heads=True).fits[0] == [True, True, True]


def test_include_and_exclude_take_short_names() -> None:
    assert _recall([SMALL, BASE], Constraints(include=("org/base",))).eligible == [False, True]
    assert _recall([SMALL, BASE], Constraints(exclude=("huggingface:org/base",))).eligible == [
        True,
        False,
    ]


def test_copy_stands_behind_its_original() -> None:
    copy = make_entry("org/base", hub="package-index", revision="1.0", derived_from=BASE.key)
    found = _recall([BASE, copy])
    assert found.eligible == [True, False]
    assert found.excluded[0].rule is Rule.COPY
    assert _recall([BASE, copy], Constraints(hubs=("package-index",))).eligible == [False, True]


def test_nearest_to_eligible_come_first() -> None:
    found = _recall(
        [SMALL, BASE, LARGE, make_entry("org/zh", languages=("zh",))], Constraints(max_parameters=20_000_000)
    )
    assert [e.model.split("/")[1].split("@")[0] for e in found.excluded] == ["small", "base", "large", "zh"]


def test_pickles_are_left_out_where_only_the_probeable_are_wanted() -> None:
    pickle = make_entry("org/pickle", weights=Weights(format=WeightsFormat.PYTORCH, n_bytes=1))
    assert _recall([pickle], Constraints(probeable_only=True)).excluded[0].rule is Rule.WEIGHTS


def test_smaller_models_learn_faster() -> None:
    small, base, large = (learning_rate(e, Strategy.FULL, 10_000) for e in (SMALL, BASE, LARGE))
    assert small > base > large


@pytest.mark.parametrize(
    ("strategy", "low", "high"),
    [
        (Strategy.LORA, 4e-4, 5e-4),  # Hu et al. 2022, RoBERTa-base on GLUE
        (Strategy.ADALORA, 5e-4, 2e-3),  # Zhang et al. 2023, DeBERTa-v3-base on GLUE
        (Strategy.PREFIX, 5e-3, 1e-2),  # Liu et al. 2022, P-Tuning v2
        (Strategy.IA3, 2e-3, 5e-3),  # Liu et al. 2022 have 3e-3
        (Strategy.BITFIT, 1e-4, 1e-3),  # Ben Zaken et al. 2022 have up to 7e-4
        (Strategy.PARTIAL, 2e-5, 1e-4),  # as a fine-tune
    ],
)
def test_rates_of_base_models_are_those_of_the_papers(strategy: Strategy, low: float, high: float) -> None:
    assert 0.95 * low <= learning_rate(BASE, strategy, 10_000) <= 1.05 * high


def test_class_weights_are_inverse_to_frequency_and_only_where_rare_classes_count() -> None:
    weights = class_weights({"rare": 10, "common": 90})
    assert weights is not None
    assert weights["rare"] / weights["common"] == pytest.approx(9.0, rel=1e-3)
    assert class_weights({"a": 50, "b": 60}) is None
    assert weights_for_metric({"rare": 10, "common": 90}, "accuracy") is None


def test_accumulation_keeps_the_effective_batch() -> None:
    recipe = make_recipe(
        BASE,
        Strategy.FULL,
        micro_batch=8,
        epochs=3,
        tokens=40,
        precision="fp16",
        class_counts={},
        metric="accuracy",
        n_train=1000,
    )
    assert recipe.batch_size * recipe.gradient_accumulation == 32
    assert recipe.max_length == 128
