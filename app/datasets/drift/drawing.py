"""Some examples of a stored data set, drawn without holding the rest in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from app.datasets.examples import FILE_NAME, ROWS_PER_GROUP
from app.datasets.folding import pair_hash

_COLUMNS = ["text", "text_pair", "label", "group"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Drawn:
    """n examples of a data set, in its order.

    Attributes:
        texts: Of a pair both, with a space between.
        labels: As they are kept.
        hashes: Equal for copies of a text or pair, shape (n,).
        groups: Whose examples they are; None of data without groups.
    """

    texts: list[str]
    labels: list[str]
    hashes: NDArray[np.uint64]
    groups: list[str | None]

    def __len__(self) -> int:
        return len(self.texts)

    def one_a_group(self) -> "Drawn":
        """One example of every group, since those of a group hang together; all where there are none."""
        first = {group: place for place, group in reversed(list(enumerate(self.groups))) if group is not None}
        kept = [i for i, group in enumerate(self.groups) if group is None or first[group] == i]
        return Drawn(
            texts=[self.texts[i] for i in kept],
            labels=[self.labels[i] for i in kept],
            hashes=self.hashes[kept],
            groups=[self.groups[i] for i in kept],
        )


def draw(folder: Path, n: int, *, seed: int) -> Drawn:
    """At most n examples, each as likely as any other.

    Args:
        folder: Of the data set.
        n: Most examples.
        seed: Of the draw.
    """
    with pq.ParquetFile(folder / FILE_NAME) as file:
        n_rows = file.metadata.num_rows
        rows = np.sort(np.random.default_rng(seed).permutation(n_rows)[:n])
        kept = [pair for start, batch in _batches(file) for pair in _taken(batch, rows - start)]
    return Drawn(
        texts=[text if second is None else f"{text} {second}" for text, second, _, _ in kept],
        labels=[label for _, _, label, _ in kept],
        hashes=np.array([pair_hash(text, second) for text, second, _, _ in kept], dtype=np.uint64),
        groups=[group for _, _, _, group in kept],
    )


def labels_of(folder: Path, hashes: NDArray[np.uint64]) -> dict[int, set[str]]:
    """The labels that texts of these hashes carry in a data set; texts that it lacks are left out."""
    wanted = set(hashes.tolist())
    found: dict[int, set[str]] = {}
    with pq.ParquetFile(folder / FILE_NAME) as file:
        for _, batch in _batches(file):
            for text, second, label, _ in batch:
                hashed = pair_hash(text, second)
                if hashed in wanted:
                    found.setdefault(hashed, set()).add(label)
    return found


_Row = tuple[str, str | None, str, str | None]


def _batches(file: pq.ParquetFile) -> Iterator[tuple[int, list[_Row]]]:
    """The rows in parts, each with the number of its first."""
    start = 0
    for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, columns=_COLUMNS):
        yield start, list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        start += batch.num_rows


def _taken(batch: list[_Row], places: NDArray[np.int64]) -> list[_Row]:
    return [batch[place] for place in places if 0 <= place < len(batch)]
