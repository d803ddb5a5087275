"""What a model was trained on before, beside the task and beside the figures that speak for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.ranking.columns import Column
from app.ranking.described import Described
from app.ranking.robustness import Robustness
from benchmarks.external.spelling import task_spelt
from benchmarks.training_sets import data_sets, in_name
from models_registry.entry import ModelEntry
from models_registry.vocabulary import TaskType


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is to be said of one model and one kind of task.

    Attributes:
        same_task: Data sets of the same kind of task that it was fine-tuned on before.
        unknown_task: Data sets of which nothing is known.
        seen: Data sets that it was trained on before it was measured on them, by benchmark.
        robustness: On shifted test sets, where it was measured on any.
    """

    same_task: tuple[str, ...] = ()
    unknown_task: tuple[str, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    robustness: Robustness | None = None


class Backgrounds:
    """Finds the background of any model."""

    def __init__(self, columns: Iterable[Column], robustness: Mapping[str, Robustness]) -> None:
        """Take the columns of the figures, whose data sets have task types, and the robust by name."""
        self._columns = columns
        self._robustness = robustness

    @cached_property
    def _tasks(self) -> Mapping[str, set[TaskType]]:
        """Task types of every data set that models were measured on."""
        found: defaultdict[str, set[TaskType]] = defaultdict(set)
        for column in self._columns:
            found[column.dataset].add(column.task_type)
        return found

    @cached_property
    def _benchmarks(self) -> Mapping[str, tuple[str, ...]]:
        """Benchmarks of every data set."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for column in self._columns:
            found[column.dataset].add(column.benchmark)
        return {dataset: tuple(sorted(benchmarks)) for dataset, benchmarks in found.items()}

    def of(self, entry: ModelEntry, described: Described, task_type: TaskType) -> Background:
        """The background of this model for this kind of task."""
        named = in_name(entry.id.rpartition("/")[2])
        by_dataset: dict[str, str] = {}
        for name in (*entry.fine_tuned_on, *described.fine_tuned_on, *named):
            for dataset in data_sets(name):
                by_dataset.setdefault(dataset, name)  # a part of `glue` is shown as `glue`
        kinds: defaultdict[str, set[TaskType]] = defaultdict(set)
        for dataset, name in by_dataset.items():
            kinds[name] |= self._kinds(dataset, name)
        return Background(
            same_task=tuple(name for name in sorted(kinds) if task_type in kinds[name]),
            unknown_task=tuple(name for name in sorted(kinds) if not kinds[name]),
            seen={b: name for d, name in by_dataset.items() for b in self._benchmarks.get(d, ())},
            robustness=self._robustness.get(entry.derived_from or entry.key),
        )

    def _kinds(self, dataset: str, name: str) -> set[TaskType]:
        """Task types of a data set that models were measured on, or of a task that is named in its place."""
        named = task_spelt(name)
        return self._tasks.get(dataset, set()) | ({named} if named is not None else set())
