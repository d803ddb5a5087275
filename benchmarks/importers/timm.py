"""timm: top-1 accuracy on the ImageNet validation set of every set of weights it ships."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

N_VALIDATION = 50_000
"""Images in the ImageNet-1k validation set."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; timm's test networks are no models that anyone would choose."""
    for row in rows(folder / "timm" / "results-imagenet.csv"):
        if row["model"].startswith("test_"):
            yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=row["model"])
            continue
        value = float(row["top1"]) / 100.0
        yield Reading(
            model=row["model"] if "." not in row["model"] else f"timm/{row['model']}",
            is_hub_id=True,
            suite="imagenet",
            benchmark="imagenet-1k",
            value=value,
            protocol=Protocol.PRETRAINED,
            split="validation",
            std_error=(value * (1.0 - value) / N_VALIDATION) ** 0.5,
            n_test=N_VALIDATION,
            source="timm",
        )
