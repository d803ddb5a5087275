"""Any figures file, joined with what ships: no measurement twice, and no alias through which one is seen."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from app.evaluation.asked import AskedColumn, asked_columns
from app.evaluation.corpus import Corpus, joined
from app.evaluation.figure_rows import FigureRow, UnusableFiguresError, read_rows
from app.evaluation.file_benchmarks import (
    EQUAL,
    N_TRAIN,
    FileColumn,
    ShippedColumns,
    are_equal,
    described,
    file_columns,
    letters,
)
from app.evaluation.file_models import canonical_names, model_facts
from app.evaluation.metadata import Cells, read_metadata, whole
from benchmarks.external.spelling import slug
from benchmarks.figures import Benchmark, Figure, Protocol

FEW_EXAMPLES = 2_000
"""Up to here training on a benchmark is few-shot, as for the tasks of requests."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FiguresFile:
    """A file that is ready to be evaluated.

    Attributes:
        corpus: What ships, with the file.
        asked: The columns to be predicted.
        n_left_out: Values that may be percent or fraction.
        n_known_models: Of the file's models, those that ship.
    """

    corpus: Corpus
    asked: Sequence[AskedColumn]
    n_left_out: int
    n_known_models: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resolved:
    """What a column of the file is.

    Attributes:
        column: As printed.
        benchmark: As shipped, or newly described.
        protocol: Of its figures.
        is_shipped: Whether a shipped column holds the same measurements.
    """

    column: FileColumn
    benchmark: Benchmark
    protocol: Protocol
    is_shipped: bool


def read_figures_file(
    path: Path, shipped: Corpus, *, models: Path | None = None, benchmarks: Path | None = None
) -> FiguresFile:
    """A file with columns model, benchmark, metric, value, joined with what ships.

    Args:
        path: The figures.
        shipped: What ships.
        models: Metadata keyed `model`.
        benchmarks: Metadata keyed `benchmark`.

    Raises:
        UnusableFiguresError: Something in a file cannot be used, or no benchmark has models enough.
    """
    about_models, about = read_metadata(models, "model"), read_metadata(benchmarks, "benchmark")
    rows, n_left_out = read_rows(path)
    suite = slug(path.stem) or "figures"
    names = canonical_names((row.model for row in rows), shipped, suite)
    columns = file_columns(rows, names)
    known = ShippedColumns(shipped.figures, shipped.benchmarks)
    resolved = _resolve(columns, about, known, suite)
    figures = _figures(path, rows, names, resolved)
    made = {r.benchmark.name: r.benchmark for r in resolved.values()}
    modalities = {f.model: made[f.benchmark].modality for f in figures}
    corpus = joined(
        shipped,
        figures,
        made,
        model_facts(names, about_models, modalities, shipped),
        _replaced(shipped.figures, figures, resolved.values(), {**shipped.benchmarks, **made}),
    )
    asked = asked_columns(
        figures,
        made,
        names={r.benchmark.name: r.column.printed for r in resolved.values()},
        also_hidden=_also_hidden(list(resolved.values()), known),
    )
    if not asked:
        raise UnusableFiguresError(path, "no benchmark has five models or more")
    n_known = sum(name in shipped.known or name in known.kinds for name in names.values())
    return FiguresFile(corpus=corpus, asked=asked, n_left_out=n_left_out, n_known_models=n_known)


Word = TypeVar("Word", bound=str)
_Key = tuple[str, str, Protocol | None]


def _resolve(
    columns: Sequence[FileColumn], about: Mapping[str, Cells], known: ShippedColumns, suite: str
) -> dict[_Key, _Resolved]:
    found = [known.measured(column) for column in columns]
    usual_suite = _most(benchmark.suite for benchmark, _ in filter(None, found)) or suite
    usual_protocol = _most(protocol for _, protocol in filter(None, found))
    resolved: dict[_Key, _Resolved] = {}
    printed_as: dict[str, str] = {}
    for column, same in zip(columns, found, strict=True):
        benchmark, protocol = same or (None, usual_protocol)
        taken_by = printed_as.get(benchmark.name, column.printed) if benchmark else ""
        if benchmark is None or benchmark.metric != column.metric or taken_by != column.printed:
            cells = about.get(column.printed, {})
            benchmark = described(column, cells, known, usual_suite, benchmark)
            if (
                printed_as.get(benchmark.name, column.printed) != column.printed
                or benchmark.name in known.benchmarks
            ):
                benchmark = replace(benchmark, name=f"{benchmark.name}-{len(resolved)}")
        printed_as[benchmark.name] = column.printed
        resolved[column.printed, column.metric, column.protocol] = _Resolved(
            column=column,
            benchmark=benchmark,
            protocol=column.protocol or protocol or _protocol_for(about.get(column.printed, {})),
            is_shipped=benchmark.name in known.benchmarks,
        )
    return resolved


def _most(found: Iterable[Word]) -> Word | None:
    """The commonest; None of nothing."""
    counts = Counter(found)
    return counts.most_common(1)[0][0] if counts else None


def _protocol_for(cells: Cells) -> Protocol:
    """How a benchmark is met where no figure says it: as its training set is stated to be small or not."""
    n_train = whole(cells, *N_TRAIN)
    is_few = n_train is not None and n_train <= FEW_EXAMPLES
    return Protocol.FEW_SHOT_TUNED if is_few else Protocol.FINE_TUNED


def _figures(
    path: Path, rows: Sequence[FigureRow], names: Mapping[str, str], resolved: Mapping[_Key, _Resolved]
) -> list[Figure]:
    day = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()
    figures = []
    for row in rows:
        column = resolved[row.benchmark, row.metric, row.protocol]
        figures.append(
            Figure(
                model=names[row.model],
                benchmark=column.benchmark.name,
                metric=row.metric,
                value=row.value,
                protocol=column.protocol,
                split=row.split,
                std_error=row.std_error,
                n_test=row.n_test,
                source=row.source or f"file:{path.name}",
                as_of=day,
            )
        )
    return figures


def _replaced(
    shipped: Sequence[Figure],
    figures: Sequence[Figure],
    resolved: Iterable[_Resolved],
    benchmarks: Mapping[str, Benchmark],
) -> frozenset[int]:
    """Places of shipped figures that the file has too: the same cell, or the same number on the data set."""
    repeated = {r.benchmark.name for r in resolved if r.is_shipped}
    cells = {(f.model, f.benchmark, f.protocol, f.metric) for f in figures if f.benchmark in repeated}
    values: dict[tuple[str, str], list[float]] = {}
    for f in figures:
        values.setdefault((f.model, benchmarks[f.benchmark].dataset), []).append(f.value)
    return frozenset(
        i
        for i, f in enumerate(shipped)
        if (f.model, f.benchmark, f.protocol, f.metric) in cells
        or any(
            abs(f.value - value) <= EQUAL
            for value in values.get((f.model, benchmarks[f.benchmark].dataset), ())
        )
    )


def _also_hidden(resolved: Sequence[_Resolved], known: ShippedColumns) -> dict[str, frozenset[str]]:
    """Data sets that each benchmark may be by its name, or is by its figures, besides its own."""
    found: dict[str, frozenset[str]] = {}
    for r in resolved:
        twins = {
            o.benchmark.dataset
            for o in resolved
            if letters(o.column.printed) == letters(r.column.printed)
            or are_equal(o.column.values, r.column.values)
        }
        named = known.named(r.column.printed, r.benchmark.modality) | known.related(r.column.printed)
        found[r.benchmark.name] = found.get(r.benchmark.name, frozenset()) | twins | named
    return found
