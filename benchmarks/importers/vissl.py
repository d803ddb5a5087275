"""VISSL's model zoo: self-supervised image encoders with a linear classifier on ImageNet."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_PROTOCOLS = {
    "ImageNet top-1 acc.": Protocol.LINEAR_PROBE,
    "ImageNet top-1 linear acc.": Protocol.LINEAR_PROBE,
    "ImageNet top-1 fine-tuned acc.": Protocol.FINE_TUNED,
    "ImageNet k-NN acc.": None,
}
_SUPERVISED = {"Supervised", "Semi-supervised", "Semi-weakly supervised"}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; supervised rows are the checkpoint's own training task, nearest neighbours train nothing."""
    for path in sorted((folder / "readme_vissl").glob("*.csv")):
        for row in rows(path):
            model = f"{row['Method']} {row['Model']} {row['PreTrain dataset']}"
            for column in _PROTOCOLS.keys() & row.keys():
                yield _cell(row["Method"], row["PreTrain dataset"], model, column, row[column])


def _cell(method: str, corpus: str, model: str, column: str, cell: str) -> Reading | Refusal:
    value, protocol = percent(cell), _PROTOCOLS[column]
    if value is None or protocol is None or (method in _SUPERVISED and not corpus.endswith("ImageNet")):
        return Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{model}, {column}, {cell}")
    return Reading(
        model=model,
        suite="imagenet",
        benchmark="imagenet-1k",
        value=value,
        protocol=Protocol.PRETRAINED if method in _SUPERVISED else protocol,
        split="validation",
        source="vissl",
    )
