"""What trials said of the validation part, kept in their folders until the run ends.

Notation:
    n, U, K   examples, units, outputs a unit
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEAD, TRAINED = "head.npz", "trained.npz"
"""Of a head on frozen features, and of whatever was trained last."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KeptOutputs:
    """Outputs on the validation part.

    Attributes:
        outputs: Shape (U, K), float32.
        counts: Units of each example, shape (n,).
    """

    outputs: NDArray[np.float32]
    counts: NDArray[np.int64]


def keep_outputs(path: Path, outputs: NDArray[np.floating], counts: NDArray[np.int64]) -> None:
    """Written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}")
    with scratch.open("wb") as file:
        np.savez(file, outputs=outputs.astype(np.float32), counts=counts)
    scratch.replace(path)


def read_outputs(path: Path) -> KeptOutputs:
    """What was kept.

    Raises:
        FileNotFoundError: Nothing was.
    """
    with np.load(path, allow_pickle=False) as found:
        return KeptOutputs(outputs=found["outputs"], counts=found["counts"])
