"""What a reader yields: a number as the file prints it, with what the file says about it."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import BenchmarkError, Protocol
from benchmarks.importers.reading import Reading, Refusal
from models_registry.vocabulary import TaskType


class UnreadableFileError(BenchmarkError):
    """A file or folder that is not of the stated format.

    Attributes:
        path: What was to be read.
        detail: What is wrong, and what would be right.
    """

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"{path}: {detail}")


@dataclass(slots=True, kw_only=True)
class Record:
    """One printed number.

    Not frozen, since a file may hold millions of them and freezing doubles the cost of making one.

    Attributes:
        model: Name as printed.
        benchmark: Name of the data set, or of the benchmark, as printed.
        metric: Any spelling.
        value: The number as printed; `93.1`, `93.1%`, `0.931 ± 0.004`.
        task: The source's name of the task; empty where only known benchmarks can be meant.
        task_type: Where the reader knows it better than the table of tasks.
        protocol: How the model met the benchmark.
        split: Where it was measured.
        std_error: On the same scale as the value.
        n_test: Examples measured on.
        languages: ISO 639-1 codes.
        is_hub_id: Whether the source names models by their Hub id.
        naming: Whose model names these are, where the shipped aliases know them.
        suite: Suite of the benchmark, where the source reports a known one.
        is_scaled: Whether the value is on the metric's own scale whatever the rest of its column looks like.
        source: Address; the import's own where empty.
        as_of: Date of the measurement; the import's own where None.
    """

    model: str
    benchmark: str
    metric: str
    value: str | float
    task: str = ""
    task_type: TaskType | None = None
    protocol: Protocol = Protocol.FINE_TUNED
    split: str = "test"
    std_error: float | None = None
    n_test: int | None = None
    languages: tuple[str, ...] = ()
    is_hub_id: bool = False
    naming: str = ""
    suite: str = ""
    is_scaled: bool = False
    source: str = ""
    as_of: dt.date | None = None


Read = Callable[[Path], Iterator[Record | Refusal]]


def of_reading(reading: Reading | Refusal) -> Record | Refusal:
    """The record of what an importer of the shipped tables reads."""
    if isinstance(reading, Refusal):
        return reading
    return Record(
        model=reading.model,
        benchmark=reading.benchmark,
        metric=reading.metric,
        value=reading.value,
        protocol=reading.protocol,
        split=reading.split,
        std_error=reading.std_error,
        n_test=reading.n_test,
        is_hub_id=reading.is_hub_id,
        naming=reading.naming,
        suite=reading.suite,
        is_scaled=True,
    )
