"""EVAR: linear evaluation of audio representations on nine sets."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; the deviations are left out, since the table does not say of what they are."""
    for row in rows(folder / "readme_evar_audio" / "01_7_2_supported_pre_trained_models.csv"):
        model = row.pop("Model")
        for task, cell in row.items():
            value = percent(cell)
            if task == "Average" or value is None:
                if value is None:
                    yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}")
                continue
            yield Reading(
                model=model,
                suite="evar",
                benchmark=task,
                value=value,
                protocol=Protocol.LINEAR_PROBE,
                source="evar",
            )
