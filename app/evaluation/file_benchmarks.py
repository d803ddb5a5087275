"""Benchmarks of a figures file: those that ship, whatever they are called, and new ones as described."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.evaluation.figure_rows import FigureRow
from app.evaluation.metadata import Cells, member, text, whole, words
from app.ranking.columns import Column, is_target
from app.task_profile import TaskWords, UnreadableTaskError, read_task
from app.task_profile.defaults import default_domain
from benchmarks.external.spelling import slug, task_spelt
from benchmarks.figures import Benchmark, Figure, Protocol
from benchmarks.training_sets import as_stated
from models_registry.vocabulary import MODALITY_OF, Domain, Modality, TaskType

EQUAL = 6e-5
"""Values this near are one measurement, printed in percent with two decimals or in full."""
MOST_EQUAL = 0.6
"""Share of equal values from which two columns are one."""
LEAST_EQUAL = 3
"""Distinct equal values that are no accident."""
SHORTEST = 4
"""Letters that tell a data set when they are only a part of a longer name."""

N_TRAIN = ("n_train", "n_examples", "training_size")
"""Columns of metadata that say how many examples a benchmark trains on."""

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """The figures of a file on one benchmark, of one metric.

    Attributes:
        printed: Name of the benchmark in the file.
        metric: Canonical name.
        protocol: None where the file does not say.
        values: Value of each model, by canonical name.
    """

    printed: str
    metric: str
    protocol: Protocol | None
    values: Values


def file_columns(rows: Iterable[FigureRow], names: Mapping[str, str]) -> list[FileColumn]:
    """The columns of a file, in the order of their first figures."""
    found: dict[tuple[str, str, Protocol | None], dict[str, float]] = {}
    for row in rows:
        found.setdefault((row.benchmark, row.metric, row.protocol), {})[names[row.model]] = row.value
    return [
        FileColumn(printed=printed, metric=metric, protocol=protocol, values=values)
        for (printed, metric, protocol), values in found.items()
    ]


def are_equal(first: Values, second: Values) -> bool:
    """Whether two columns hold the same measurements, by the models that they share."""
    shared = [(v, second[m]) for m, v in first.items() if m in second]
    equal = {round(a, 4) for a, b in shared if abs(a - b) <= EQUAL}
    n_equal = sum(abs(a - b) <= EQUAL for a, b in shared)
    return len(equal) >= LEAST_EQUAL and n_equal >= MOST_EQUAL * len(shared)


class ShippedColumns:
    """Finds shipped benchmarks by their measurements and by their names."""

    def __init__(self, figures: Sequence[Figure], benchmarks: Mapping[str, Benchmark]) -> None:
        self.benchmarks = benchmarks
        self.values: defaultdict[tuple[str, Protocol, str], dict[str, float]] = defaultdict(dict)
        self.kinds: defaultdict[str, Counter[Modality]] = defaultdict(Counter)
        for f in figures:
            self.values[f.benchmark, f.protocol, f.metric][f.model] = f.value
            self.kinds[f.model][benchmarks[f.benchmark].modality] += 1
        self.datasets: defaultdict[str, set[str]] = defaultdict(set)
        self.subsets: defaultdict[str, set[str]] = defaultdict(set)
        for b in benchmarks.values():
            short = Column.of(b, Protocol.FINE_TUNED, b.metric).short_name
            for spelling in (b.name, *b.aliases, b.dataset, short):
                self.datasets[letters(spelling)].add(b.dataset)
                if "/" in spelling:
                    self.subsets[letters(spelling.rpartition("/")[0])].add(b.dataset)

    def measured(self, column: FileColumn) -> tuple[Benchmark, Protocol] | None:
        """The shipped benchmark that a column repeats, with its protocol, whatever its metric is called."""
        equal = [key for key, values in self.values.items() if are_equal(column.values, values)]
        if not equal:
            return None
        name, protocol, _ = max(equal, key=lambda key: key[2] == column.metric)
        return self.benchmarks[name], protocol

    def named(self, printed: str, modality: Modality | None) -> frozenset[str]:
        """Data sets that a whole name may mean."""
        found = self.datasets.get(letters(printed), set()) | self.datasets.get(
            letters(as_stated(printed)), set()
        )
        return frozenset(d for d in found if self._has(d, modality))

    def related(self, printed: str) -> frozenset[str]:
        """Data sets that a part of a name means (`glue/sst2`, `CIFAR-100 (test)`)."""
        words = [word for word in re.split(r"[^a-z0-9]+", printed.lower()) if word]
        spans = [words[i:] for i in range(1, len(words))] + [words[:i] for i in range(1, len(words))]
        parts = {"".join(span) for span in spans}
        meant = {d for span in parts if len(span) >= SHORTEST for d in self.datasets.get(span, ())}
        return frozenset(meant | self.subsets.get(letters(printed), set()))

    def _has(self, dataset: str, modality: Modality | None) -> bool:
        return modality is None or any(
            b.dataset == dataset and b.modality is modality for b in self.benchmarks.values()
        )

    def on(self, datasets: frozenset[str], column: FileColumn) -> Benchmark | None:
        """The shipped benchmark on one of these data sets that is most like a column: metric, then models."""
        shared = {
            name: len(column.values.keys() & values.keys())
            for (name, _, _), values in self.values.items()
            if self.benchmarks[name].dataset in datasets
        }
        return max(
            (b for b in self.benchmarks.values() if b.dataset in datasets),
            key=lambda b: (b.metric == column.metric, shared.get(b.name, 0), b.name),
            default=None,
        )

    def largest(self, datasets: frozenset[str]) -> int | None:
        """Examples of the largest training set that a benchmark on these data sets uses."""
        sizes = [b.n_train for b in self.benchmarks.values() if b.dataset in datasets and b.n_train]
        return max(sizes, default=None)

    def measures(self, task_type: TaskType, metric: str) -> bool:
        """Whether any benchmark of this task type has this metric."""
        return any(b.task_type is task_type and b.metric == metric for b in self.benchmarks.values())

    def modality_of(self, models: Iterable[str]) -> Modality | None:
        """The kind of input that most of these models were measured on; None where none is known."""
        counts = Counter(self.kinds[m].most_common(1)[0][0] for m in models if m in self.kinds)
        return counts.most_common(1)[0][0] if counts else None

    def usual_type(self, metric: str, modality: Modality | None) -> TaskType:
        """What is mostly asked for where this is the metric."""
        targets = Counter(
            self.benchmarks[name].task_type
            for name, protocol, m in self.values
            if m == metric
            and modality in {None, self.benchmarks[name].modality}
            and is_target(Column.of(self.benchmarks[name], protocol, m))
        )
        if targets:
            return targets.most_common(1)[0][0]
        return next((t for t in TaskType if MODALITY_OF[t] is modality), TaskType.TEXT_CLASSIFICATION)


def letters(name: str) -> str:
    """Lower-case letters and digits of a name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def described(
    column: FileColumn, cells: Cells, shipped: ShippedColumns, suite: str, like: Benchmark | None = None
) -> Benchmark:
    """A benchmark of a file that is no shipped one: what its metadata, its data set or its name tell.

    Args:
        column: Its figures.
        cells: Its row of the benchmarks file; empty without one.
        shipped: What is known.
        suite: Of benchmarks that name none.
        like: The shipped benchmark with the same measurements, where there is one.
    """
    modality = member(Modality, cells, "modality") or shipped.modality_of(column.values)
    datasets = shipped.named(text(cells, "dataset") or column.printed, modality)
    known = like or shipped.on(datasets, column)
    base = known or _read(column, text(cells, "description"), modality, shipped)
    stated = member(TaskType, cells, "task_type", "type", "task")
    task_type = stated or task_spelt(text(cells, "task_type", "task")) or _trained(base.task_type, column)
    modality = MODALITY_OF[task_type]
    return replace(
        base,
        name=f"{suite}-{slug(column.printed) or letters(column.printed)}-{slug(column.metric)}",
        task_type=task_type,
        modality=modality,
        languages=()
        if modality is Modality.IMAGE
        else words(cells, "languages", "language") or base.languages,
        domain=member(Domain, cells, "domain") or base.domain,
        metric=column.metric,
        n_classes=whole(cells, "n_classes", "classes") or base.n_classes,
        n_train=whole(cells, *N_TRAIN) or shipped.largest(datasets) or base.n_train,
        suite=text(cells, "suite") or suite,
        dataset=base.dataset if known else slug(text(cells, "dataset") or column.printed),
        aliases=(column.printed,),
        source="",
    )


