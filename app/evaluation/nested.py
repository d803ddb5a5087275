"""Hyper-parameters that never saw the suite that is reported (nested hold-out), kept in the data folder."""

import hashlib
import inspect
import json
from pathlib import Path

import numpy as np

from app.ranking.columns import COMPONENTS
from app.ranking.prior import Hyperparameters
from benchmarks.seed import shipped_version

ROUNDS = 2
"""Searches, each from where the last one ended: the start below is far from anything learnt."""
_START_VARIANCE = 0.05
_START_NOISE = 0.3
_START_TRAITS = 0.1


def neutral_start() -> Hyperparameters:
    """Where a search begins that must not know what was learnt with the suite: all components alike."""
    return Hyperparameters(
        family=np.full(len(COMPONENTS), _START_VARIANCE),
        own=np.full(len(COMPONENTS), _START_VARIANCE),
        noise=_START_NOISE,
        trait_variance=_START_TRAITS,
        version="neutral",
    )


def learnt_without(suite: str, data_dir: Path) -> Hyperparameters:
    """The hyper-parameters as learnt from all shipped figures but this suite's: read, or learnt and kept.

    Args:
        suite: Of shipped benchmarks.
        data_dir: Where they are kept, by what they were learnt from and how.
    """
    from app.fitting import prior as fitting  # torch is needed to learn, not to read

    code = inspect.getsource(fitting) + inspect.getsource(neutral_start) + f"{ROUNDS}"
    digest = hashlib.sha256(f"{suite} {shipped_version()} {code}".encode()).hexdigest()[:16]
    path = data_dir / "backtest" / f"without-{suite}-{digest}.json"
    if not path.exists():
        hyper, table = neutral_start(), fitting.shipped_table({suite})
        for _ in range(ROUNDS):
            hyper, _correlation = fitting.learn_hyperparameters(table, hyper)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        fitting.save(hyper, partial)
        partial.replace(path)
    return read_hyperparameters(path)


def read_hyperparameters(path: Path) -> Hyperparameters:
    """Hyper-parameters as `app.fitting.prior` writes them."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Hyperparameters(
        family=np.array(raw["family"], dtype=np.float64),
        own=np.array(raw["own"], dtype=np.float64),
        noise=float(raw["noise"]),
        trait_variance=float(raw["trait_variance"]),
        version=str(raw["version"]),
    )
