"""The Papers with Code archive: `evaluation-tables.json`, also gzipped."""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson

from benchmarks.external.plain import protocol_of
from benchmarks.external.record import Record, UnreadableFileError
from benchmarks.external.tables import open_bytes
from benchmarks.importers.reading import Refusal, RefusalReason

Node = Mapping[str, Any]


def read_papers_with_code(path: Path) -> Iterator[Record | Refusal]:
    """Records of every leaderboard: tasks with subtasks, data sets with parts, one top task at a time."""
    with open_bytes(path) as stream:
        try:
            for task in ijson.items(stream, "item", use_float=True):
                if not isinstance(task, dict) or "task" not in task:
                    raise UnreadableFileError(path, "the archive is an array of tasks")
                yield from _task(task)
        except (ijson.JSONError, EOFError, OSError) as error:
            raise UnreadableFileError(path, str(error)) from None


def _task(task: Node) -> Iterator[Record | Refusal]:
    for dataset in task.get("datasets") or ():
        yield from _dataset(str(task["task"]), dataset, "")
    for subtask in task.get("subtasks") or ():
        yield from _task(subtask)


def _dataset(task: str, dataset: Node, parent: str) -> Iterator[Record | Refusal]:
    name = str(dataset.get("dataset", ""))
    full = f"{parent} {name}" if parent and not name.startswith(parent) else name
    for row in (dataset.get("sota") or {}).get("rows") or ():
        yield from _row(task, full, row)
    for part in dataset.get("subdatasets") or ():
        yield from _dataset(task, part, full)


def _row(task: str, dataset: str, row: Node) -> Iterator[Record | Refusal]:
    model = str(row.get("model_name") or "")
    for metric, value in (row.get("metrics") or {}).items():
        if value in (None, ""):
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {dataset}, {metric}")
            continue
        yield Record(
            model=model,
            benchmark=dataset,
            metric=str(metric),
            value=float(value) if isinstance(value, int | float) else str(value),
            task=task,
            protocol=protocol_of(task),
            source=str(row.get("paper_url") or ""),
            as_of=_day(row.get("paper_date")),
        )


def _day(printed: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(printed)[:10])
    except ValueError:
        return None
