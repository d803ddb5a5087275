"""torchvision: figures and sizes that its weights carry, read from the wheel's source without running it."""

import ast
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_MODELS = re.compile(r"torchvision/models/(?!quantization/)[\w/]+\.py")
_CLASS = "_Weights"
_LINEAR = "SWAG_LINEAR"
"""These weights keep the backbone of their corpus and train a linear classifier on ImageNet."""
_TEST_SETS: Mapping[tuple[str, str], tuple[str, str, str, Protocol]] = {
    ("ImageNet-1K", "acc@1"): ("imagenet", "imagenet-1k", "accuracy", Protocol.PRETRAINED),
    ("Kinetics-400", "acc@1"): ("kinetics", "kinetics-400", "accuracy", Protocol.FINE_TUNED),
    ("COCO-val2017", "box_map"): ("coco", "box AP", "map", Protocol.FINE_TUNED),
    ("COCO-val2017", "mask_map"): ("coco", "mask AP", "map", Protocol.FINE_TUNED),
    ("COCO-val2017-VOC-labels", "miou"): ("coco", "coco-voc-labels", "mean_iou", Protocol.FINE_TUNED),
}
"""Suite, benchmark, metric and protocol by torchvision's data set and metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchvisionWeights:
    """One set of weights: `resnet50.IMAGENET1K_V1`, its parameters, and metrics by data set in percent."""

    name: str
    n_parameters: int | None
    metrics: Mapping[str, Mapping[str, float]]


def read(wheel: Path) -> Iterator[Reading | Refusal]:
    """Readings of the metrics that there is a task type for."""
    for weights in weights_in(wheel):
        for dataset, metrics in weights.metrics.items():
            for metric, value in metrics.items():
                yield _reading(weights.name, dataset, metric, value)


def _reading(model: str, dataset: str, metric: str, value: float) -> Reading | Refusal:
    known = _TEST_SETS.get((dataset, metric))
    if known is None:
        return Refusal(reason=RefusalReason.NO_TASK_TYPE, row=f"{model}, {dataset}, {metric}, {value}")
    suite, benchmark, name, protocol = known
    return Reading(
        model=model,
        suite=suite,
        benchmark=benchmark,
        metric=name,
        value=value / 100.0,
        protocol=Protocol.LINEAR_PROBE if _LINEAR in model else protocol,
        split="validation",
        source="torchvision",
    )


def weights_in(wheel: Path) -> Iterator[TorchvisionWeights]:
    """All weights of the wheel's models, by file and name."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(filter(_MODELS.fullmatch, archive.namelist())):
            for node in ast.parse(archive.read(name)).body:
                if isinstance(node, ast.ClassDef) and node.name.endswith(_CLASS):
                    yield from _of_class(node)


def _of_class(node: ast.ClassDef) -> Iterator[TorchvisionWeights]:
    model = node.name.removesuffix(_CLASS).lower()
    for member in node.body:
        match member:
            case ast.Assign(targets=[ast.Name(id=version)], value=ast.Call(keywords=keywords)):
                meta = next((k.value for k in keywords if k.arg == "meta"), None)
                if isinstance(meta, ast.Dict):
                    yield _of_meta(f"{model}.{version}", meta)


def _of_meta(name: str, meta: ast.Dict) -> TorchvisionWeights:
    found = {
        key.value: value
        for key, value in zip(meta.keys, meta.values, strict=True)
        if isinstance(key, ast.Constant)
    }
    try:
        metrics = ast.literal_eval(found["_metrics"])
    except (KeyError, ValueError):  # the figures of optical flow are computed, not written down
        metrics = {}
    size = found.get("num_params")
    return TorchvisionWeights(
        name=name, n_parameters=None if size is None else ast.literal_eval(size), metrics=metrics
    )
