"""Result tables of libraries whose shipped figures have importers: timm, OpenCLIP and EuroEval."""

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.external.record import Record, UnreadableFileError, of_reading
from benchmarks.external.tables import stream
from benchmarks.importers import euroeval, open_clip, timm
from benchmarks.importers.reading import Refusal


def read_timm(path: Path) -> Iterator[Record | Refusal]:
    """Records of `results-imagenet*.csv`, or of all in a folder; the file's name is its test set."""
    paths = sorted(path.glob("results-*.csv")) if path.is_dir() else [path]
    for file in paths:
        if file.stem not in timm.TEST_SETS:
            known = ", ".join(f"{name}.csv" for name in timm.TEST_SETS)
            raise UnreadableFileError(file, f"the name tells the test set: {known}")
        _check(file, "model", "top1")
        yield from map(of_reading, timm.table(file, file.stem))


def read_open_clip(path: Path) -> Iterator[Record | Refusal]:
    """Records of `openclip_results.csv`, of the tables of retrieval, or of all in a folder."""
    for file in sorted(path.glob("openclip_*.csv")) if path.is_dir() else [path]:
        _check(file)
        yield from map(of_reading, open_clip.table(file))


def read_euroeval(path: Path) -> Iterator[Record | Refusal]:
    """Records of a leaderboard, or of all leaderboards of a folder."""
    for file in sorted(path.glob("*_nlu.csv")) if path.is_dir() else [path]:
        with file.open(encoding="utf-8") as lines:
            next(lines, None)
            header = re.sub(r"<[^>]*>", "", next(lines, ""))
        if not header.startswith("Model,Type,") or "_version" not in header:
            raise UnreadableFileError(
                file, "the second row of a leaderboard names Model, Type and the data sets"
            )
        yield from map(of_reading, euroeval.board(file))


def _check(path: Path, *required: str) -> None:
    """The file has these columns; a table of OpenCLIP has one of two pairs.

    Raises:
        UnreadableFileError: It has not.
    """
    first = next(iter(stream(path, required)), None)
    if required or not isinstance(first, dict):
        return
    if not ({"name", "pretrained"} <= first.keys() or {"model", "version"} <= first.keys()):
        raise UnreadableFileError(path, "it needs the columns name and pretrained, or model and version")
