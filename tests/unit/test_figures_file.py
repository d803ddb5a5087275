"""Figures files of users, joined with what ships."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.evaluation.corpus import Corpus
from app.evaluation.figure_rows import UnusableFiguresError, read_rows, scale_of
from app.evaluation.figures_file import read_figures_file
from app.ranking.described import Described
from benchmarks.figures import Protocol
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Domain, Modality, TaskType
from tests.factories import make_benchmark, make_entry, make_figure

MODELS = [f"org/m{i}" for i in range(8)]
SHIPPED = [
    make_benchmark("suite-imdb", suite="suite", dataset="imdb", aliases=("IMDb reviews",), n_train=25_000),
    make_benchmark("suite-news", suite="suite", dataset="ag-news", domain=Domain.NEWS),
]
CORPUS = Corpus(
    figures=[
        make_figure(f"huggingface:{m}", b.name, 0.7 + 0.02 * i + 0.003 * j)
        for i, m in enumerate(MODELS)
        for j, b in enumerate(SHIPPED)
    ],
    benchmarks={b.name: b for b in SHIPPED},
    known={f"huggingface:{m}": Described.of(make_entry(m)) for m in MODELS},
    copies={},
)


def write(path: Path, rows: Sequence[Sequence[object]], header: str = "model,benchmark,metric,value") -> Path:
    path.write_text("\n".join([header, *(",".join(str(cell) for cell in row) for row in rows)]) + "\n")
    return path


def column(benchmark: str, values: Sequence[float], metric: str = "accuracy") -> list[tuple[object, ...]]:
    return [(m, benchmark, metric, v) for m, v in zip(MODELS, values, strict=False)]


@pytest.mark.parametrize(
    ("values", "metric", "factor", "n_sure"),
    [
        ([0.5, 0.9, 1.0], "accuracy", 1.0, 3),
        ([50.0, 90.0, 100.0], "accuracy", 0.01, 3),
        ([0.5, 1.2, 30.0], "accuracy", 0.01, 3),  # the percentages come down to small ones
        ([90.0] * 20 + [0.0], "accuracy", 0.01, 21),
        ([80.0, 95.0] * 10 + [0.9], "accuracy", 0.01, 20),  # 0.9 % or 90 %
        ([-3.0, 0.4, 55.0], "matthews_correlation", 0.01, 3),
        ([-0.03, 0.4], "matthews_correlation", 1.0, 2),
        ([12.5, 30.0], "wer", 0.01, 2),
        ([0.125, 1.3], "wer", 1.0, 2),
        ([12.5, 30.0], "perplexity", 1.0, 2),
    ],
)
def test_percent_and_fraction_are_told_by_the_range(
    values: list[float], metric: str, factor: float, n_sure: int
) -> None:
    found, sure = scale_of(np.array(values), metric_named(metric))
    assert found == factor
    assert sure.sum() == n_sure


@pytest.mark.parametrize(
    ("values", "metric"),
    [([0.9, 90.0, 0.8, 80.0], "accuracy"), ([50.0, 250.0], "accuracy"), ([-5.0, 50.0], "accuracy"),
     ([0.5, 3.0], "perplexity"), ([3.0, 70.0], "mos")],
)  # fmt: skip
def test_values_on_no_scale_are_refused(values: list[float], metric: str) -> None:
    with pytest.raises(ValueError, match=r"values"):
        scale_of(np.array(values), metric_named(metric))


@pytest.mark.parametrize(
    "content",
    [
        "model,benchmark,value\na,b,0.5\n",
        "model,benchmark,metric,value\n",
        "model,benchmark,metric,value\na,b,happiness,0.5\n",
        "model,benchmark,metric,value\na,b,accuracy,good\n",
        "model,benchmark,metric,value\na,,accuracy,0.5\n",
        "model,benchmark,metric,value,protocol\na,b,accuracy,0.5,guessed\n",
        "model,benchmark,metric,value\na,b,accuracy,0.5,1,2\n",
        "model,benchmark,metric,value\na,b,accuracy,0.5\nc,b,accuracy,500\n",
    ],
)
def test_unusable_file_ends_the_command_with_2_and_says_why(tmp_path: Path, content: str) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(content)
    with pytest.raises(UnusableFiguresError):
        read_rows(path)
    result = CliRunner().invoke(app, ["backtest", str(path), "--json"])
    assert result.exit_code == 2
    assert "figures.csv" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["--suite", "nowhere"], ["no-such-file.csv"]])
def test_unusable_arguments_end_the_command_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["backtest", *arguments]).exit_code == 2


def test_file_with_a_shipped_table_is_recognised_by_its_numbers(tmp_path: Path) -> None:
    values = [f.value * 100 for f in CORPUS.figures if f.benchmark == "suite-imdb"]
    file = read_figures_file(write(tmp_path / "mine.csv", column("Some films", values)), CORPUS)
    (asked,) = file.asked
    assert (asked.name, asked.column.benchmark) == ("Some films", "suite-imdb")
    assert asked.hides == {"imdb"}
    assert len(file.corpus.figures) == len(CORPUS.figures)  # the file's stand for the shipped ones
    assert file.n_known_models == 8


@pytest.mark.parametrize("name", ["imdb", "IMDb_Reviews", "glue/imdb", "IMDb (test)"])
def test_data_set_of_a_new_table_is_recognised_by_name(tmp_path: Path, name: str) -> None:
    values = [91.3, 80.2, 77.1, 60.4, 88.8]
    file = read_figures_file(write(tmp_path / "mine.csv", column(name, values)), CORPUS)
    (asked,) = file.asked
    assert "imdb" in asked.hides
    assert asked.column.suite == "mine"
    assert len(file.corpus.figures) == len(CORPUS.figures) + 5


def test_same_numbers_under_two_unknown_names_hide_each_other(tmp_path: Path) -> None:
    values = [0.913, 0.802, 0.771, 0.604, 0.888]
    rows = [*column("qwx", values), *column("zzy", values), *column("other", values[::-1])]
    file = read_figures_file(write(tmp_path / "mine.csv", rows), CORPUS)
    hides = {a.name: a.hides for a in file.asked}
    assert hides["qwx"] == hides["zzy"] == {"qwx", "zzy"}
    assert hides["other"] == {"other"}


def test_numbers_of_a_shipped_table_are_recognised_under_another_metric_s_name(tmp_path: Path) -> None:
    values = [f.value for f in CORPUS.figures if f.benchmark == "suite-imdb"]
    file = read_figures_file(write(tmp_path / "mine.csv", column("qwx", values, "f1")), CORPUS)
    (asked,) = file.asked
    assert "imdb" in asked.hides
    assert asked.column.metric == "f1"
    assert len(file.corpus.figures) == len(CORPUS.figures)


def test_column_beside_a_recognised_table_is_taken_for_one_of_its_suite(tmp_path: Path) -> None:
    values = [f.value for f in CORPUS.figures if f.benchmark == "suite-imdb"]
    rows = [*column("first", values), *column("qwx", values[::-1])]
    file = read_figures_file(write(tmp_path / "mine.csv", rows), CORPUS)
    assert {a.name: a.column.suite for a in file.asked} == {"first": "suite", "qwx": "suite"}
    assert {a.name: a.column.dataset for a in file.asked}["qwx"] == "qwx"


def test_metadata_describe_what_nobody_knows(tmp_path: Path) -> None:
    rows = [(f"org/new{i}", "qwx", "acc", 50 + i) for i in range(5)]
    figures = write(tmp_path / "mine.csv", rows)
    models = write(
        tmp_path / "m.csv",
        [("org/new0", "86M", "vision-transformer", "2021", "imagenet-1k|qwx")],
        "model,n_parameters,architecture,year,fine_tuned_on",
    )
    benchmarks = write(
        tmp_path / "b.csv",
        [("qwx", "image-classification", "medical-images", "7", "1500")],
        "benchmark,task_type,domain,n_classes,n_train",
    )
    file = read_figures_file(figures, CORPUS, models=models, benchmarks=benchmarks)
    asked, described = file.asked[0].column, file.corpus.known["huggingface:org/new0"]
    assert (asked.task_type, asked.modality) == (TaskType.IMAGE_CLASSIFICATION, Modality.IMAGE)
    assert (asked.domain, asked.n_classes, asked.n_train) == (Domain.MEDICAL_IMAGES, 7, 1500)
    assert asked.protocol is Protocol.FEW_SHOT_TUNED  # as a task with so few examples would be
    assert described.n_parameters == 86_000_000
    assert described.fine_tuned_on == ("imagenet-1k", "qwx")


def test_unknown_benchmark_of_known_models_is_taken_for_what_these_are_measured_on(tmp_path: Path) -> None:
    file = read_figures_file(write(tmp_path / "mine.csv", column("qwx", [0.5, 0.6, 0.7, 0.8, 0.9])), CORPUS)
    assert file.asked[0].column.task_type is TaskType.TEXT_CLASSIFICATION
    assert file.asked[0].column.protocol is Protocol.FINE_TUNED


def test_two_printed_names_are_never_one_model(tmp_path: Path) -> None:
    rows = [(name, "qwx", "accuracy", 0.5) for name in ("m0", "org/m0", "huggingface:org/m0", "x", "y")]
    file = read_figures_file(write(tmp_path / "mine.csv", rows), CORPUS)
    assert len(set(file.asked[0].models)) == 5
    assert "huggingface:org/m0" in file.asked[0].models


@pytest.mark.slow
def test_command_prints_the_contract_s_document_for_a_shipped_suite(tmp_path: Path) -> None:
    arguments = ["backtest", "--suite", "sfda-1", "--as-served", "--json", "--data", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert len(document["benchmarks"]) == 10
    assert {b["n_models"] for b in document["benchmarks"]} == {11}
    assert document["mean"]["tau_w"] > 0.75  # ImageNet CNNs keep their order
    # The definitions are those of the reference figures: consensus .826, on eleven benchmarks instead of ten.
    assert document["baselines"]["consensus_z"]["tau_w"] == pytest.approx(0.822, abs=0.01)
    assert 0.6 < document["mean"]["coverage"] < 0.95
