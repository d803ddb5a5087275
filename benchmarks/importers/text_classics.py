"""XLNet's text classification table: test error rates of BERT-Large and XLNet-Large."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; the table prints error rates, the figures are accuracies."""
    for row in rows(folder / "readme_xlnet" / "02_results_on_text_classification.csv"):
        for task, cell in row.items():
            error = percent(cell) if task != "Model" else None
            if error is not None:
                yield Reading(
                    model=row["Model"],
                    suite="text-classics",
                    benchmark=task,
                    value=1.0 - error,
                    source="xlnet",
                )
            elif task != "Model":
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{row['Model']}, {task}")
