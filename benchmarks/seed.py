"""The figures that ship with the service, read once at start."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Benchmark, Figure
from benchmarks.shipped_files import DATA, read_benchmarks, read_figures, read_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFigures:
    """Everything under `benchmarks/data`.

    Attributes:
        benchmarks: Reviewed benchmarks, by name.
        figures: Published figures, by table and model.
        version: SHA-256 of the shipped bytes, in hexadecimal.
    """

    benchmarks: tuple[Benchmark, ...]
    figures: tuple[Figure, ...]
    version: str


def load_shipped(folder: Path = DATA) -> ShippedFigures:
    """Read the shipped benchmarks and figures.

    Raises:
        MalformedTableError: A table was damaged.
    """
    tables = sorted((folder / "figures").glob("*.csv"))
    sources = read_sources(folder / "sources.csv")
    digest = hashlib.sha256()
    for path in (folder / "benchmarks.csv", folder / "sources.csv", *tables):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return ShippedFigures(
        benchmarks=read_benchmarks(folder / "benchmarks.csv"),
        figures=tuple(figure for path in tables for figure in read_figures(path, sources)),
        version=digest.hexdigest(),
    )
