"""What probes show of a model's final scores: a linear Gaussian model, learnt from recorded fine-tunes.

Notation (comparable scale):
    n           candidates;  m  one of them
    t_m, h_m    final score of its fine-tune and of a head on its frozen features
    x           what a probe of it shows: a slice of its fine-tune, a head on part of the data, an estimator
    s           share of the training data, or of the training steps, behind x, in (0, 1]

    h_m = a + b t_m + S + e_m                           frozen features, given the fine-tune
    x_m = a(s) + b(s) t_m + c(s) h_m + S + e_m + v_m

Intercepts and variances are learnt apart for tables of static word vectors and for networks with layers:
fine-tuning gains little for the former. S is shared by all candidates of a group in a run (on some data
fine-tuning gains more than on others), e is a model's own, v the sampling error of a score, which is known.
Of a finished fine-tune x = t + v. A strategy that trains less than everything (LoRA and its kin) has a final
score of its own, g_m, given those of the same model, and slices that show g as those of the fine-tune show t:

    g_m = a + b t_m + c h_m + S + e_m

All are functions of s, interpolated linearly in log s between those that were recorded. Where a run trains on
a part of the user's data, each doubling that is missing adds a step to what a probe shows: a mean gain, and
variances of S and of e. Steps fade: that of the k-th doubling beyond the sizes that were recorded is q^k of
the first, for shares of a larger sample too. `app.fitting.probes` learns all.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.ranking.belief import Belief
from models_registry.entry import ModelEntry

Array = NDArray[np.float64]

SLICE, HEAD = "slice", "head"


class Group(IntEnum):
    """Kinds of networks that answer to fine-tuning each in their own way."""

    STATIC = 0
    LAYERED = 1

    @classmethod
    def of(cls, entry: ModelEntry) -> "Group":
        """The group of a model."""
        return cls.STATIC if entry.n_layers == 0 else cls.LAYERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How one kind of probe relates to the final scores, at one share.

    Attributes:
        intercept: a.
        tuned: b.
        frozen: c.
        shared: Standard deviation of S.
        own: Variance of e.
    """

    intercept: float
    tuned: float
    frozen: float
    shared: float
    own: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Relations:
    """Relations of one kind of probe at the shares that were recorded.

    Attributes:
        shares: Increasing, shape (k,).
        values: Intercept, tuned, frozen, shared, own at each, shape (5, k).
    """

    shares: Array
    values: Array

    @lru_cache(maxsize=4_096)  # noqa: B019  # a run asks for the same few shares thousands of times
    def at(self, share: float) -> Relation:
        """The relation at a share; beyond the recorded ones that of the nearest."""
        place = np.log(min(max(share, 1e-9), 1.0))
        a, b, c, shared, own = (float(np.interp(place, np.log(self.shares), row)) for row in self.values)
        return Relation(intercept=a, tuned=b, frozen=c, shared=shared, own=own)

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"shares": self.shares.tolist(), "values": self.values.tolist()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The relations that were kept."""
        return cls(shares=np.array(raw["shares"]), values=np.array(raw["values"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much data a run trains on, in doublings.

    Attributes:
        beyond: Of the largest size that was recorded until the run's; negative where it is smaller.
        missing: Of the run's until it is all that the user has.
    """

    beyond: float = 0.0
    missing: float = 0.0


