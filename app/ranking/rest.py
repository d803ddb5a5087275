"""Models that were passed over, as one competitor: the best of them still has its share of P(best).

Among thousands of models that are nearly as good as the first, each has little chance to be the best, but all
together have most of it. Left out, they would make the first few look surer than the figures allow.
"""

from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray
from scipy.special import log_ndtr

from app.ranking.evidence import N_SAMPLES, EvidenceBase, TargetBelief
from app.ranking.posterior import Contest

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MEAN_STEPS, DEVIATION_STEPS, GRID = 96, 8, 128
"""Resolution of the best score's distribution: far finer than its spread."""
REACH = 6.0
"""Standard deviations beyond which no draw lies."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Rest:
    """Models whose outlook is known, and no more.

    Attributes:
        mean: Of each one's best arm, comparable scale, shape (n,).
        deviation: Bound of `app.ranking.outlook`, shape (n,).
        adaptation: Of that arm, shape (n,).
    """

    mean: Array
    deviation: Array
    adaptation: Index


def contest_with(base: EvidenceBase, held: TargetBelief, arms: Index, rest: Rest | None) -> Contest:
    """Who wins among these arms, shape (n,), and the models passed over.

    Those count as independent, with the bound of their deviation narrowed as far as it proved too wide for
    the models looked at closer, and their mean moved as far as probes have moved those.
    """
    if rest is None:
        return held.contest(arms)
    view, outlook = base.view(held.target), base.outlook(held.target)
    models, adaptation = held.models[arms // 2], arms % 2
    deviation = view.spread * np.sqrt(np.diag(held.prediction.covariance)[arms])
    ratio = float(np.median(deviation / outlook.deviation[models, adaptation]))
    shift = float(np.median(held.belief.mean[arms] - outlook.mean[models, adaptation]))
    noise = base.prior.hyper.noise * view.spread**2
    spread = np.sqrt((np.square(ratio * rest.deviation) + noise) * view.factors[rest.adaptation])
    key = xxhash.xxh3_128_digest(np.stack([rest.mean, spread]).tobytes())
    return held.contest(arms, lambda: best_of(rest.mean + shift, spread, N_SAMPLES, held.seed), key)


def best_of(mean: Array, deviation: Array, n_draws: int, seed: int) -> Array:
    """Draws of the best of n independent scores, shape (n_draws,).

    Args:
        mean: Of each score, shape (n,).
        deviation: Of each, shape (n,).
        n_draws: How many.
        seed: Of the draws.
    """
    cell = _bins(mean, MEAN_STEPS) * DEVIATION_STEPS + _bins(deviation, DEVIATION_STEPS)
    _, cell, counts = np.unique(cell, return_inverse=True, return_counts=True)
    m = np.bincount(cell, weights=mean) / counts  # models that are nearly alike are counted, not repeated
    d = np.bincount(cell, weights=deviation) / counts
    grid = np.linspace(m.max() - REACH * d.max(), m.max() + REACH * d.max(), GRID)
    log_shares = counts @ log_ndtr((grid - m[:, None]) / d[:, None])
    chances = np.random.default_rng(seed).random(n_draws)
    return np.asarray(np.interp(chances, np.exp(log_shares), grid))


def _bins(values: Array, n: int) -> Index:
    """Which of n equal steps each value lies on."""
    low, high = float(values.min()), float(values.max())
    return np.asarray(np.minimum((values - low) * (n / max(high - low, 1e-12)), n - 1), dtype=np.intp)
