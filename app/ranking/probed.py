"""The belief after probes, and what the next probe would be worth.

Notation:
    N           arms of the belief (fine-tune and frozen features of every candidate);  k  observations
    f           final scores, ~ N(m, C), shape (N,)
    H, R        x = H f + noise, noise ~ N(0, R); shapes (k, N), (k, k)
    u           w observations not made yet: rows G, (w, N), noise P, (w, w), its covariance Q with that of x
    L           Cholesky factor of H C H' + R

    Cov(u, f | x)   = G C - (G C H' + Q) (L L')^-1 H C
    Cov(u | x)      = G C G' + P - (G C H' + Q) (L L')^-1 (G C H' + Q)'

What several observations of one candidate would show together counts as one: their best linear prediction of
its fine-tune; of two candidates, that of how far the one is above the other. A single observation leaves
open whether the data are easy or the candidate is good, so that it may be worth next to nothing where two are
worth much.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from app.ranking.allocation import expected_maximum_gain
from app.ranking.belief import JITTER, Belief
from app.ranking.probe_model import AS_RECORDED, HEAD, SLICE, Extent, Group, ProbeModel

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one probe of one candidate showed, or would show.

    Attributes:
        candidate: Its position.
        kind: `slice`, `head`, a strategy that trains a part for a slice of its, or an estimator.
        share: Of the training steps or of the training data behind it.
        value: Comparable scale.
        variance: Sampling error of the value, where it is a score.
    """

    candidate: int
    kind: str
    share: float
    value: float = 0.0
    variance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """Observations that would be made together.

    Attributes:
        observations: Of one candidate; the last one is what they are made for.
        beside: Of the candidate that it is compared with, likewise; none where it is looked at alone.
    """

    observations: tuple[Observation, ...]
    beside: tuple[Observation, ...] = ()

    @property
    def all(self) -> tuple[Observation, ...]:
        """Of both candidates."""
        return (*self.observations, *self.beside)


@dataclass(frozen=True, eq=False)
class Probed:
    """A belief with the observations that bear on it.

    Attributes:
        prior: Over t_0, h_0, ..., t_1, h_1, ..., N arms, with what `strategies` reach behind each h.
        model: What was learnt of probes.
        groups: Of the candidates.
        observations: k of them; of one candidate's slices only the newest.
        extent: Of the run's training data.
        strategies: That train a part.
    """

    prior: Belief
    model: ProbeModel
    groups: tuple[Group, ...]
    observations: tuple[Observation, ...] = ()
    extent: Extent = AS_RECORDED
    strategies: tuple[str, ...] = ()

    @cached_property
    def _full(self) -> Array:
        return self.prior.covariance + self.prior.level_variance

    def _observed(self, observations: Sequence[Observation]) -> "_Observed":
        return _Observed.of(observations, self)

    def aim(self, observation: Observation) -> int:
        """The arm that an observation is about: what a strategy reaches, the fine-tune of all others."""
        kind = observation.kind
        offset = 2 + self.strategies.index(kind) if kind in self.strategies else 0
        return (2 + len(self.strategies)) * observation.candidate + offset

    @cached_property
    def _known(self) -> "_Observed":
        return self._observed(self.observations)

    @cached_property
    def _system(self) -> tuple[Array, tuple[Array, bool], Array]:
        """H C, the factor L, and the solved residuals."""
        known = self._known
        crossed = known.rows @ self._full
        noise = known.noise(known, self.model)
        noise[np.diag_indices_from(noise)] = known.variances
        factor = cho_factor(crossed @ known.rows.T + noise, lower=True)
        values = np.array([o.value for o in self.observations])
        return crossed, factor, cho_solve(factor, values - known.intercepts - known.rows @ self.prior.mean)

    @cached_property
    def belief(self) -> Belief:
        """The belief after the observations, as wide as it must be; the level folded into its covariance."""
        wider = self.model.spread**2
        if not self.observations:
            return replace(
                self.prior,
                covariance=wider * self.prior.covariance,
                level_variance=wider * self.prior.level_variance,
            )
        crossed, factor, solved = self._system
        covariance = self._full - crossed.T @ cho_solve(factor, crossed)
        return Belief(
            mean=self.prior.mean + crossed.T @ solved,
            covariance=wider * (covariance + covariance.T) / 2,
            level_variance=0.0,
        )

    def effects(self, wanted: Sequence[Prospect]) -> Array:
        """How far one deviation of what each of them shows moves the means, shape (w, N)."""
        places = {o: i for i, o in enumerate(dict.fromkeys(o for p in wanted for o in p.all))}
        new = self._observed(tuple(places))
        with_scores = new.rows @ self._full
        noise = new.noise(new, self.model)
        noise[np.diag_indices_from(noise)] = new.variances
        among = with_scores @ new.rows.T + noise
        if self.observations:
            crossed, factor, _ = self._system
            joint = with_scores @ self._known.rows.T + new.noise(self._known, self.model)
            solved = cho_solve(factor, joint.T)
            with_scores = with_scores - solved.T @ crossed
            among = among - joint @ solved
        effects = np.empty((len(wanted), len(self.prior)))
        for i, prospect in enumerate(wanted):
            mine = np.array([places[o] for o in prospect.all], dtype=np.intp)
            effects[i] = _together(with_scores[mine], among[np.ix_(mine, mine)], self._asked(prospect))
        return effects

    def _asked(self, prospect: Prospect) -> Array:
        """The weights of what a prospect is to tell, shape (N,): an arm, or one less another."""
        weights = np.zeros(len(self.prior))
        weights[self.aim(prospect.observations[-1])] = 1.0
        if prospect.beside:
            weights[self.aim(prospect.beside[-1])] -= 1.0
        return weights

    def slopes(self, wanted: Sequence[Prospect], arms: Index) -> Array:
        """How far one deviation of each moves these arms, less what it moves all of them, shape (w, n).

        As wide as the belief must be.
        """
        moved = self.model.spread * self.effects(wanted)[:, arms]
        return np.asarray(moved - moved.min(axis=1, keepdims=True))

    def values(self, wanted: Sequence[Prospect], arms: Index) -> Array:
        """Expected improvement of the best mean among these arms by each prospect, shape (w,)."""
        return self.gains(self.slopes(wanted, arms), arms)

    def gains(self, slopes: Array, arms: Index) -> Array:
        """The same of what moves these arms so, shape (w,)."""
        mean = self.belief.mean[arms]
        return np.array([expected_maximum_gain(mean, b) for b in slopes])


