"""VTAB: sixteen ways of pretraining a ResNet-50 on nineteen tasks, 1,000 examples and all."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import raw_rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_N_TASK_COLUMNS = 38
_LEAST = {"Caltech101": 1.0 / 102}
"""A full run that ends under chance here has collapsed: the paper's own mean leaves no room for it."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; the file has two header rows (train size, data set) before the rows of methods."""
    sizes, tasks, _, *methods = list(raw_rows(folder / "vtab" / "results.csv"))
    for method in methods:
        columns = zip(sizes[1:], tasks[1:], method[1:], strict=True)
        for size, task, cell in list(columns)[:_N_TASK_COLUMNS]:
            yield _cell(method[0], task, size, cell, _LEAST)


def _cell(model: str, task: str, size: str, cell: str, least: Mapping[str, float]) -> Reading | Refusal:
    value = float(cell) / 100.0
    if value < least.get(task, 0.0):
        return Refusal(reason=RefusalReason.SUSPECT, row=f"{model}, {task}, {size}, {cell}")
    return Reading(
        model=f"{model.replace('%', '')}-ResNet50",
        suite="vtab",
        benchmark=f"{task}/{size}",
        value=min(value, 1.0),
        protocol=Protocol.FEW_SHOT_TUNED if size == "1000" else Protocol.FINE_TUNED,
        source="vtab",
    )
