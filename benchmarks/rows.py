"""Figures and benchmarks to rows of the database and back."""

import hashlib
from dataclasses import dataclass

from benchmarks.figures import Benchmark, Figure, FigureKind, Protocol
from benchmarks.tables import BenchmarkRow, FigureRow
from models_registry.vocabulary import Domain, Modality, TaskType


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFigure:
    """A figure with its place in the database.

    Attributes:
        id: Row number; grows with time.
        figure: What was measured.
        dataset_sha256: The caller's data, for probe figures.
        project: Who may see it; None where everybody may.
        run_id: The run that measured it.
        superseded_by: Row number of the correction.
    """

    id: int
    figure: Figure
    dataset_sha256: str | None
    project: str | None
    run_id: str | None
    superseded_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """What a probe figure is tied to: data, project and run; all None for published figures."""

    dataset_sha256: str | None = None
    project: str | None = None
    run_id: str | None = None


UNTIED = Tie()


def row_of(figure: Figure, tie: Tie = UNTIED) -> dict[str, object]:
    """The columns of a figure; its fingerprint names the measurement, so that it is stored once."""
    identity = (
        figure.model,
        figure.benchmark,
        figure.metric,
        repr(figure.value),
        figure.protocol,
        figure.split,
        figure.source,
        figure.kind,
        tie.dataset_sha256 or "",
        tie.project or "",
        tie.run_id or "",
    )
    return {
        "fingerprint": hashlib.sha256("\x1f".join(identity).encode()).hexdigest(),
        "model": figure.model,
        "benchmark": figure.benchmark,
        "metric": figure.metric,
        "value": figure.value,
        "protocol": str(figure.protocol),
        "split": figure.split,
        "std_error": figure.std_error,
        "n_test": figure.n_test,
        "source": figure.source,
        "as_of": figure.as_of,
        "kind": str(figure.kind),
        "dataset_sha256": tie.dataset_sha256,
        "project": tie.project,
        "run_id": tie.run_id,
    }


def stored_figure(row: FigureRow) -> StoredFigure:
    """The figure of a row, with its place in the database."""
    figure = Figure(
        model=row.model,
        benchmark=row.benchmark,
        metric=row.metric,
        value=row.value,
        protocol=Protocol(row.protocol),
        split=row.split,
        std_error=row.std_error,
        n_test=row.n_test,
        source=row.source,
        as_of=row.as_of,
        kind=FigureKind(row.kind),
    )
    return StoredFigure(
        id=row.id,
        figure=figure,
        dataset_sha256=row.dataset_sha256,
        project=row.project,
        run_id=row.run_id,
        superseded_by=row.superseded_by,
    )


def benchmark_of(row: BenchmarkRow) -> Benchmark:
    """The benchmark of a row."""
    return Benchmark(
        name=row.name,
        task_type=TaskType(row.task_type),
        modality=Modality(row.modality),
        languages=tuple(row.languages),
        domain=Domain(row.domain),
        metric=row.metric,
        n_classes=row.n_classes,
        n_train=row.n_train,
        suite=row.suite,
        dataset=row.dataset,
        shifted_from=row.shifted_from,
        aliases=tuple(row.aliases),
        source=row.source,
    )


def cells_of(benchmark: Benchmark) -> dict[str, object]:
    """The columns of a benchmark."""
    return {
        "name": benchmark.name,
        "task_type": str(benchmark.task_type),
        "modality": str(benchmark.modality),
        "languages": list(benchmark.languages),
        "domain": str(benchmark.domain),
        "metric": benchmark.metric,
        "n_classes": benchmark.n_classes,
        "n_train": benchmark.n_train,
        "suite": benchmark.suite,
        "dataset": benchmark.dataset,
        "shifted_from": benchmark.shifted_from,
        "aliases": list(benchmark.aliases),
        "source": benchmark.source,
    }
