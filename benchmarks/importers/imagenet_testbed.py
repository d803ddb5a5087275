"""ImageNet testbed: image classifiers on distribution shifts of ImageNet, nothing trained on them."""

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_NO_CHOICE = re.compile(r"identity32_|_lstsq$|_\d+_epochs$")
"""Classifiers on raw pixels, and a hundred checkpoints of three unfinished trainings."""
_UNTRAINED_ON = re.compile(r"_clip_zeroshot$")


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings in percent of every shift; the columns `val` are the validation set itself."""
    for row in rows(folder / "imagenet_testbed" / "robustness_top1s.csv"):
        model = row.pop("model")
        for shift, cell in row.items():
            if _NO_CHOICE.search(model):
                yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{model}, {shift}")
            elif not cell:
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {shift}")
            else:
                own_task = shift.startswith("val") and not _UNTRAINED_ON.search(model)
                yield Reading(
                    model=model,
                    suite="imagenet-testbed",
                    benchmark=shift,
                    value=float(cell) / 100.0,
                    protocol=Protocol.PRETRAINED if own_task else Protocol.ZERO_SHOT,
                    source="imagenet-testbed",
                )
