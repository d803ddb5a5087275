"""Recorded rows in compressed files that ship with the project: read, and added to."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RECORDED = Path(__file__).parent / "recorded"
Row = TypeVar("Row", bound="DataclassInstance")


def read_parquet(path: Path, kind: type[Row]) -> list[Row]:
    """All rows of a file; none where there is none."""
    return [kind(**row) for row in pq.read_table(path).to_pylist()] if path.exists() else []


def add_to_parquet(
    path: Path, rows: Iterable[Row], kind: type[Row], place: Callable[[Row], tuple[Any, ...]]
) -> int:
    """These rows and those of the file are in it, sorted, the newer one where both have it.

    Args:
        path: Of the file.
        rows: To be added.
        kind: Of them.
        place: What tells a row from all others.

    Returns:
        How many there are now.
    """
    known = {place(row): row for row in [*read_parquet(path, kind), *rows]}
    ordered = [asdict(known[key]) for key in sorted(known)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(ordered), path, compression="zstd", compression_level=19)
    return len(ordered)