def _trained(task_type: TaskType, column: FileColumn) -> TaskType:
    """What images are classified by without training is learnt where models are trained."""
    is_untrained = column.protocol in {Protocol.ZERO_SHOT, Protocol.PRETRAINED}
    zero_shot = task_type is TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION and not is_untrained
    return TaskType.IMAGE_CLASSIFICATION if zero_shot else task_type


def _read(
    column: FileColumn, description: str, modality: Modality | None, shipped: ShippedColumns
) -> Benchmark:
    """What a description or a name tells of a benchmark that nobody knows."""
    name = re.sub(r"[^\w]+|_", " ", column.printed)
    usual = shipped.usual_type(column.metric, modality)
    try:
        profile = read_task(TaskWords(description=description or name, modality=modality)).profile
    except UnreadableTaskError:
        profile = read_task(TaskWords(description=description or name, type=usual)).profile
    task_type, domain = profile.task_type, profile.domain
    fits = shipped.measures(task_type, column.metric) and MODALITY_OF[task_type] is MODALITY_OF[usual]
    if not description and not fits:  # one word of a name said too much
        task_type, domain = usual, default_domain(usual)
    is_text = MODALITY_OF[task_type] is Modality.TEXT
    return Benchmark(
        name=column.printed,
        task_type=task_type,
        modality=MODALITY_OF[task_type],
        languages=(_coded(name, shipped) or profile.languages or ("en",)) if is_text else (),
        domain=domain,
        n_classes=profile.n_classes,
        n_train=profile.n_examples,
    )


def _coded(name: str, shipped: ShippedColumns) -> tuple[str, ...]:
    """The language whose code ends a name of several words: `xnli de`."""
    *others, last = name.lower().split() or [""]
    codes = {code for b in shipped.benchmarks.values() for code in b.languages}
    return (last,) if others and last in codes else ()
