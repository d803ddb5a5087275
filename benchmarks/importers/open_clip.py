"""OpenCLIP: zero-shot classification of pretrained image-text models."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_PER_CLASS = frozenset({"Caltech-101", "FGVC Aircraft", "Oxford Flowers-102", "Oxford-IIIT Pet"})
"""These are measured by mean per-class recall, as their benchmark prescribes."""
_TOP1 = frozenset(
    {"ImageNet 1k", "CIFAR-10", "CIFAR-100", "Describable Textures", "EuroSAT", "Food-101", "GTSRB", "MNIST"}
    | {"PatchCamelyon", "RESISC45", "Rendered SST2", "STL-10", "SUN397", "SVHN", "Stanford Cars"}
    | {"ImageNet v2", "ImageNet Sketch", "ImageNet-R", "Country211"}
)


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the classification sets whose metric is certain."""
    for row in rows(folder / "open_clip" / "openclip_results.csv"):
        for task in sorted(_PER_CLASS | _TOP1):
            model = f"{row['name']}|{row['pretrained']}"
            if not row[task]:
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}")
                continue
            yield Reading(
                model=model,
                suite="clip-zero-shot",
                benchmark=task,
                metric="balanced_accuracy" if task in _PER_CLASS else "accuracy",
                value=float(row[task]),
                protocol=Protocol.ZERO_SHOT,
                source="open-clip",
            )
