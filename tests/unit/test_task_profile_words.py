"""What holds for every description, whatever it says."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.task_profile import (
    TaskConflictError,
    TaskReading,
    TaskWords,
    UnreadableTaskError,
    read_task,
)
from app.task_profile.defaults import DEFAULT_METRIC
from app.task_profile.normalise import MAX_CHARS, fold, stem, tokenise
from app.task_profile.phrases import PhraseIndex, longest
from app.task_profile.quantities import find_quantities, han_number
from benchmarks.metrics import METRICS, UnknownMetricError
from models_registry.vocabulary import MODALITY_OF, Domain, Modality, TaskType

HOTEL = "情感分析：中文酒店评论，两类"
SOUP = st.lists(
    st.sampled_from(
        ["classify ", "translate ", "图片", "分类", "情感",
         "6200 条", "20k pairs ", "not ", "$5 ", "T4 ", "半", "两",
         "1,000,000", "2x ", "İ", "\x00", "🙂",
         "ｆｕｌｌ", "評論", "-", "@10 ", "under 30 ms ", "ndcg", "16G显存", "的", " "]
    ),
    max_size=40,
).map("".join)  # fmt: skip


def _read(text: str, **given: object) -> TaskReading:
    return read_task(TaskWords(description=text, **given))  # type: ignore[arg-type]


def test_contracts_own_example_is_read() -> None:
    profile = _read(HOTEL).profile
    assert (profile.task_type, profile.languages, profile.domain, profile.metric, profile.n_classes) == (
        TaskType.TEXT_CLASSIFICATION,
        ("zh",),
        Domain.REVIEWS,
        "accuracy",
        2,
    )


def test_explicit_fields_beat_the_words() -> None:
    profile = _read(
        HOTEL + "，6200 条",
        type=TaskType.TEXT_REGRESSION,
        languages=("DE",),
        domain=Domain.LEGAL,
        metric="Pearson",
        n_examples=7,
        n_classes=9,
        mean_length=3.5,
        dataset_sha256="ab",
    ).profile
    assert profile.task_type is TaskType.TEXT_REGRESSION
    assert profile.languages == ("de",)
    assert profile.domain is Domain.LEGAL
    assert profile.metric == "pearsonr"
    assert (profile.n_examples, profile.n_classes, profile.mean_length) == (7, 9, 3.5)
    assert (profile.dataset_sha256, profile.confidence, profile.alternatives) == ("ab", 1.0, ())


@pytest.mark.parametrize("task_type", TaskType)
def test_type_alone_makes_a_profile(task_type: TaskType) -> None:
    profile = read_task(TaskWords(type=task_type)).profile
    assert (profile.task_type, profile.modality) == (task_type, MODALITY_OF[task_type])
    assert profile.languages == ()
    assert profile.metric in METRICS


def test_every_type_has_a_declared_default_metric() -> None:
    assert set(DEFAULT_METRIC) == set(TaskType)
    assert set(DEFAULT_METRIC.values()) <= set(METRICS)


def test_stated_modality_narrows_the_type() -> None:
    assert _read("classification of emotions", modality=Modality.AUDIO).profile.modality is Modality.AUDIO


def test_type_of_another_modality_is_a_conflict() -> None:
    with pytest.raises(TaskConflictError) as caught:
        read_task(TaskWords(type=TaskType.TRANSLATION, modality=Modality.IMAGE))
    assert caught.value.expected is Modality.TEXT


@pytest.mark.parametrize("text", ["", "   ", "hello", "帮我做饭", "asdf", "🙂🙂", "\x00\x07", "123"])
def test_no_task_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTaskError):
        _read(text)


def test_nothing_given_is_refused() -> None:
    with pytest.raises(UnreadableTaskError):
        read_task(TaskWords())


def test_unknown_metric_is_refused() -> None:
    with pytest.raises(UnknownMetricError):
        _read(HOTEL, metric="goodness")


@pytest.mark.parametrize(
    ("text", "task_type"),
    [
        ("not translation, but sentiment classification of tweets", TaskType.TEXT_CLASSIFICATION),
        ("不是翻译，是新闻文本分类", TaskType.TEXT_CLASSIFICATION),
        ("whether or not a message is spam", TaskType.TEXT_CLASSIFICATION),
    ],
)
def test_denied_tasks_do_not_count(text: str, task_type: TaskType) -> None:
    assert _read(text).profile.task_type is task_type


def test_two_plausible_types_are_both_listed() -> None:
    profile = _read("classify the translation quality").profile
    plausible = {profile.task_type, *profile.alternatives}
    assert {TaskType.TEXT_PAIR_CLASSIFICATION, TaskType.TEXT_REGRESSION} <= plausible
    assert profile.confidence < 0.95


def test_strong_imbalance_makes_macro_f1_the_default() -> None:
    assert _read(HOTEL, class_counts={"a": 900, "b": 100}).profile.metric == "f1_macro"
    assert _read(HOTEL, class_counts={"a": 500, "b": 400}).profile.metric == "accuracy"


def test_class_counts_give_the_number_of_classes() -> None:
    assert _read("sentiment of tweets", class_counts={"a": 5, "b": 4, "c": 4}).profile.n_classes == 3


@pytest.mark.parametrize(
    "text",
    ["中文酒店评论情感分类", "中文酒店評論情感分類", "中文酒店评论情感分类".replace("中", "中 ")],
)
def test_traditional_and_spaced_characters_read_alike(text: str) -> None:
    profile = _read(text).profile
    assert (profile.task_type, profile.domain) == (TaskType.TEXT_CLASSIFICATION, Domain.REVIEWS)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("sentiment of reviews, $5 budget", "max_price", 5),
        ("sentiment of reviews, GPU at $2 per hour", "price_per_hour", 2),
        ("情感分类，预算 20 元", "currency", "CNY"),
        ("情感分类，非商用", "commercial_use", False),
        ("sentiment of reviews for commercial use", "commercial_use", True),
        ("text classification, license apache-2.0", "licences", ("apache-2.0",)),
        ("speech recognition, 300 hours of audio", "train_hours", None),
        ("语音识别，500小时录音", "train_hours", None),
        ("text classification within 90 minutes", "train_hours", 1.5),
        ("text classification, one hour on 2 x A100 80GB", "n_devices", 2),
        ("文本分类，8张4090", "device", "NVIDIA RTX 4090"),
        ("文本分类，模型小于300MB", "max_model_gb", 0.3),
        ("text classification with fewer than 350 million parameters", "max_parameters", 350_000_000),
        ("text classification, latency under 0.2 seconds", "max_latency_ms", 200),
        ("classify lectures from MIT", "licences", None),
        ("文本分类，一张 A10 24G", "device_memory_gb", 24),
        ("image classification on a Mac M1", "device", "mps"),
        ("text classification of 3090 reviews", "device", None),
    ],
)
def test_constraints_are_read_from_the_words(text: str, field: str, value: object) -> None:
    assert getattr(_read(text).constraints, field) == value


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("情感分类，一万两千条", "n_examples", 12_000),
        ("sentiment analysis of half a million tweets", "n_examples", 500_000),
        ("sentiment analysis, 1.2M tweets", "n_examples", 1_200_000),
        ("情感分类，10w条", "n_examples", 100_000),
        ("text classification with seven labels", "n_classes", 7),
        ("3-way text classification", "n_classes", 3),
        ("text classification, avg length 40", "mean_length", 40.0),
        ("文本分类，每条约50字", "mean_length", 50.0),
        ("text classification of 3090 reviews", "n_examples", 3090),
        ("question answering, 80 000 questions", "n_examples", 80_000),
        ("text classification, 10 examples per class, 20 classes", "n_examples", 200),
        ("情感分析，正负两类，各3000条", "n_examples", 6000),
        ("sentiment in about 30 languages", "n_examples", None),
    ],
)
def test_sizes_are_read_from_the_words(text: str, field: str, value: object) -> None:
    assert getattr(_read(text).profile, field) == value


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("三千", 3000),
        ("十二", 12),
        ("两万五", 25_000),
        ("一千零五", 1005),
        ("百万", 1e6),
        ("半", 0.5),
        ("一亿两千万", 1.2e8),
    ],
)
def test_chinese_numerals_have_their_value(numeral: str, value: float) -> None:
    assert han_number(numeral) == value


@given(st.integers(0, 10**9))
def test_digits_are_read_as_written(number: int) -> None:
    assert [q.value for q in find_quantities(f"{number}; {number:,}")] == [number, number]


@settings(max_examples=200, deadline=None)
@given(st.one_of(SOUP, st.text(max_size=200)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        profile = _read(text).profile
    except UnreadableTaskError:
        return
    assert 0.0 < profile.confidence <= 1.0
    assert all(reason in text for reason in profile.because)
    assert profile.task_type not in profile.alternatives
    assert profile == _read(text).profile


@given(st.text(max_size=100))
def test_folding_moves_no_character(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert all(0 <= token.start < token.end <= len(text) for token in tokenise(fold(text)))


def test_nothing_beyond_the_readable_part_changes_the_reading() -> None:
    start = (HOTEL + "。").ljust(MAX_CHARS)
    assert _read(start + "translate images " * 6000).profile == _read(start).profile


def test_every_pattern_is_bounded() -> None:
    folder = Path(__file__).parents[2] / "app" / "task_profile"
    source = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    # a repeated group with an open-ended repetition inside is what makes matching exponential
    assert not re.search(r"\([^()]*[+*]\)[+*]", source)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "1" * 100_000, "1,111" * 20_000, "一" * 100_000, "-$" * 50_000]
)
def test_long_gibberish_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTaskError):
        _read(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [("summarising", "summarize"), ("tagging", "tag"), ("categories", "category"), ("labelled", "labeled")],
)
def test_variants_of_a_word_share_a_stem(first: str, second: str) -> None:
    assert stem(first) == stem(second)


def test_misspelt_words_find_their_phrase() -> None:
    index = PhraseIndex([(0, "text classification"), (1, "sentiment")])
    tokens = tokenise(fold("sentimnt and text clasificaton"))
    assert [hit.owner for hit in index.find(tokens)] == [1, 0]


def test_longer_phrase_hides_the_shorter() -> None:
    index = PhraseIndex([(0, "translation"), (1, "translation quality")])
    hits = index.find(tokenise("translation quality"))
    assert [hit.owner for hit in hits] == [0, 1]
    assert [hit.owner for hit in longest(hits)] == [1]
