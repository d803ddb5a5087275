"""What a partly trained arm says about its final score.

Notation:
    f           share of the training steps done, in (0, 1]
    y_f         score after that share, comparable scale
    g(f)        mean of y_1 - y_f over recorded curves
    s2(f)       variance of y_1 - y_f over recorded curves

Both are interpolated linearly in log f between recorded fractions, and are 0 at f = 1. They are learnt from
recorded fine-tunes by `app.fitting.curves`.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CurveCalibration:
    """Fitted gains of the rest of the training.

    Attributes:
        fractions: Increasing, ending in 1, shape (k,).
        gains: g at these, shape (k,).
        variances: s2 at these, shape (k,).
        version: Identifies the recorded curves.
    """

    fractions: Array
    gains: Array
    variances: Array
    version: str

    def gain(self, fraction: float) -> float:
        """g(f)."""
        return float(np.interp(np.log(fraction), np.log(self.fractions), self.gains))

    def variance(self, fraction: float) -> float:
        """s2(f)."""
        return float(np.interp(np.log(fraction), np.log(self.fractions), self.variances))


@lru_cache(maxsize=1)
def load_curve_calibration() -> CurveCalibration:
    """The calibration that ships with this package."""
    text = resources.files("app.ranking.fitted").joinpath("curves.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    return CurveCalibration(
        fractions=np.array(raw["fractions"], dtype=np.float64),
        gains=np.array(raw["gains"], dtype=np.float64),
        variances=np.array(raw["variances"], dtype=np.float64),
        version=raw["version"],
    )
