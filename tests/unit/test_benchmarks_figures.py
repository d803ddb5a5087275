"""What a figure must be, and how shipped tables are read."""

import datetime as dt
from pathlib import Path

import pytest

from benchmarks.figures import Figure, InvalidFigureError, Protocol
from benchmarks.shipped_files import (
    FIGURE_COLUMNS,
    MalformedTableError,
    Source,
    read_benchmarks,
    read_figures,
    write_figures,
)

SOURCES = {"here": Source(url="https://example.org", as_of=dt.date(2024, 1, 2))}
ROW = "huggingface:a/b,glue-sst2,accuracy,0.9,fine-tuned,dev,0.01,872,here"


def table(folder: Path, *rows: str, header: str = ",".join(FIGURE_COLUMNS)) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
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
    write_figures(tmp_path / "table.csv", figures, SOURCES)
    assert list(read_figures(tmp_path / "table.csv", SOURCES)) == sorted(figures, key=lambda f: f.value)


def test_a_table_row_becomes_a_figure(tmp_path: Path) -> None:
    assert list(read_figures(table(tmp_path, ROW), SOURCES)) == [figure()]


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace("0.9", "90"),
        ROW.replace("here", "nowhere"),
        ROW.replace("fine-tuned", "guessed"),
        ROW + ",more",
    ],
)
def test_a_damaged_row_is_reported_with_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(MalformedTableError) as refused:
        list(read_figures(table(tmp_path, ROW, row), SOURCES))
    assert refused.value.line == 3


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTableError, match="the columns are"):
        list(read_figures(table(tmp_path, header="model,score"), SOURCES))


def test_a_benchmark_with_an_unknown_task_type_is_reported_with_its_line(tmp_path: Path) -> None:
    header = "name,task_type,modality,languages,domain,metric,n_classes,n_train,suite,aliases,source"
    path = table(tmp_path, "x,guessing,text,en,general,accuracy,2,10,s,,u", header=header)
    with pytest.raises(MalformedTableError, match="guessing"):
        read_benchmarks(path)
