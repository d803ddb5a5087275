"""timm: top-1 accuracy on ImageNet and its shifted test sets of every set of weights it ships."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

TEST_SETS = {
    "results-imagenet": ("imagenet-1k", Protocol.PRETRAINED, 50_000),
    "results-imagenet-real": ("imagenet-real", Protocol.PRETRAINED, 46_837),
    "results-imagenet-a-clean": ("imagenet-a-clean", Protocol.PRETRAINED, 10_000),
    "results-imagenet-r-clean": ("imagenet-r-clean", Protocol.PRETRAINED, 10_000),
    "results-imagenet-a": ("imagenet-a", Protocol.ZERO_SHOT, 7_500),
    "results-imagenet-r": ("imagenet-r", Protocol.ZERO_SHOT, 30_000),
    "results-imagenetv2-matched-frequency": ("imagenet-v2", Protocol.ZERO_SHOT, 10_000),
    "results-sketch": ("imagenet-sketch", Protocol.ZERO_SHOT, 50_889),
}
"""Benchmark, protocol and images by file: the first four are images of the validation set itself."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of every test set."""
    for name in TEST_SETS:
        yield from table(folder / "timm" / f"{name}.csv", name)


def table(path: Path, name: str) -> Iterator[Reading | Refusal]:
    """Readings of one test set; timm's test networks are no models that anyone would choose.

    Args:
        path: The table.
        name: Its key in `TEST_SETS`, which is timm's name of the file.
    """
    benchmark, protocol, n_test = TEST_SETS[name]
    for row in rows(path):
        if row["model"].startswith("test_"):
            yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{row['model']}, {benchmark}")
            continue
        value = float(row["top1"]) / 100.0
        yield Reading(
            model=row["model"] if "." not in row["model"] else f"timm/{row['model']}",
            is_hub_id=True,
            suite="imagenet",
            benchmark=benchmark,
            value=value,
            protocol=protocol,
            split="validation" if protocol is Protocol.PRETRAINED else "test",
            std_error=(value * (1.0 - value) / n_test) ** 0.5,
            n_test=n_test,
            source="timm" if benchmark == "imagenet-1k" else f"timm-{benchmark}",
        )
