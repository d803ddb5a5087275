"""OpenCLIP: zero-shot classification and retrieval of pretrained image-text models."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

NAMING = "open-clip"
"""Whose model names these are: `architecture|pretraining tag`, as the library spells them."""
_METRICS = {
    "Caltech-101": "balanced_accuracy",
    "FGVC Aircraft": "balanced_accuracy",
    "Oxford Flowers-102": "balanced_accuracy",
    "Oxford-IIIT Pet": "balanced_accuracy",
    "iWildCam": "f1_macro",
    "Dollar Street": "top5_accuracy",  # of the poorest quarter of households
}
"""Where the evaluation's own metric is not accuracy (DataComp, appendix N)."""
AT_CHANCE = frozenset({"CLEVR Distance", "KITTI Vehicle Distance"})
"""Half of the models score no more than the largest class or a guess would."""
_AVERAGES = re.compile(r"^Average| avg$|^(Flickr|MSCOCO|WinoGAViL)$")
_NOT_SCORES = frozenset({"name", "pretrained", "params (M)", "FLOPs (B)", "model", "version", "avg"})
_RETRIEVAL = re.compile(r"(?P<set>Flickr|MSCOCO) (?P<way>image|text) retr\. R@(?P<k>\d+)")
_MULTILINGUAL = re.compile(r"(?P<set>\w+) (?P<way>image|text)_retrieval_recall@(?P<k>\d+) (?P<language>\w+)")


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of classification, English retrieval and retrieval in 36 languages."""
    for name in ("results", "retrieval_results", "multilingual_retrieval_results"):
        yield from table(folder / "open_clip" / f"openclip_{name}.csv")


def table(path: Path) -> Iterator[Reading | Refusal]:
    """Readings of one of the library's tables of results, told apart by their columns."""
    for row in rows(path):
        model = f"{row['name']}|{row['pretrained']}" if "name" in row else f"{row['model']}|{row['version']}"
        for column, cell in _scores(row):
            if "retrieval" in column or " retr. " in column or column.startswith("WinoGAViL"):
                yield _retrieved(model, column, cell)
            else:
                yield _classified(model, column, cell)


def _scores(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column, cell in row.items():
        if column not in _NOT_SCORES and not _AVERAGES.search(column):
            yield column, cell


def _classified(model: str, task: str, cell: str) -> Reading | Refusal:
    """One cell of zero-shot classification."""
    if task in AT_CHANCE:
        return Refusal(reason=RefusalReason.SUSPECT, row=f"{model}, {task}: at chance")
    return _reading(model, "clip-zero-shot", task, _METRICS.get(task, "accuracy"), cell, "open-clip")


def _retrieved(model: str, column: str, cell: str) -> Reading | Refusal:
    found = _RETRIEVAL.fullmatch(column) or _MULTILINGUAL.fullmatch(column)
    if found is None:
        return Refusal(reason=RefusalReason.UNKNOWN_METRIC, row=f"{model}, {column}")  # WinoGAViL's Jaccard
    parts = found.groupdict()
    task = f"{parts['set']}/{parts['way']}/{parts['language']}" if "language" in parts else None
    source = "open-clip-retrieval" if task is None else "open-clip-multilingual"
    task = task or f"{parts['set']}/{parts['way']}"
    return _reading(model, "clip-retrieval", task, f"recall_at_{parts['k']}", cell, source)


def _reading(model: str, suite: str, task: str, metric: str, cell: str, source: str) -> Reading | Refusal:
    if not cell:
        return Refusal(reason=RefusalReason.NO_VALUE, row=f"{source}: {model}, {task}")
    return Reading(
        model=model,
        naming=NAMING,
        suite=suite,
        benchmark=task,
        metric=metric,
        value=float(cell),
        protocol=Protocol.ZERO_SHOT,
        source=source,
    )
