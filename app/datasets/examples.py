"""Labelled examples in memory, and the file that they are kept in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from app.tasks.base import CheckedRow
from app.tasks.targets import Target, encode

FILE_NAME = "examples.parquet"
ROWS_PER_GROUP = 16_384
MOST_COMPARED = 20
"""Groups up to which they are kinds (of people, regions, devices) that models are compared on; more of them
are authors, documents or patients, which must not be on both sides of a split."""
_TARGET = b"target"
_SCHEMA = pa.schema(
    [("text", pa.string()), ("text_pair", pa.string()), ("label", pa.string()), ("group", pa.string())]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Labelled texts.

    Attributes:
        texts: n texts as they were sent.
        labels: Index into `label_names`, shape (n,); where targets are no classes, the stratum of each
            example, by which samples and splits are drawn.
        label_names: Class names, sorted; of other targets what their places stand for.
        groups: Group number from 0, shape (n,), of examples that must stay together; None where the data
            names none, or so few that they are compared instead.
        pairs: n second texts; None where examples are of one text.
        values: Targets as `app.tasks.targets` has them, shape (n, ...); None where they are the labels.
        compared: Number of the group that scores are told by, shape (n,); None where none are.
        compared_names: What these numbers stand for.
    """

    texts: list[str]
    labels: NDArray[np.int64]
    label_names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    pairs: list[str] | None = None
    values: NDArray[Any] | None = None
    compared: NDArray[np.int64] | None = None
    compared_names: tuple[str, ...] = ()

    @property
    def targets(self) -> NDArray[Any]:
        """What is predicted of each example, shape (n, ...)."""
        return self.labels if self.values is None else self.values

    @property
    def mean_units(self) -> float:
        """Units of an example on average: words where each has a target, else one."""
        if self.values is None or self.values.dtype != object or not len(self.values):
            return 1.0
        return max(float(np.mean([len(units) for units in self.values])), 1.0)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: NDArray[np.int64]) -> "Examples":
        """The examples at these places, in this order; all label names stay."""
        return Examples(
            texts=[self.texts[i] for i in indices],
            labels=self.labels[indices],
            label_names=self.label_names,
            groups=None if self.groups is None else self.groups[indices],
            pairs=None if self.pairs is None else [self.pairs[i] for i in indices],
            values=None if self.values is None else self.values[indices],
            compared=None if self.compared is None else self.compared[indices],
            compared_names=self.compared_names,
        )


def make_examples(
    texts: Sequence[str], labels: Sequence[str], groups: Sequence[str] | None = None
) -> Examples:
    """Examples of these texts and class names."""
    names, codes = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
    numbers = None if groups is None else np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]
    return Examples(
        texts=list(texts),
        labels=codes.astype(np.int64),
        label_names=tuple(str(name) for name in names),
        groups=None if numbers is None else numbers.astype(np.int64),
    )


class ExampleWriter:
    """Writes checked rows to a Parquet file, a row group at a time; a context manager."""

    def __init__(self, path: Path, target: Target = Target.CLASS) -> None:
        schema = _SCHEMA.with_metadata({_TARGET: target.value.encode()})
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[CheckedRow] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, row: CheckedRow) -> None:
        """Keep this row."""
        self._rows.append(row)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            columns = {name: [getattr(row, name) for row in self._rows] for name in _SCHEMA.names}
            self._writer.write_table(pa.table(columns, schema=self._writer.schema))
            self._rows.clear()


def load_examples(folder: Path) -> Examples:
    """The examples of a stored data set, in the order in which they were sent.

    Raises:
        FileNotFoundError: The folder holds none.
    """
    table = pq.read_table(folder / FILE_NAME)
    kind = Target((table.schema.metadata or {}).get(_TARGET, b"class").decode())
    targets = None if kind is Target.CLASS else encode(kind, table.column("label").to_pylist())
    names, labels = (targets.names, targets.strata) if targets else _encoded(table.column("label"))
    has_groups, has_pairs = (
        table.num_rows > 0 and table.column(name).null_count < table.num_rows
        for name in ("group", "text_pair")
    )
    group_names, groups = _encoded(table.column("group")) if has_groups else ((), None)
    are_compared = len(group_names) <= MOST_COMPARED
    apart = None if are_compared else groups
    if apart is None and kind is Target.SPAN and has_pairs:
        # Measured on passages it has learnt from, a model would look better than it is.
        apart = _encoded(table.column("text_pair"))[1]
    return Examples(
        texts=table.column("text").to_pylist(),
        labels=labels,
        label_names=names,
        groups=apart,
        compared=groups if are_compared else None,
        compared_names=group_names if are_compared else (),
        pairs=table.column("text_pair").to_pylist() if has_pairs else None,
        values=None if targets is None else targets.values,
    )


def load_rows(folder: Path, rows: Collection[int]) -> dict[int, tuple[str, str | None]]:
    """The texts of some rows of a stored data set, by row; no more of the file is read than holds them.

    Raises:
        FileNotFoundError: The folder holds none.
    """
    file = pq.ParquetFile(folder / FILE_NAME)
    found: dict[int, tuple[str, str | None]] = {}
    begin = 0
    for number in range(file.num_row_groups):
        end = begin + file.metadata.row_group(number).num_rows
        wanted = [row for row in rows if begin <= row < end]
        if wanted:
            table = file.read_row_group(number, columns=["text", "text_pair"]).take(
                [row - begin for row in wanted]
            )
            values = zip(table.column("text").to_pylist(), table.column("text_pair").to_pylist(), strict=True)
            found |= dict(zip(wanted, values, strict=True))
        begin = end
    return found


def _encoded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The sorted distinct values and each row's place among them."""
    encoded = column.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return tuple(names[i] for i in order), rank[np.asarray(encoded.indices)]
