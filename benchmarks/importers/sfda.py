"""SFDA: ImageNet CNNs and self-supervised ResNet-50s, fully fine-tuned on eleven image sets."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_GROUPS = {"finetune_acc_group1.csv": "sfda-supervised", "finetune_acc_group2.csv": "sfda-self-supervised"}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; VOC2007 is left out, for the source does not say whether it is accuracy or mAP."""
    for name, source in _GROUPS.items():
        for row in rows(folder / "sfda" / name):
            model = row.pop("model")
            for task, cell in row.items():
                if task == "voc2007":
                    yield Refusal(reason=RefusalReason.METRIC_UNSTATED, row=f"{model}, {task}, {cell}")
                    continue
                yield Reading(
                    model=model, suite="sfda", benchmark=task, value=float(cell) / 100.0, source=source
                )
