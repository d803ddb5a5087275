"""How printed numbers, metrics, tasks and scales become figures or refusals."""

import datetime as dt

import pytest

from benchmarks.external.record import Record
from benchmarks.external.resolve import Origin, Resolver
from benchmarks.external.scale import Scales
from benchmarks.external.spelling import metric_spelt, number_of, task_spelt
from benchmarks.figures import Benchmark, Figure, Protocol
from benchmarks.importers.names import ModelNames
from benchmarks.importers.reading import Refusal, RefusalReason
from models_registry.vocabulary import Modality, TaskType

KNOWN = Benchmark(
    name="glue-sst2",
    task_type=TaskType.TEXT_CLASSIFICATION,
    modality=Modality.TEXT,
    languages=("en",),
    suite="glue",
    dataset="sst-2",
)
ORIGIN = Origin(source="csv", url="csv:mine.csv", as_of=dt.date(2025, 1, 2))


def record(
    value: str | float = 0.9, benchmark: str = "mine", metric: str = "accuracy", **more: object
) -> Record:
    given: dict[str, object] = {"task": "text classification", **more}
    return Record(model="a/b", is_hub_id=True, benchmark=benchmark, metric=metric, value=value, **given)  # type: ignore[arg-type]


def resolved(*records: Record) -> list[Figure | Refusal]:
    resolver = Resolver(ORIGIN, [KNOWN], ModelNames({}), Scales.of(records))
    return [resolver.figure(r) for r in records]


def values(*records: Record) -> list[float | RefusalReason]:
    return [made.value if isinstance(made, Figure) else made.reason for made in resolved(*records)]


@pytest.mark.parametrize(
    ("printed", "value", "deviation"),
    [
        ("93.1", 93.1, None),
        ("93.1%", 93.1, None),
        ("93.1 ± 0.4", 93.1, 0.4),
        ("1,234.5", 1234.5, None),
        ("-0.3", -0.3, None),
        ("~ 0.93", 0.93, None),
        ("1e-3", 0.001, None),
        (0.5, 0.5, None),
    ],
)
def test_a_number_is_read_as_printed(printed: str | float, value: float, deviation: float | None) -> None:
    assert number_of(printed) == (value, deviation)


@pytest.mark.parametrize("printed", ["", "-", "n/a", "SOTA"])
def test_what_is_no_number_is_none(printed: str) -> None:
    assert number_of(printed) is None


@pytest.mark.parametrize(
    ("printed", "metric"),
    [
        ("Top 1 Accuracy", "accuracy"),
        ("Accuracy (%)", "accuracy"),
        ("eval_accuracy".removeprefix("eval_"), "accuracy"),
        ("F1 score", "f1"),
        ("macro-F1", "f1_macro"),
        ("Word Error Rate (WER)", "wer"),
        ("BLEU score", "bleu"),
        ("mIoU", "mean_iou"),
        ("NDCG@10", "ndcg_at_10"),
    ],
)
def test_a_metric_is_known_under_its_usual_spellings(printed: str, metric: str) -> None:
    found = metric_spelt(printed)
    assert found is not None
    assert found.name == metric


@pytest.mark.parametrize("printed", ["Inference Time (ms)", "loss", "FLOPS", "vibes"])
def test_what_is_no_metric_here_is_none(printed: str) -> None:
    assert metric_spelt(printed) is None


@pytest.mark.parametrize(
    ("printed", "task_type"),
    [
        ("image-classification", TaskType.IMAGE_CLASSIFICATION),
        ("Named Entity Recognition (NER)", TaskType.TOKEN_CLASSIFICATION),
        ("Natural Language Inference", TaskType.TEXT_PAIR_CLASSIFICATION),
        ("automatic-speech-recognition", TaskType.AUTOMATIC_SPEECH_RECOGNITION),
        ("protein folding", None),
    ],
)
def test_a_task_is_mapped_by_the_reviewed_table(printed: str, task_type: TaskType | None) -> None:
    assert task_spelt(printed) is task_type


def test_a_column_within_the_range_is_taken_as_fractions() -> None:
    assert values(record(0.9), record(0.005), record(1.0)) == [0.9, 0.005, 1.0]


def test_a_column_beyond_the_range_is_taken_as_percent() -> None:
    assert values(record("90.5"), record("88"), record(100.0)) == [0.905, 0.88, 1.0]


