"""Detectron2's model zoo: detectors and instance segmenters on COCO."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_TABLES = {
    "01_model_zoo__faster_r_cnn.csv": "faster-rcnn",
    "02_model_zoo__retinanet.csv": "retinanet",
    "04_model_zoo__coco_instance_segmentation_baselines_wit.csv": "mask-rcnn",
}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of box and mask AP; a model here is a backbone with a head and a schedule."""
    for name, head in _TABLES.items():
        for row in rows(folder / "readme_detectron2" / name):
            model = f"{head}-{row['Name']}-{row['lr sched']}"
            for column in ("box AP", "mask AP"):
                value = percent(row.get(column, ""))
                if value is not None:
                    yield Reading(
                        model=model,
                        suite="coco",
                        benchmark=column,
                        metric=column,
                        value=value,
                        split="validation",
                        source="detectron2",
                    )
                elif column in row:
                    yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {column}")
