"""The fine-tunes that were recorded: one row a score."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import get_type_hints

from app.fitting.recorded_rows import RECORDED, add_to_parquet, read_parquet

VALIDATION, TEST = "validation", "test"
SHIPPED_PATH = RECORDED / "fine_tunes.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTunePoint:
    """A score of an arm on one part of its data.

    Attributes:
        dataset: Folder name of the labelled set.
        model: Id of the model.
        strategy: How it was adapted.
        seed: Of sample and training.
        n_train: Training examples.
        epochs: Passes over them in the whole schedule.
        max_length: Tokens kept of a text.
        learning_rate: Peak.
        step: Optimiser steps done.
        total_steps: Of the arm.
        seconds: In forward and backward passes up to here on `n_threads` threads, as the trial measured it.
        n_threads: Threads of the trial.
        peak_memory_bytes: Largest resident size of the trial up to here.
        part: `validation` or `test`.
        n_examples: Of the part.
        metric_name: Canonical name.
        metric: Value.
        std_error: Of it, over the choice of the part's examples.
        loss: Mean training loss since the last slice; NaN on the test part.
    """

    dataset: str
    model: str
    strategy: str
    seed: int
    n_train: int
    epochs: int
    max_length: int
    learning_rate: float
    step: int
    total_steps: int
    seconds: float
    n_threads: int
    peak_memory_bytes: int
    part: str
    n_examples: int
    metric_name: str
    metric: float
    std_error: float
    loss: float

    @property
    def arm(self) -> tuple[str, str, str, int, int]:
        """What was trained."""
        return self.dataset, self.model, self.strategy, self.seed, self.n_train


COLUMNS = tuple(field.name for field in fields(FineTunePoint))
_TYPES: dict[str, type] = get_type_hints(FineTunePoint)


def read_rows(path: Path) -> list[FineTunePoint]:
    """Rows of a file that is being written; none where there is none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [FineTunePoint(**{n: _TYPES[n](v) for n, v in row.items()}) for row in csv.DictReader(file)]


def append_rows(path: Path, rows: Iterable[FineTunePoint]) -> None:
    """Add rows to a file, with its heading where it is new."""
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def load_fine_tunes(path: Path = SHIPPED_PATH) -> list[FineTunePoint]:
    """The rows that come with the project."""
    return read_parquet(path, FineTunePoint)


def ship_fine_tunes(rows: Iterable[FineTunePoint], path: Path = SHIPPED_PATH) -> int:
    """These rows are among those that come with the project; how many there are."""
    return add_to_parquet(path, rows, FineTunePoint, _place)


def _place(row: FineTunePoint) -> tuple[object, ...]:
    return (*row.arm, row.epochs, row.step, row.part)
