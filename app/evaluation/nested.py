"""Hyper-parameters that never saw the suite that is reported (nested hold-out), kept in the data folder."""

import hashlib
import inspect
import json
from pathlib import Path

import numpy as np

from app.ranking import columns, prior, scale, traits
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Hyperparameters
from benchmarks.facts import shipped_facts_version
from benchmarks.seed import shipped_version


def learnt_without(suite: str, data_dir: Path) -> Hyperparameters:
    """The hyper-parameters as learnt from all shipped figures but this suite's: read, or learnt and kept.

    Those of levels are the shipped ones; they bear on absolute coverage alone.

    Args:
        suite: Of shipped benchmarks.
        data_dir: Where they are kept, by what they were learnt from and how.
    """
    from app.fitting import prior as fitting  # torch is needed to learn, not to read

    code = [inspect.getsource(module) for module in (fitting, prior, columns, traits, scale)]
    learnt_from = [suite, shipped_version(), shipped_facts_version(), *code]
    digest = hashlib.sha256("\0".join(learnt_from).encode()).hexdigest()[:16]
    path = data_dir / "backtest" / f"without-{suite}-{digest}.json"
    if not path.exists():
        table = fitting.shipped_table({suite})
        hyper, _correlation = fitting.learn_hyperparameters(table, fitting.starting_point())
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
        levels=load_hyperparameters().levels,
        version=str(raw["version"]),
    )