AS_RECORDED = Extent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What the first doubling of the training data beyond the recorded size brings, and how that fades.

    Attributes:
        gain: Mean, comparable scale.
        shared: Variance of what all candidates of a task gain alike.
        own: Variance of what one gains apart.
        fading: q, what the next doubling brings as a share of this one; below 1.
    """

    gain: float
    shared: float
    own: float
    fading: float

    def of(self, extent: Extent) -> tuple[float, float, float]:
        """Mean and both variances of what the missing data bring."""
        q, begun = self.fading, self.fading**extent.beyond
        steps = begun * (1.0 - q**extent.missing) / (1.0 - q)
        squares = begun**2 * (1.0 - q ** (2.0 * extent.missing)) / (1.0 - q * q)
        return self.gain * steps, self.shared * squares, self.own * squares


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresWorth:
    """What the figures' belief about differences between candidates is worth on data of a user.

    Attributes:
        slope: By which believed differences are multiplied; above 1 they were too cautious.
        variance: By which the variance of differences is multiplied.
    """

    slope: float
    variance: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ProbeModel:
    """Everything that was learnt of probes.

    Attributes:
        figures: Of the belief that a run begins with.
        heads: Frozen features, given the fine-tune, by group; their `frozen` is not used.
        probes: Relations by kind of probe (`slice`, `head`, and estimators by name), each by group.
        estimators: Names of the estimators that are worth listening to, E of them.
        correlation: Of their own deviations, shape (E, E).
        n_train: Training examples of the largest samples that were recorded.
        growth: Of fine-tunes and of heads, by `slice` and `head`.
        adapted: Final scores of strategies that train a part, given the fine-tune and the frozen features, by
            strategy; slices of theirs are among the probes, under the strategy's name.
        own_error: Share of the variance of a score's sampling error that is a candidate's own; the rest comes
            from the choice of validation examples and is shared by all that are scored on them.
        shared_correlation: Of S at two different shares of one kind in one group; those of two kinds or two
            groups are taken as unrelated.
        spread: By which the deviations of a belief after probes are multiplied, so that its intervals hold
            what they say on data that nothing was learnt from.
        version: Identifies what was learnt.
    """

    figures: FiguresWorth
    heads: tuple[Relation, ...]
    probes: Mapping[str, tuple[Relations, ...]]
    estimators: tuple[str, ...]
    correlation: Array
    n_train: int
    growth: Mapping[str, Growth]
    adapted: Mapping[str, Relation]
    own_error: float
    shared_correlation: float
    version: str
    spread: float = 1.0

    def listening_to(self, estimators: Sequence[str]) -> "ProbeModel":
        """The same with some of its estimators."""
        places = [self.estimators.index(name) for name in estimators]
        kept = (SLICE, HEAD, *self.adapted, *estimators)
        return replace(
            self,
            probes={kind: self.probes[kind] for kind in kept},
            estimators=tuple(estimators),
            correlation=self.correlation[np.ix_(places, places)],
        )

    def relation(self, group: Group, kind: str, share: float, extent: Extent = AS_RECORDED) -> Relation:
        """How a probe relates to the final scores on all of the user's data.

        Args:
            group: Of the candidate.
            kind: `slice`, `head`, a strategy for a slice of its, or an estimator; a slice of an adapted model
                has its own final score in place of the fine-tune's.
            share: Of the steps, or of the run's training data, behind it.
            extent: Of the run.
        """
        found = self.probes[kind][group].at(share)
        if share >= 1.0 and (kind in self.growth or kind in self.adapted):
            is_slice = kind != HEAD
            found = Relation(
                intercept=0.0, tuned=float(is_slice), frozen=float(not is_slice), shared=0.0, own=0.0
            )
        growth = self.growth.get(SLICE if kind in self.adapted else kind)
        if growth is None:
            return found
        # A share of a larger sample is as many doublings short of it, but each of them brings less.
        faded = growth.fading**extent.beyond if kind == HEAD else 1.0
        gain, shared, own = growth.of(extent)
        return Relation(
            intercept=faded * found.intercept - gain,
            tuned=found.tuned,
            frozen=found.frozen,
            shared=math.hypot(faded * found.shared, math.sqrt(shared)),
            own=found.own + own,
        )

    def joined(self, tuned: Belief, groups: Sequence[Group], strategies: Sequence[str] = ()) -> Belief:
        """The belief over the final scores of every candidate, from the figures' over their fine-tunes.

        What the candidates have in common is left as it is; their differences count for what figures were
        found to be worth.

        Args:
            tuned: Over t, n arms.
            groups: Of the candidates.
            strategies: That train a part, A of them.

        Returns:
            Over t_0, h_0, g_0, ..., t_1, h_1, g_1, ..., (2 + A) n arms, the level folded into the covariance.
        """
        n = len(tuned)
        common = np.full((n, n), 1.0 / n)
        weigh = common + math.sqrt(self.figures.variance) * (np.eye(n) - common)
        full = weigh @ (tuned.covariance + tuned.level_variance) @ weigh.T
        middle = float(tuned.mean.mean())
        t = middle + self.figures.slope * (tuned.mean - middle)
        heads = [self.heads[group] for group in groups]
        lift = np.zeros((2 * n, n))  # from t to both scores
        lift[0::2] = np.eye(n)
        lift[1::2] = np.diag([head.tuned for head in heads])
        covariance = lift @ full @ lift.T
        shared = np.array([head.shared for head in heads])
        together = np.equal.outer(np.array(groups), np.array(groups))
        covariance[1::2, 1::2] += together * np.outer(shared, shared) + np.diag([head.own for head in heads])
        mean = lift @ t
        mean[1::2] += [head.intercept for head in heads]
        both = Belief(mean=mean, covariance=covariance, level_variance=0.0)
        return self._with_adapted(both, strategies) if strategies else both

    def _with_adapted(self, both: Belief, strategies: Sequence[str]) -> Belief:
        """The belief over t_0, h_0, t_1, h_1, ... and the final scores of these strategies beside them."""
        relations = [self.adapted[name] for name in strategies]
        block = 2 + len(strategies)
        n = len(both) // 2
        one = np.zeros((block, 2))
        one[0, 0] = one[1, 1] = 1.0
        one[2:] = [(r.tuned, r.frozen) for r in relations]
        lift = np.kron(np.eye(n), one)
        covariance = lift @ both.covariance @ lift.T
        mean = lift @ both.mean
        for offset, relation in enumerate(relations, 2):
            of_strategy = np.arange(n) * block + offset
            mean[of_strategy] += relation.intercept
            covariance[np.ix_(of_strategy, of_strategy)] += relation.shared**2 + relation.own * np.eye(n)
        return Belief(mean=mean, covariance=covariance, level_variance=0.0)


@lru_cache(maxsize=1)
def load_probe_model() -> ProbeModel:
    """What ships with this package."""
    text = resources.files("app.ranking.fitted").joinpath("probes.json").read_text(encoding="utf-8")
    return probe_model_from_json(json.loads(text))


def probe_model_from_json(raw: Mapping[str, Any]) -> ProbeModel:
    """What `probe_model_to_json` wrote."""
    return ProbeModel(
        figures=FiguresWorth(**raw["figures"]),
        heads=tuple(Relation(**head) for head in raw["heads"]),
        probes={
            name: tuple(Relations.from_json(group) for group in found)
            for name, found in raw["probes"].items()
        },
        estimators=tuple(raw["estimators"]),
        correlation=np.array(raw["correlation"]).reshape(2 * (len(raw["estimators"]),)),
        growth={kind: Growth(**found) for kind, found in raw["growth"].items()},
        n_train=raw["n_train"],
        adapted={name: Relation(**found) for name, found in raw["adapted"].items()},
        own_error=raw["own_error"],
        shared_correlation=raw["shared_correlation"],
        version=raw["version"],
        spread=raw["spread"],
    )


def probe_model_to_json(model: ProbeModel) -> dict[str, Any]:
    """JSON values."""
    return {
        "version": model.version,
        "figures": asdict(model.figures),
        "heads": [asdict(head) for head in model.heads],
        "probes": {name: [group.to_json() for group in found] for name, found in model.probes.items()},
        "estimators": list(model.estimators),
        "correlation": model.correlation.tolist(),
        "n_train": model.n_train,
        "adapted": {name: asdict(found) for name, found in model.adapted.items()},
        "own_error": model.own_error,
        "shared_correlation": model.shared_correlation,
        "spread": model.spread,
        "growth": {kind: asdict(growth) for kind, growth in model.growth.items()},
    }
