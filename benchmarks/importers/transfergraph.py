"""TransferGraph: 180 image models of the Hub, fine-tuned on twelve sets for thirty epochs."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; failed runs stay, for that a model fails under one common recipe is a fact about it."""
    for row in rows(folder / "transfergraph" / "derived_oracle_matrix.csv"):
        model = row.pop("model")
        for task, cell in row.items():
            if not cell:
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}")
                continue
            yield Reading(
                model=model,
                is_hub_id=True,
                suite="transfergraph",
                benchmark=task,
                value=float(cell),
                source="transfergraph",
            )
