"""LAION's CLIP benchmark: linear probes of twelve CLIP models, and zero-shot figures of 34."""

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.open_clip import NAMING
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_AT_CHANCE = frozenset(
    {"vtab/clevr_closest_object_distance", "vtab/diabetic_retinopathy", "vtab/dmlab", "vtab/pcam"}
    | {"vtab/dsprites_label_orientation", "vtab/dsprites_label_x_position"}
    | {"vtab/kitti_closest_vehicle_distance", "vtab/smallnorb_label_azimuth"}
    | {"vtab/smallnorb_label_elevation"}
)
"""Without training, the median model does not beat a guess or the share of the largest class here."""
_AVERAGES = frozenset({"imagenet_robustness", "vtab", "vtab+"})
_PER_CLASS = frozenset({"vtab/caltech101", "fgvc_aircraft", "vtab/flowers", "vtab/pets"})
_RECALLS = {"image_retrieval_recall@5": "image", "text_retrieval_recall@5": "text"}
_ALL_EXAMPLES = -1


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings: the best learning rate and number of epochs of each probe, then zero-shot figures."""
    best: dict[tuple[str, str], float] = {}
    text = (folder / "clip_benchmark" / "scaling_experiment_data2.json").read_text(encoding="utf-8")
    for run in json.loads(text):
        shots = "full" if run["fewshot_k"] == _ALL_EXAMPLES else str(run["fewshot_k"])
        key = (run["model_short"], f"{run['dataset']}/{shots}")
        best[key] = max(run["lp_acc1"], best.get(key, 0.0))
    for (model, task), value in best.items():
        yield _reading(model, "clip-probe", task, "accuracy", value, Protocol.LINEAR_PROBE, "clip-probe")
    yield from _zero_shot(folder / "clip_benchmark")


def _zero_shot(folder: Path) -> Iterator[Reading | Refusal]:
    for name, column in (("benchmark.csv", "dataset"), ("openclip_results.csv", "downstream_dataset")):
        for row in rows(folder / name):
            model, task = row["model_fullname"], row[column]
            if task in _AT_CHANCE or task in _AVERAGES:
                reason = RefusalReason.SUSPECT if task in _AT_CHANCE else RefusalReason.NOT_COMPARABLE
                yield Refusal(reason=reason, row=f"{model}, {task}")
            elif row["task"] == "zeroshot_retrieval":
                for recall, way in _RECALLS.items():
                    value = float(row[recall])
                    yield _reading(model, "clip-retrieval", f"{task}/{way}", "recall@5", value)
            elif not row["acc1"]:
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}")
            else:
                metric = "balanced_accuracy" if task in _PER_CLASS else "accuracy"
                measured = "mean_per_class_recall" if task in _PER_CLASS else "acc1"
                yield _reading(model, "clip-zero-shot", task, metric, float(row[measured]))


def _reading(
    model: str,
    suite: str,
    task: str,
    metric: str,
    value: float,
    protocol: Protocol = Protocol.ZERO_SHOT,
    source: str = "clip-benchmark",
) -> Reading:
    return Reading(
        model=model.replace(" ", "|", 1),
        naming=NAMING,
        suite=suite,
        benchmark=task,
        metric=metric,
        value=value,
        protocol=protocol,
        source=source,
    )
