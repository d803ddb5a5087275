"""What models showed before any training: one row a score."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.fitting.recorded_rows import RECORDED, add_to_parquet, read_parquet

HEAD, HEAD_ERROR = "head", "head_std_error"
"""Score of the head on the validation part, and its standard error, among the estimators' scores."""
SHIPPED_PATH = RECORDED / "transferability.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferabilityScore:
    """What an estimator said of a model.

    Attributes:
        dataset: Folder name of the labelled set.
        model: Id of the model.
        seed: Of the sample.
        n_train: Training examples of the fine-tune that it foretells.
        n: Training examples seen.
        layer: `last`, `mean` over all, or `best` of them.
        estimator: Its name; `head` is the metric of a linear head on the validation part.
        score: In its own units.
    """

    dataset: str
    model: str
    seed: int
    n_train: int
    n: int
    layer: str
    estimator: str
    score: float


def load_transferability(path: Path = SHIPPED_PATH) -> list[TransferabilityScore]:
    """The scores that come with the project, or those of another file."""
    return read_parquet(path, TransferabilityScore)


def ship_transferability(rows: Iterable[TransferabilityScore], path: Path = SHIPPED_PATH) -> int:
    """These scores are among those of the file; how many there are."""
    return add_to_parquet(path, rows, TransferabilityScore, place)


def place(row: TransferabilityScore) -> tuple[object, ...]:
    """What tells a score from all others: its sample and model, then what was asked of them."""
    return row.dataset, row.model, row.seed, row.n_train, row.n, row.layer, row.estimator