def test_the_columns_of_two_data_sets_have_scales_of_their_own() -> None:
    assert values(record(90.0, "x"), record(0.9, "y")) == [0.9, 0.9]


def test_a_column_of_both_scales_is_refused() -> None:
    assert values(record(0.9), record(90.0)) == [RefusalReason.AMBIGUOUS_SCALE] * 2


def test_a_stray_fraction_among_percentages_is_refused_alone() -> None:
    percentages = [record(80.0 + i) for i in range(19)]
    found = values(*percentages, record(0.7))
    assert found[:19] == [pytest.approx(0.8 + i / 100) for i in range(19)]
    assert found[19] is RefusalReason.AMBIGUOUS_SCALE


def test_a_column_beyond_percent_is_refused() -> None:
    assert values(record(1234.0), record(90.0)) == [RefusalReason.AMBIGUOUS_SCALE] * 2


def test_correlations_may_be_negative_on_either_scale() -> None:
    assert values(record(-0.2, metric="spearman"), record(0.8, metric="spearman")) == [-0.2, 0.8]
    assert values(record(-20.0, metric="spearman"), record(80.0, metric="spearman")) == [-0.2, 0.8]


def test_an_error_rate_may_exceed_one() -> None:
    rates = [record(0.1 + i / 100, metric="wer") for i in range(19)]
    assert values(*rates, record(1.3, metric="wer"))[-1] == 1.3


def test_perplexities_are_never_percentages() -> None:
    assert values(record(18.5, metric="perplexity", task="language modelling")) == [18.5]


def test_deviations_are_scaled_as_their_values() -> None:
    (made,) = resolved(record("90.0 ± 0.5"))
    assert isinstance(made, Figure)
    assert made.value == 0.9
    assert made.std_error == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (record(metric="vibes"), RefusalReason.UNKNOWN_METRIC),
        (record("n/a"), RefusalReason.NO_VALUE),
        (record(task="protein folding"), RefusalReason.NO_TASK_TYPE),
        (record(task=""), RefusalReason.UNKNOWN_BENCHMARK),
        (record(float("nan")), RefusalReason.NO_VALUE),
        (Record(model=" ", benchmark="x", metric="accuracy", value=0.5, task="ner"), RefusalReason.NO_MODEL),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(given: Record, reason: RefusalReason) -> None:
    assert values(given) == [reason]


def test_a_known_benchmark_is_found_by_its_name() -> None:
    (made,) = resolved(record(benchmark="glue-sst2", task=""))
    assert isinstance(made, Figure)
    assert (made.benchmark, made.model, made.source, made.as_of) == (
        "glue-sst2",
        "huggingface:a/b",
        "csv:mine.csv",
        dt.date(2025, 1, 2),
    )


def test_an_unknown_benchmark_is_described_as_the_source_does() -> None:
    given = record(benchmark="SST-2", languages=("en",))
    resolver = Resolver(ORIGIN, [KNOWN], ModelNames({}), Scales.of([given]))
    made = resolver.figure(given)
    (described,) = resolver.take_new()
    assert isinstance(made, Figure)
    assert made.benchmark == described.name == "csv-sst-2-accuracy"
    assert (described.task_type, described.modality) == (TaskType.TEXT_CLASSIFICATION, Modality.TEXT)
    assert (described.suite, described.dataset, described.languages) == ("csv", "sst-2", ("en",))
    assert resolver.take_new() == ()


def test_two_tasks_on_one_data_set_are_two_benchmarks() -> None:
    made = resolved(record(benchmark="X"), record(benchmark="X", task="ner"))
    assert [m.benchmark for m in made if isinstance(m, Figure)] == [
        "csv-x-accuracy",
        "csv-x-accuracy-token-classification",
    ]


def test_names_in_other_scripts_stay_apart() -> None:
    made = resolved(record(benchmark="新闻"), record(benchmark="评论"))
    assert len({m.benchmark for m in made if isinstance(m, Figure)}) == 2


def test_a_long_name_fits_its_column() -> None:
    (made,) = resolved(record(benchmark="x" * 500))
    assert isinstance(made, Figure)
    assert len(made.benchmark) <= 200


def test_the_protocol_of_a_record_is_kept() -> None:
    (made,) = resolved(record(protocol=Protocol.ZERO_SHOT))
    assert isinstance(made, Figure)
    assert made.protocol is Protocol.ZERO_SHOT
