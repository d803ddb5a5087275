"""How published names, cells and rows become figures or refusals."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Benchmark
from benchmarks.importers.cells import bracketed, pair, percent
from benchmarks.importers.names import ModelNames
from benchmarks.importers.reading import (
    BenchmarkTable,
    Reading,
    Refusal,
    RefusalReason,
    Reviewed,
    collect,
)
from benchmarks.shipped_files import Source
from models_registry.vocabulary import Modality, TaskType


def benchmark(name: str, metric: str) -> Benchmark:
    return Benchmark(
        name=name,
        task_type=TaskType.QUESTION_ANSWERING,
        modality=Modality.TEXT,
        metric=metric,
        suite="squad",
        aliases=("squad1",),
    )


REVIEWED = Reviewed(
    benchmarks=BenchmarkTable([benchmark("squad-v1", "token_f1"), benchmark("squad-v1-em", "exact_match")]),
    names=ModelNames({("mine", "BERT"): "huggingface:google-bert/bert-base-uncased"}),
    sources={
        key: Source(url=f"https://example.org/{key}", as_of=dt.date(2024, 1, 2)) for key in ("own", "quote")
    },
)


def reading(
    value: float = 0.9, metric: str = "squad f1", source: str = "own", task: str = "squad1"
) -> Reading:
    return Reading(model="BERT", suite="squad", benchmark=task, metric=metric, value=value, source=source)


def test_a_reading_becomes_a_figure_with_canonical_names() -> None:
    (figure,) = collect("mine", [reading()], REVIEWED).accepted
    assert (figure.model, figure.benchmark, figure.metric, figure.source, figure.as_of) == (
        "huggingface:google-bert/bert-base-uncased",
        "squad-v1",
        "token_f1",
        "https://example.org/own",
        dt.date(2024, 1, 2),
    )


def test_the_metric_chooses_between_benchmarks_of_one_data_set() -> None:
    (figure,) = collect("mine", [reading(metric="EM")], REVIEWED).accepted
    assert figure.benchmark == "squad-v1-em"


def test_the_report_holds_the_benchmarks_that_were_met() -> None:
    report = collect("mine", [reading()], REVIEWED)
    assert [b.name for b in report.benchmarks] == ["squad-v1"]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (reading(task="nobody"), RefusalReason.UNKNOWN_BENCHMARK),
        (reading(metric="accuracy"), RefusalReason.UNKNOWN_BENCHMARK),
        (reading(metric="vibes"), RefusalReason.UNKNOWN_METRIC),
        (reading(value=90.0), RefusalReason.OUT_OF_RANGE),
        (Refusal(reason=RefusalReason.SUSPECT, row="x"), RefusalReason.SUSPECT),
    ],
)
def test_what_cannot_be_used_is_reported_with_its_reason(
    refused: Reading | Refusal, reason: RefusalReason
) -> None:
    report = collect("mine", [refused], REVIEWED)
    assert (report.accepted, [r.reason for r in report.refused]) == ((), [reason])


def test_the_same_number_in_another_table_is_a_repetition() -> None:
    report = collect("mine", [reading(), reading(source="quote")], REVIEWED)
    assert [f.source for f in report.accepted] == ["https://example.org/own"]
    assert [r.reason for r in report.refused] == [RefusalReason.REPEATED]


def test_another_number_of_the_same_measurement_is_a_second_figure() -> None:
    assert len(collect("mine", [reading(0.9), reading(0.91)], REVIEWED).accepted) == 2


def test_figures_do_not_depend_on_the_order_of_reading() -> None:
    readings = [reading(0.9), reading(0.8), reading(0.7, "EM")]
    forward = collect("mine", readings, REVIEWED).accepted
    assert forward == collect("mine", readings[::-1], REVIEWED).accepted


@pytest.mark.parametrize(
    ("published", "is_hub_id", "canonical"),
    [
        ("BERT", False, "huggingface:google-bert/bert-base-uncased"),
        ("intfloat/e5-base", True, "huggingface:intfloat/e5-base"),
        ("e5-base", True, "source:mine/e5-base"),
        ("intfloat/e5-base", False, "source:mine/intfloat/e5-base"),
        ("GURA Avg H+w+C (time)", False, "source:mine/GURA-Avg-H+w+C-time"),
    ],
)
def test_only_certain_names_get_a_hub_id(published: str, is_hub_id: bool, canonical: str) -> None:
    assert REVIEWED.names.canonical("mine", published, is_hub_id=is_hub_id) == canonical


@given(st.text(min_size=1))
def test_names_of_unknown_models_hold_only_allowed_characters(published: str) -> None:
    name = ModelNames({}).canonical("mine", published).removeprefix("source:")
    assert all(c.isascii() and (c.isalnum() or c in "_.-+/") for c in name)


def test_aliases_of_one_importer_do_not_reach_another() -> None:
    assert REVIEWED.names.canonical("other", "BERT") == "source:other/BERT"


@pytest.mark.parametrize(
    ("cell", "fraction"),
    [
        ("79.6", 0.796),
        ("79.6%", 0.796),
        ("*79.6*", 0.796),
        ("79.6 ± 0.3", 0.796),
        ("91.3 ±0.6", 0.913),
        ("84.9 (0.6)", 0.849),
        ("-", None),
        ("n/a", None),
        ("", None),
    ],
)
def test_percentages_are_read_as_fractions(cell: str, fraction: float | None) -> None:
    assert percent(cell) == (None if fraction is None else pytest.approx(fraction))


@pytest.mark.parametrize(
    ("cell", "first", "second"),
    [("90.9/84.1", 0.909, 0.841), ("71.2 / 63.6", 0.712, 0.636), ("86.6/-", 0.866, None), ("-", None, None)],
)
def test_pairs_are_read_as_two_fractions(cell: str, first: float | None, second: float | None) -> None:
    approximate = tuple(None if v is None else pytest.approx(v) for v in (first, second))
    assert pair(cell) == approximate


@pytest.mark.parametrize(("cell", "mean"), [("65.5 (64.4)", 0.644), ("95.4 （94.6)", 0.946), ("65.5", None)])
def test_the_bracketed_mean_is_read_in_either_kind_of_brackets(cell: str, mean: float | None) -> None:
    assert bracketed(cell) == (None if mean is None else pytest.approx(mean))
