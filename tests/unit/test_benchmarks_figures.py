"""What a figure must be, and how shipped tables are read."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.figures import Benchmark, Figure, InvalidFigureError, Protocol
from benchmarks.shipped_files import (
    SCHEMA,
    MalformedTableError,
    Source,
    read_benchmarks,
    read_figures,
    write_figures,
)
from models_registry.vocabulary import Modality, TaskType

SOURCES = {"here": Source(url="https://example.org", as_of=dt.date(2024, 1, 2))}
ROW: dict[str, object] = {
    "model": "huggingface:a/b",
    "benchmark": "glue-sst2",
    "metric": "accuracy",
    "value": 0.9,
    "protocol": "fine-tuned",
    "split": "dev",
    "std_error": 0.01,
    "n_test": 872,
    "source": "here",
}


def table(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "table.parquet"
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path)
    return path


def figure(value: float = 0.9, metric: str = "accuracy", source: str = "https://example.org") -> Figure:
    return Figure(
        model="huggingface:a/b",
        benchmark="glue-sst2",
        metric=metric,
        value=value,
        protocol=Protocol.FINE_TUNED,
        split="dev",
        std_error=0.01,
        n_test=872,
        source=source,
        as_of=dt.date(2024, 1, 2),
    )


@pytest.mark.parametrize(
    ("field", "made"),
    [
        ("value", {"value": 90.0}),
        ("value", {"value": float("nan")}),
        ("metric", {"metric": "acc"}),
        ("source", {"source": ""}),
    ],
)
def test_an_impossible_figure_names_the_field(field: str, made: dict[str, float | str]) -> None:
    with pytest.raises(InvalidFigureError) as refused:
        figure(**made)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_written_table_reads_back_the_same(tmp_path: Path) -> None:
    figures = [figure(0.91), figure(0.9)]
    write_figures(tmp_path / "table.parquet", figures, SOURCES)
    assert read_figures(tmp_path / "table.parquet", SOURCES) == (figures[1], figures[0])


def test_the_same_figures_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    figures = [figure(0.91), figure(0.9), figure(0.92)]
    for name, given in (("a", figures), ("b", figures[::-1])):
        write_figures(tmp_path / name, given, SOURCES)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_table_row_becomes_a_figure(tmp_path: Path) -> None:
    assert read_figures(table(tmp_path, ROW), SOURCES) == (figure(),)


@pytest.mark.parametrize("change", [{"value": 90.0}, {"source": "nowhere"}, {"protocol": "guessed"}])
def test_a_damaged_row_is_reported_with_its_number(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(MalformedTableError) as refused:
        read_figures(table(tmp_path, ROW, ROW | change), SOURCES)
    assert refused.value.line == 2


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table({"model": ["m"], "score": [1.0]}), path)
    with pytest.raises(MalformedTableError, match="the columns are"):
        read_figures(path, SOURCES)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR0")
    with pytest.raises(MalformedTableError):
        read_figures(path, SOURCES)


def test_a_benchmark_without_relatives_is_its_own_data_set() -> None:
    alone = Benchmark(name="mine", task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT)
    assert alone.dataset == "mine"


def test_a_benchmark_with_an_unknown_task_type_is_reported_with_its_line(tmp_path: Path) -> None:
    header = "name,task_type,modality,languages,domain,metric,n_classes,n_train,suite,dataset,aliases,source"
    path = tmp_path / "benchmarks.csv"
    path.write_text(f"{header}\nx,guessing,text,en,general,accuracy,2,10,s,,,u\n", encoding="utf-8")
    with pytest.raises(MalformedTableError, match="guessing"):
        read_benchmarks(path)
