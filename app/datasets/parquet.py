"""Parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.datasets.errors import DatasetError
from app.datasets.table import HeaderOnlyError, Record, require_distinct, require_few_columns

_UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)
"""The last two: text that is not UTF-8, and times that Python cannot hold."""
BATCH_ROWS = 1_024
"""Rows decoded at a time: a file may unfold to far more than its size."""


class MalformedParquetError(DatasetError):
    """A file that begins like Parquet but cannot be read."""

    def __init__(self) -> None:
        super().__init__(
            "The Parquet file is damaged or cut off.", remedy="Write it again and send the whole file."
        )


class ParquetSource:
    """A Parquet file; satisfies `RecordSource`."""

    unit = "row"
    warnings: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self.columns = tuple(file.schema_arrow.names)
                n_rows = file.metadata.num_rows
        except _UNREADABLE:
            raise MalformedParquetError from None
        require_few_columns(len(self.columns))
        require_distinct(self.columns)
        if n_rows == 0 or not self.columns:
            raise HeaderOnlyError

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """The values of these columns, row by row.

        Raises:
            MalformedParquetError: A page cannot be decoded.
        """
        number = 0
        try:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
                    for row in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
                        number += 1
                        yield number, row
        except _UNREADABLE:
            raise MalformedParquetError from None
