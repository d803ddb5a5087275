"""The titles of items, kept beside the examples that were made of them."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FILE_NAME = "titles.parquet"
_SCHEMA = pa.schema([("item", pa.string()), ("title", pa.string())])


def write_titles(folder: Path, titles: Mapping[str, str]) -> None:
    """Keep these in the folder of a data set."""
    table = pa.table({"item": list(titles), "title": list(titles.values())}, schema=_SCHEMA)
    pq.write_table(table, folder / FILE_NAME, compression="zstd")


def read_titles(folder: Path) -> dict[str, str]:
    """Titles by item; none where the data have none."""
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    table = pq.read_table(path, schema=_SCHEMA)
    return dict(zip(table.column("item").to_pylist(), table.column("title").to_pylist(), strict=True))
