"""TransferGraph: image models of the Hub, fine-tuned on VTAB's sets and some more.

Two collections of runs: 180 models for thirty epochs on 70 % of twelve training sets, and 292 models for 25
epochs, mostly on 800 images. They are told apart as benchmarks, since training size, epochs and test images
differ; the data set is the same.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_TASKS = {
    "caltech101": "caltech101",
    "cifar100": "cifar100",
    "clevr_count": "clevr-count",
    "clevr_distance": "clevr-distance",
    "diabetic_retinopathy_detection": "diabetic-retinopathy-detection",
    "dmlab": "dmlab",
    "dsprites_location": "dsprites-location",
    "dsprites_orientation": "dsprites-orientation",
    "dtd": "dtd",
    "eurosat": "eurosat",
    "kitti": "kitti",
    "oxford_flowers102": "flowers",
    "oxford_iiit_pet": "pets",
    "patch_camelyon": "patch-camelyon",
    "resisc45": "resisc45",
    "label_azimuth": "smallnorb-label-azimuth",
    "label_elevation": "smallnorb-label-elevation",
    "sun397": "sun397",
    "svhn_cropped": "svhn",
}
_TESTED_ON = {
    "clevr-count": ("validation", ":100%"),
    "clevr-distance": ("validation", ":100%"),
    "dsprites-location": ("train", "1000:737280"),
    "dsprites-orientation": ("train", "1000:737280"),
    "eurosat": (
        "train",
        ":100%",
    ),  # these two have no test split: 800 of 27,000 and 31,500 are training images
    "resisc45": ("train", ":100%"),
}
"""Where most runs were tested, if not on the whole test split; other runs do not compare."""
_SLICES = {
    ":800": ("800", Protocol.FEW_SHOT_TUNED),
    ":80%": ("full", Protocol.FINE_TUNED),
    ":100%": ("full", Protocol.FINE_TUNED),
}
_LARGEST_FULL = {
    "cifar100": ":80%",
    "dmlab": ":100%",
    "flowers": ":100%",
    "pets": ":80%",
    "smallnorb-label-azimuth": ":80%",
    "smallnorb-label-elevation": ":80%",
}
"""The slice of the larger runs that at least a dozen models share; the others have two to six."""
_AT_CHANCE = "diabetic-retinopathy-detection"
"""Nine in ten of these runs score less than the share of the largest class, 73.6 %."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; failed runs stay, for that a model fails under one common recipe is a fact about it."""
    for row in rows(folder / "transfergraph" / "derived_oracle_matrix.csv"):
        model = row.pop("model")
        for task, cell in row.items():
            if cell:
                yield _reading(model, "transfergraph", task, float(cell), Protocol.FINE_TUNED)
            else:
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}")
    yield from _short_runs(folder / "transfergraph" / "ftrecords_img.csv")


def _short_runs(path: Path) -> Iterator[Reading | Refusal]:
    """The best learning rate of each model, task and training slice."""
    best: dict[tuple[str, str, str], float] = {}
    for row in rows(path):
        task, value = _task(row), float(row["test_accuracy"])
        reason = _refused(task, row, value)
        key = (row["model_identifier"], task, row["train_slice"])
        if reason is None:
            best[key] = max(value, best.get(key, 0.0))
        else:
            yield Refusal(reason=reason, row=f"{', '.join(key)}, {row['test_split']}, {value}")
    for (model, task, train_slice), value in best.items():
        size, protocol = _SLICES[train_slice]
        yield _reading(model, "transfergraph-vtab", f"{task}/{size}", value, protocol, "transfergraph-vtab")


def _task(row: Mapping[str, str]) -> str:
    config = json.loads(row["configs"].replace("'", '"'))
    for name in (config.get("preprocess"), config.get("label_name"), row["train_dataset_name"]):
        if name in _TASKS:
            return _TASKS[name]
    return str(row["train_dataset_name"])


def _refused(task: str, row: Mapping[str, str], value: float) -> RefusalReason | None:
    tested_on = (row["test_split"], row["test_slice"])
    train_slice = row["train_slice"]
    if value == 0.0 or task == _AT_CHANCE:
        return RefusalReason.SUSPECT  # 0 comes of test splits whose labels are withheld
    if tested_on != _TESTED_ON.get(task, ("test", ":100%")) or row["epochs"] != "25":
        return RefusalReason.NOT_COMPARABLE
    if train_slice != ":800" and train_slice != _LARGEST_FULL.get(task):
        return RefusalReason.NOT_COMPARABLE
    return None


def _reading(
    model: str, suite: str, task: str, value: float, protocol: Protocol, source: str = "transfergraph"
) -> Reading:
    return Reading(
        model=model,
        is_hub_id=True,
        suite=suite,
        benchmark=task,
        value=value,
        protocol=protocol,
        source=source,
    )