def _together(with_scores: Array, among: Array, asked: Array) -> Array:
    """Of some observations, the effect of their best linear prediction of what is asked, shape (N,).

    Args:
        with_scores: Their covariance with the final scores, shape (g, N).
        among: Their covariance, shape (g, g).
        asked: Weights of the final scores in it, shape (N,).
    """
    weights = np.linalg.solve(among + JITTER * np.eye(len(among)), with_scores @ asked)
    variance = float(weights @ among @ weights)
    if variance <= JITTER**2:
        return np.zeros(with_scores.shape[1])
    return np.asarray(weights @ with_scores / math.sqrt(variance))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Observed:
    """Observations as arrays, n of them.

    Attributes:
        kinds: Number of each kind, shape (n,); estimators come first, in the model's order.
        shares: Shape (n,).
        candidates: Shape (n,).
        groups: Of the candidates, shape (n,).
        rows: H, shape (n, N).
        intercepts: Shape (n,).
        shared: Deviations of S, shape (n,).
        own: Deviations of e, shape (n,).
        errors: Deviations of the sampling errors, shape (n,).
    """

    kinds: Index
    shares: Array
    candidates: Index
    groups: Index
    rows: Array
    intercepts: Array
    shared: Array
    own: Array
    errors: Array

    @classmethod
    def of(cls, observations: Sequence[Observation], within: Probed) -> Self:
        """Of observations that bear on the same belief."""
        model, groups = within.model, within.groups
        relations = [
            model.relation(groups[o.candidate], o.kind, o.share, within.extent) for o in observations
        ]
        kinds = [*model.estimators, HEAD, SLICE, *within.strategies]
        candidates = np.array([o.candidate for o in observations], dtype=np.intp)
        rows, each = np.zeros((len(observations), len(within.prior))), np.arange(len(observations))
        rows[each, [within.aim(o) for o in observations]] = [r.tuned for r in relations]
        rows[each, (2 + len(within.strategies)) * candidates + 1] = [r.frozen for r in relations]
        return cls(
            kinds=np.array([kinds.index(o.kind) for o in observations], dtype=np.intp),
            shares=np.array([o.share for o in observations]),
            candidates=candidates,
            groups=np.array(groups, dtype=np.intp)[candidates],
            rows=rows,
            intercepts=np.array([r.intercept for r in relations]),
            shared=np.array([r.shared for r in relations]),
            own=np.sqrt([r.own for r in relations]),
            errors=np.sqrt([o.variance for o in observations]),
        )

    @property
    def variances(self) -> Array:
        """Of the noise, shape (n,)."""
        return self.shared**2 + self.own**2 + self.errors**2 + JITTER

    def noise(self, others: "_Observed", model: ProbeModel) -> Array:
        """Covariance of the noise with that of different observations, shape (n, k)."""
        same_kind = (self.kinds[:, None] == others.kinds) & (self.groups[:, None] == others.groups)
        same_share = self.shares[:, None] == others.shares
        alike = same_kind * np.where(same_share, 1.0, model.shared_correlation)
        covariance = alike * self.shared[:, None] * others.shared
        covariance += (1.0 - model.own_error) * self.errors[:, None] * others.errors
        n = len(model.estimators)
        if n:
            mine, theirs = np.minimum(self.kinds, n - 1), np.minimum(others.kinds, n - 1)
            both = (self.kinds[:, None] < n) & (others.kinds < n)
            both &= self.candidates[:, None] == others.candidates
            covariance += both * model.correlation[mine[:, None], theirs] * self.own[:, None] * others.own
        return np.asarray(covariance)
