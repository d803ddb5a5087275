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
    sources = read_sources(folder / "sources.csv")
    return ShippedFigures(
        benchmarks=read_benchmarks(folder / "benchmarks.csv"),
        figures=tuple(figure for path in _tables(folder) for figure in read_figures(path, sources)),
        version=shipped_version(folder),
    )


def shipped_version(folder: Path = DATA) -> str:
    """SHA-256 of the shipped bytes, in hexadecimal; a few milliseconds."""
    digest = hashlib.sha256()
    for path in (folder / "benchmarks.csv", folder / "sources.csv", *_tables(folder)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _tables(folder: Path) -> list[Path]:
    return sorted((folder / "figures").glob("*.parquet"))
