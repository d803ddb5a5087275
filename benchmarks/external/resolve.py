"""Records to figures: canonical names, known or new benchmarks, one scale; or a reason why not."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.external.record import Record
from benchmarks.external.scale import Scales
from benchmarks.external.spelling import metric_spelt, number_of, slug, task_spelt
from benchmarks.figures import Benchmark, Figure, InvalidFigureError
from benchmarks.importers.names import ModelNames
from benchmarks.importers.reading import Refusal, RefusalReason
from benchmarks.metrics import Metric
from benchmarks.training_sets import as_stated
from models_registry.vocabulary import MODALITY_OF, TaskType

LONGEST_NAME = 200
LONGEST_MODEL = 300
"""Characters of the database's columns."""
_DIGITS = 8
_LONGEST_TASK = max(map(len, TaskType))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What holds for a whole import.

    Attributes:
        source: Name of the format; new benchmarks make a suite of this name.
        url: Address of figures that have none of their own.
        as_of: Date of figures that have none of their own.
    """

    source: str
    url: str
    as_of: dt.date


class Resolver:
    """Turns records into figures, and describes the benchmarks that nobody described before."""

    def __init__(
        self, origin: Origin, benchmarks: Iterable[Benchmark], names: ModelNames, scales: Scales
    ) -> None:
        """Take what is known.

        Args:
            origin: Of the import.
            benchmarks: Those that ship and those in the database.
            names: Reviewed aliases of models.
            scales: Of the whole file.
        """
        self._origin = origin
        self._names = names
        self._scales = scales
        self._by_name: dict[str, Benchmark] = {}
        self._by_spelling: dict[tuple[str, str, str], Benchmark] = {}
        self._found: dict[tuple[str, str, str, str, TaskType | None], Benchmark | None] = {}
        self._new: list[Benchmark] = []
        for benchmark in benchmarks:
            self._learn(benchmark)
        self._datasets = {b.dataset for b in self._by_name.values()}

    def _learn(self, benchmark: Benchmark) -> None:
        self._by_name[benchmark.name] = benchmark
        for spelling in (benchmark.name, *benchmark.aliases):
            self._by_spelling[benchmark.suite, spelling, benchmark.metric] = benchmark

    def take_new(self) -> tuple[Benchmark, ...]:
        """The benchmarks described since the last call."""
        new, self._new = tuple(self._new), []
        return new

    def figure(self, record: Record) -> Figure | Refusal:
        """The figure that a record is, or why it is none."""
        measured = self._measured(record)
        if isinstance(measured, RefusalReason):
            return _refused(measured, record)
        metric, value, error = measured
        benchmark = self._benchmark(record, metric)
        if benchmark is None:
            reason = RefusalReason.NO_TASK_TYPE if record.task else RefusalReason.UNKNOWN_BENCHMARK
            return _refused(reason, record)
        try:
            return Figure(
                model=self._model(record),
                benchmark=benchmark.name,
                metric=metric.name,
                value=value,
                protocol=record.protocol,
                split=record.split,
                std_error=error,
                n_test=record.n_test,
                source=record.source or self._origin.url,
                as_of=record.as_of or self._origin.as_of,
            )
        except InvalidFigureError:
            return _refused(RefusalReason.OUT_OF_RANGE, record)

    def _measured(self, record: Record) -> tuple[Metric, float, float | None] | RefusalReason:
        """Metric, value and its standard error, on the metric's own scale; or what is wrong with them."""
        metric = metric_spelt(record.metric)
        if metric is None:
            return RefusalReason.UNKNOWN_METRIC
        number = number_of(record.value)
        if number is None:
            return RefusalReason.NO_VALUE
        if not record.model.strip():
            return RefusalReason.NO_MODEL
        factor = self._scales.factor(record, metric, number[0])
        if factor is None:
            return RefusalReason.AMBIGUOUS_SCALE
        error = record.std_error if record.std_error is not None else number[1]
        return metric, round(number[0] * factor, 9), None if error is None else error * factor

    def _model(self, record: Record) -> str:
        owner = record.naming or self._origin.source
        name = self._names.canonical(owner, record.model, is_hub_id=record.is_hub_id)
        return name if len(name) <= LONGEST_MODEL else _shortened(name, LONGEST_MODEL)

    def _benchmark(self, record: Record, metric: Metric) -> Benchmark | None:
        key = (record.suite, record.benchmark, metric.name, record.task, record.task_type)
        if key not in self._found:
            self._found[key] = self._known(record, metric) or self._described(record, metric)
        return self._found[key]

    def _known(self, record: Record, metric: Metric) -> Benchmark | None:
        if record.suite:
            return self._by_spelling.get((record.suite, record.benchmark, metric.name))
        named = self._by_name.get(record.benchmark)
        return named if named is not None and named.metric == metric.name else None

    def _described(self, record: Record, metric: Metric) -> Benchmark | None:
        """A benchmark as the source describes it; None where its task is none of the task types."""
        task_type = record.task_type or task_spelt(record.task)
        if task_type is None or not record.benchmark.strip():
            return None
        name = self._name(record.benchmark, metric)
        known = self._by_name.get(name)
        if known is not None and known.task_type is not task_type:
            name = f"{name}-{task_type}"
            known = self._by_name.get(name)
        if known is not None:
            return known
        stated = as_stated(record.benchmark)
        made = Benchmark(
            name=name,
            task_type=task_type,
            modality=MODALITY_OF[task_type],
            languages=record.languages,
            metric=metric.name,
            suite=self._origin.source,
            dataset=stated if stated in self._datasets else _slug_of(record.benchmark),
            aliases=(record.benchmark[:LONGEST_NAME],),
            source=record.source or self._origin.url,
        )
        self._learn(made)
        self._new.append(made)
        return made

    def _name(self, printed: str, metric: Metric) -> str:
        # Room is left for the task type, which tells two tasks on one data set apart.
        longest = LONGEST_NAME - _LONGEST_TASK - 1
        name = f"{self._origin.source}-{_slug_of(printed)}-{slug(metric.name.replace('_', '-'))}"
        return name if len(name) <= longest else _shortened(name, longest)


def _slug_of(printed: str) -> str:
    """A slug that tells names in other scripts apart too."""
    made = slug(printed)
    if made and printed.isascii():
        return made
    return f"{made}-{_digest(printed)}".strip("-")


def _shortened(name: str, longest: int) -> str:
    return f"{name[: longest - _DIGITS - 1]}-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _refused(reason: RefusalReason, record: Record) -> Refusal:
    row = f"{record.model}, {record.benchmark}, {record.task}, {record.metric}, {record.value}"
    return Refusal(reason=reason, row=row)
