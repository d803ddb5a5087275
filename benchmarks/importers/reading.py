"""What an importer yields, and the one place where readings become figures or are refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.figures import Benchmark, Figure, InvalidFigureError, Protocol
from benchmarks.importers.names import ModelNames
from benchmarks.metrics import UnknownMetricError, metric_named
from benchmarks.shipped_files import Source


class RefusalReason(StrEnum):
    """Why a published number does not become a figure."""

    NO_MODEL = "no model"  # the source does not say of which model it is
    NO_VALUE = "no value"  # an empty cell, a dash, `n/a`
    UNREADABLE = "unreadable"  # a cell whose form is not the expected one
    METRIC_UNSTATED = "metric unstated"  # the source does not say what was measured
    UNKNOWN_BENCHMARK = "unknown benchmark"  # no reviewed benchmark of this name and metric
    UNKNOWN_METRIC = "unknown metric"
    NO_TASK_TYPE = "no task type"  # none of the task types here asks for it
    OUT_OF_RANGE = "out of range"
    QUOTED = "quoted from elsewhere"  # the table repeats another author's number
    REPEATED = "repeated"  # the same number of the same measurement came before
    NOT_COMPARABLE = "not comparable"  # another set-up than the rest of the column
    SUSPECT = "suspect"  # contradicted by the source itself, or a failed run
    CLOSED_WEIGHTS = "closed weights"  # nobody can fine-tune it
    AMBIGUOUS_SCALE = "ambiguous scale"  # percent or fraction: its column does not tell
    UNPINNED = "unpinned"  # the source does not pin the measured weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A number as its source prints it, turned to the metric's own scale.

    Attributes:
        model: Name in the source.
        is_hub_id: Whether that name is an id of the Hugging Face Hub.
        naming: Whose names these are, where several importers share them; else the importer's own.
        suite: Suite of the benchmark.
        benchmark: The benchmark's name or alias inside the suite.
        metric: Metric, any declared spelling.
        value: Fraction for bounded metrics.
        protocol: How the model met the benchmark.
        split: Where it was measured.
        std_error: Standard error on the same scale; None where not published.
        n_test: Examples measured on; None where unknown.
        source: Key of the source table.
    """

    model: str
    is_hub_id: bool = False
    naming: str = ""
    suite: str
    benchmark: str
    metric: str = "accuracy"
    value: float
    protocol: Protocol = Protocol.FINE_TUNED
    split: str = "test"
    std_error: float | None = None
    n_test: int | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A published number that was left out, and why."""

    reason: RefusalReason
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What one importer brought.

    Attributes:
        accepted: Figures, sorted.
        benchmarks: The benchmarks that they were measured on, by name.
        refused: What was left out, in the order of reading.
    """

    accepted: tuple[Figure, ...]
    benchmarks: tuple[Benchmark, ...]
    refused: tuple[Refusal, ...]


class BenchmarkTable:
    """Finds a reviewed benchmark by suite, published name and metric."""

    def __init__(self, benchmarks: Iterable[Benchmark]) -> None:
        self._by_spelling = {
            (b.suite, spelling, b.metric): b for b in benchmarks for spelling in (b.name, *b.aliases)
        }

    def find(self, reading: Reading) -> Benchmark | None:
        """The benchmark of this suite and metric that the source means; None where none was reviewed."""
        return self._by_spelling.get((reading.suite, reading.benchmark, metric_named(reading.metric).name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The reviewed tables that turn published names into canonical ones."""

    benchmarks: BenchmarkTable
    names: ModelNames
    sources: Mapping[str, Source]


def collect(importer: str, readings: Iterable[Reading | Refusal], reviewed: Reviewed) -> ImportReport:
    """Check every reading; nothing is dropped without a stated reason.

    Args:
        importer: Name of the importer, under which its model aliases are kept.
        readings: What the importer yields.
        reviewed: The reviewed tables.
    """
    figures: dict[tuple[str, ...], Figure] = {}
    benchmarks: dict[str, Benchmark] = {}
    refused: list[Refusal] = []
    for reading in readings:
        outcome = reading if isinstance(reading, Refusal) else _checked(importer, reading, reviewed)
        if isinstance(outcome, Refusal):
            refused.append(outcome)
            continue
        figure, benchmark = outcome
        if figures.setdefault(_identity(figure), figure) is not figure:
            row = f"{figure.source}: {figure.model}, {figure.benchmark}, {figure.value}"
            refused.append(Refusal(reason=RefusalReason.REPEATED, row=row))
        benchmarks[benchmark.name] = benchmark
    return ImportReport(
        accepted=tuple(figures[key] for key in sorted(figures)),
        benchmarks=tuple(benchmarks[name] for name in sorted(benchmarks)),
        refused=tuple(refused),
    )


def _checked(importer: str, reading: Reading, reviewed: Reviewed) -> tuple[Figure, Benchmark] | Refusal:
    try:
        benchmark = reviewed.benchmarks.find(reading)
        if benchmark is None:
            return Refusal(reason=RefusalReason.UNKNOWN_BENCHMARK, row=_row(reading))
        source = reviewed.sources[reading.source]
        figure = Figure(
            model=reviewed.names.canonical(
                reading.naming or importer, reading.model, is_hub_id=reading.is_hub_id
            ),
            benchmark=benchmark.name,
            metric=benchmark.metric,
            value=round(reading.value, 6),
            protocol=reading.protocol,
            split=reading.split,
            std_error=None if reading.std_error is None else round(reading.std_error, 6),
            n_test=reading.n_test,
            source=source.url,
            as_of=source.as_of,
        )
    except UnknownMetricError:
        return Refusal(reason=RefusalReason.UNKNOWN_METRIC, row=_row(reading))
    except InvalidFigureError as error:
        return Refusal(reason=RefusalReason.OUT_OF_RANGE, row=f"{_row(reading)}: {error}")
    return figure, benchmark


def _identity(figure: Figure) -> tuple[str, ...]:
    """What two readings of one measurement share: the same value under another source is a quotation."""
    return (figure.model, figure.benchmark, figure.protocol, figure.split, f"{figure.value:.6f}")


def _row(reading: Reading) -> str:
    return f"{reading.source}: {reading.model}, {reading.benchmark}, {reading.metric}, {reading.value}"
