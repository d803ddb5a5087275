"""The shipped tables in this project's own schema: reading and writing them, nothing else."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from benchmarks.figures import Benchmark, BenchmarkError, Figure, FigureKind, Protocol
from models_registry.vocabulary import Domain, Modality, TaskType

DATA = Path(__file__).parent / "data"
SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("benchmark", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("protocol", pa.string()),
        ("split", pa.string()),
        ("std_error", pa.float64()),
        ("n_test", pa.int64()),
        ("source", pa.string()),
    ]
)
FIGURE_COLUMNS = tuple(SCHEMA.names)


class MalformedTableError(BenchmarkError):
    """A shipped table that cannot be read.

    Attributes:
        path: The file.
        line: Line number, from 1; of a figure, its row; 0 where the whole file is meant.
        detail: What is wrong.
    """

    def __init__(self, path: Path, line: int, detail: str) -> None:
        self.path = path
        self.line = line
        self.detail = detail
        super().__init__(f"{path.name}, line {line}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published table: its address, and the day on which it was known to read so."""

    url: str
    as_of: dt.date


def read_sources(path: Path = DATA / "sources.csv") -> Mapping[str, Source]:
    """Source tables by key."""
    return {
        row["key"]: Source(url=row["url"], as_of=dt.date.fromisoformat(row["as_of"])) for row in _rows(path)
    }


def read_aliases(path: Path = DATA / "model_aliases.csv") -> Mapping[tuple[str, str], str]:
    """Reviewed canonical names by (importer, published name)."""
    return {(row["source"], row["published"]): row["canonical"] for row in _rows(path)}


def read_benchmarks(path: Path = DATA / "benchmarks.csv") -> tuple[Benchmark, ...]:
    """The reviewed benchmarks, by name.

    Raises:
        MalformedTableError: A row names an unknown task type, modality or domain, or no number.
    """
    benchmarks = []
    for line, row in enumerate(_rows(path), start=2):
        try:
            benchmarks.append(_benchmark(row))
        except ValueError as error:
            raise MalformedTableError(path, line, str(error)) from None
    return tuple(benchmarks)


def read_figures(path: Path, sources: Mapping[str, Source]) -> tuple[Figure, ...]:
    """The figures of one shipped table.

    Raises:
        MalformedTableError: A row that is no figure, or names an unknown source.
    """
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise MalformedTableError(path, 0, str(error)) from None
    if not table.schema.equals(SCHEMA):
        raise MalformedTableError(path, 0, f"the columns are {', '.join(FIGURE_COLUMNS)}")
    columns = [table.column(name).to_pylist() for name in FIGURE_COLUMNS]
    figures = []
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        try:
            figures.append(_figure(row, sources))
        except (ValueError, KeyError) as error:
            raise MalformedTableError(path, number, str(error)) from None
    return tuple(figures)


def write_figures(path: Path, figures: Iterable[Figure], sources: Mapping[str, Source]) -> None:
    """Write one table; the same figures always give the same bytes."""
    keys = {source.url: key for key, source in sources.items()}
    rows = sorted((_cells(figure, keys[figure.source]) for figure in figures), key=_order)
    columns = zip(*rows, strict=True) if rows else [()] * len(FIGURE_COLUMNS)
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)],
        schema=SCHEMA,
    )
    parquet.write_table(table, path, compression="zstd", compression_level=19, store_schema=False)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _benchmark(row: Mapping[str, str]) -> Benchmark:
    return Benchmark(
        name=row["name"],
        task_type=TaskType(row["task_type"]),
        modality=Modality(row["modality"]),
        languages=_split(row["languages"]),
        domain=Domain(row["domain"]),
        metric=row["metric"],
        n_classes=int(row["n_classes"]) if row["n_classes"] else None,
        n_train=int(row["n_train"]) if row["n_train"] else None,
        suite=row["suite"],
        dataset=row["dataset"],
        shifted_from=row["shifted_from"],
        aliases=_split(row["aliases"]),
        source=row["source"],
    )


def _figure(row: tuple[Any, ...], sources: Mapping[str, Source]) -> Figure:
    model, benchmark, metric, value, protocol, split, std_error, n_test, key = row
    source = sources[key]
    return Figure(
        model=model,
        benchmark=benchmark,
        metric=metric,
        value=value,
        protocol=_PROTOCOLS[protocol],
        split=split,
        std_error=std_error,
        n_test=n_test,
        source=source.url,
        as_of=source.as_of,
        kind=FigureKind.PUBLISHED,
    )


_PROTOCOLS = {str(protocol): protocol for protocol in Protocol}  # a tenth of the cost of calling the enum


def _cells(figure: Figure, source_key: str) -> tuple[str | float | int | None, ...]:
    return (
        figure.model,
        figure.benchmark,
        figure.metric,
        float(f"{figure.value:.6g}"),
        str(figure.protocol),
        figure.split,
        None if figure.std_error is None else float(f"{figure.std_error:.4g}"),
        figure.n_test,
        source_key,
    )


def _order(row: tuple[str | float | int | None, ...]) -> tuple[str, ...]:
    return tuple("" if cell is None else str(cell) for cell in row)


def _split(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()
