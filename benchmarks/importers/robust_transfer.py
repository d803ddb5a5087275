"""Robust models transfer: four ResNets, all weights or the last layer trained, best over robustness."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal

_PROTOCOLS = {"-1": Protocol.FINE_TUNED, "4": Protocol.LINEAR_PROBE}  # levels frozen


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; the weights are the authors' own, so they keep the source's names."""
    for row in rows(folder / "robust_models_transfer" / "best_params_per_dataset_per_arch.csv"):
        yield Reading(
            model=row["arch"],
            suite="robust-transfer",
            benchmark=row["dataset"],
            metric="nat_prec1",
            value=float(row["nat_prec1"]) / 100.0,
            protocol=_PROTOCOLS[row["freeze_level"]],
            source="robust-transfer",
        )
