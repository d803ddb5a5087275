"""What was learnt offline and ships with the code."""

import json
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from app.ranking.levels import LIKENESS, LevelVariances
from app.ranking.prior import Hyperparameters


@lru_cache(maxsize=1)
def load_hyperparameters() -> Hyperparameters:
    """The prior's variances, written by `app.fitting.prior` and `app.fitting.levels`."""
    raw, levels = _document("prior.json"), _document("levels.json")
    return Hyperparameters(
        family=np.array(raw["family"], dtype=np.float64),
        own=np.array(raw["own"], dtype=np.float64),
        noise=float(raw["noise"]),
        trait_variance=float(raw["trait_variance"]),
        levels=LevelVariances(values=np.array([levels[name] for name in LIKENESS], dtype=np.float64)),
        version=f"{raw['version']}-{levels['version']}",
    )


def _document(name: str) -> dict[str, Any]:
    text = resources.files("app.ranking.fitted").joinpath(name).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
