"""One way in which two samples may differ: how much, whether by chance, and whether it matters.

Notation:
    d    size of a difference: how many standard deviations two normal distributions of one width are apart
         that differ as much (Cohen's d)

Statistics of different kinds are brought to d, so that one pair of limits decides on all: between such normal
distributions the area under the ROC curve is Phi(d / sqrt 2), total variation and the distance of Kolmogorov
and Smirnov are 2 Phi(d / 2) - 1. A difference counts if chance does not explain it *and* it is large enough
to matter: of many examples anything is significant.

Source: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", section 2.2 (0.2 small, 0.5
medium).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import ks_2samp, kstwobign

from app.datasets.drift.shares import ShareShift
from app.datasets.drift.two_sample import Separation

ALPHA = 0.01
"""Probability that an aspect is said to differ although nothing has changed; with four aspects below 4 %."""
SLIGHT, MARKED = 0.2, 0.5
"""Of d. Texts of halves of ten public sets: at most 0.18 at 300 examples, 0.12 at 1,000. At 2,000 examples
tweets of two years 0.4, reviews and plots of films 0.8, tweets and short messages 2.9."""
_LARGEST = 1.0 - 1e-12
"""Of a probability, so that what shares nothing differs by a finite d."""


class Size(StrEnum):
    """How large a difference is."""

    NONE = "none"
    SLIGHT = "slight"
    MARKED = "marked"
    UNCLEAR = "unclear"  # too few examples: even a marked one might not be noticed


class Statistic(StrEnum):
    """What a difference is measured by."""

    AUC = "auc"
    TOTAL_VARIATION = "total_variation"
    KOLMOGOROV_SMIRNOV = "kolmogorov_smirnov"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One difference between two samples.

    Attributes:
        statistic: What it is measured by.
        value: Of the statistic.
        by_chance: Its mean if nothing has changed.
        noticed_from: What chance exceeds with probability `ALPHA`.
        p_value: Of no change.
        is_enough: Whether there are examples enough to say that nothing has changed.
        low: Lower end of a 95 % interval; None where there is none.
        high: Upper end.
    """

    statistic: Statistic
    value: float
    by_chance: float
    noticed_from: float
    p_value: float
    is_enough: bool = True
    low: float | None = None
    high: float | None = None

    @property
    def effect(self) -> float:
        """Its d, beyond chance."""
        return self._in_deviations(self.value)

    @property
    def size(self) -> Size:
        """How large the difference is."""
        if self.p_value <= ALPHA and self.effect >= SLIGHT:
            return Size.MARKED if self.effect >= MARKED else Size.SLIGHT
        is_seen = self.is_enough and self._in_deviations(self.noticed_from) <= MARKED
        return Size.NONE if is_seen else Size.UNCLEAR

    def _in_deviations(self, value: float) -> float:
        beyond = min(max(value - self.by_chance, 0.0), _LARGEST)
        if self.statistic is Statistic.AUC:
            return float(np.sqrt(2.0) * ndtri(min(0.5 + beyond, _LARGEST)))
        return float(2.0 * ndtri((1.0 + beyond) / 2.0))


def of_separation(found: Separation, *, is_enough: bool) -> Aspect:
    """What a classifier that tells the samples apart says."""
    return Aspect(
        statistic=Statistic.AUC,
        value=found.auc,
        by_chance=0.5,
        noticed_from=0.5 + float(ndtri(1.0 - ALPHA)) * found.deviation,
        p_value=found.p_value,
        is_enough=is_enough,
        low=found.low,
        high=found.high,
    )


def of_shares(shift: ShareShift) -> Aspect:
    """What the shares of names say."""
    return Aspect(
        statistic=Statistic.TOTAL_VARIATION,
        value=shift.distance,
        by_chance=shift.by_chance,
        noticed_from=shift.noticed_from,
        p_value=shift.p_value,
    )


def of_numbers(earlier: NDArray[np.float64], later: NDArray[np.float64]) -> Aspect:
    """What two samples of numbers say: the test of Kolmogorov and Smirnov; ties make it cautious.

    Args:
        earlier: Shape (m,).
        later: Shape (n,).
    """
    found = ks_2samp(earlier, later, method="asymp")
    scale = float(np.sqrt(1.0 / len(earlier) + 1.0 / len(later)))
    return Aspect(
        statistic=Statistic.KOLMOGOROV_SMIRNOV,
        value=float(found.statistic),
        by_chance=float(kstwobign.mean()) * scale,
        noticed_from=float(kstwobign.isf(ALPHA)) * scale,
        p_value=float(found.pvalue),
    )
