"""What was learnt offline and ships with the code."""

import json
from functools import lru_cache
from importlib import resources

import numpy as np

from app.ranking.prior import Hyperparameters


@lru_cache(maxsize=1)
def load_hyperparameters() -> Hyperparameters:
    """The prior's variances, written by `app.fitting.prior`."""
    text = resources.files("app.ranking.fitted").joinpath("prior.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    return Hyperparameters(
        family=np.array(raw["family"], dtype=np.float64),
        own=np.array(raw["own"], dtype=np.float64),
        noise=float(raw["noise"]),
        trait_variance=float(raw["trait_variance"]),
        version=str(raw["version"]),
    )
