"""A joint Gaussian belief over the candidates' final scores.

Notation:
    n           arms
    m           mean on the comparable scale, shape (n,)
    C           covariance of the relative part, shape (n, n)
    v           variance of the level, which all arms share: the full covariance is C + v 1 1'
    H, y, R     observations: y = H f + noise, noise ~ N(0, diag(R)); H has shape (k, n)

The level says how hard the data is; it moves every arm alike and so never changes their order.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import strmm

Array = NDArray[np.float64]

JITTER = 1e-9
"""Added to variances before factorising: below any score's resolution, above rounding."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Belief:
    """A Gaussian belief: mean, relative covariance, and the variance of the shared level.

    Attributes:
        mean: Shape (n,), comparable scale.
        covariance: Of the relative part, shape (n, n).
        level_variance: Of the shared level.
    """

    mean: Array
    covariance: Array
    level_variance: float

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def variance(self) -> Array:
        """Marginal variance of each arm's score, level included, shape (n,)."""
        return np.diag(self.covariance) + self.level_variance

    def subset(self, arms: NDArray[np.intp]) -> "Belief":
        """The belief over these arms only."""
        return Belief(
            mean=self.mean[arms],
            covariance=self.covariance[np.ix_(arms, arms)],
            level_variance=self.level_variance,
        )

    def condition(self, arms: NDArray[np.intp], values: Array, noise: Array) -> "Belief":
        """The belief after observing arms with independent Gaussian noise.

        Args:
            arms: Index of the arm that each observation is about, shape (k,).
            values: Observed, comparable scale, shape (k,).
            noise: Variance of each observation, shape (k,).

        Returns:
            A belief whose level is absorbed: once anything was observed, level and relative part are
            no longer independent, so the level's variance is folded into the covariance.
        """
        if len(arms) == 0:
            return self
        full = self.covariance + self.level_variance
        gain_rows = full[arms]  # (k, n)
        innovation = values - self.mean[arms]
        factor = cho_factor(gain_rows[:, arms] + np.diag(noise + JITTER), lower=True)
        mean = self.mean + gain_rows.T @ cho_solve(factor, innovation)
        covariance = full - gain_rows.T @ cho_solve(factor, gain_rows)
        return Belief(mean=mean, covariance=(covariance + covariance.T) / 2, level_variance=0.0)

    def sample_relative(self, n_samples: int, seed: int) -> Array:
        """Draws of the scores with the level held at its mean, shape (n_samples, n).

        The order of the arms within a draw does not depend on the level, so neither do P(best) and ties.
        """
        root = _square_root(self.covariance).astype(np.float32)
        draws = _draws(n_samples, 1 << (len(self) - 1).bit_length(), seed)[: len(self)]
        # Of a triangular matrix: half the work. The transposes are free, since BLAS counts by columns.
        deviations = strmm(1.0, root.T, draws.T, side=1)
        return np.asarray(self.mean.astype(np.float32) + deviations)


@lru_cache(maxsize=8)
def _draws(n_samples: int, n_arms: int, seed: int) -> NDArray[np.float32]:
    """Standard normal draws of the first arms, shape (n_arms, n_samples).

    Drawing takes longer than all that is made of the draws, and most beliefs are asked about with one seed.
    Single precision resolves far less than what separates two models, and its products take half the time.
    """
    return np.random.default_rng(seed).standard_normal((n_arms, n_samples), dtype=np.float32)


def _square_root(covariance: Array) -> Array:
    """A lower triangular matrix whose product with its transpose is the covariance.

    Cholesky is thirty times faster than the eigenvectors, which serve where rounding, or an arm that is known
    exactly, has left the covariance without a full rank.
    """
    root = covariance.copy()
    np.fill_diagonal(root, np.diag(covariance) + JITTER)
    try:
        return np.asarray(np.linalg.cholesky(root))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T).R.T)
