"""What was worked out for one request and holds for others: it follows from a belief, whatever the budget."""

from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.ranking.cost import STRATEGIES
from app.ranking.evidence import EvidenceBase, TargetBelief, Told, arm_of
from app.ranking.influences import Influence
from app.ranking.recipe import Recipe
from app.ranking.target import Target, round_size
from app.recall import Pool
from app.task_profile.profile import TaskProfile
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Domain, Strategy, TaskType

Array = NDArray[np.float64]
Index = NDArray[np.intp]
K = TypeVar("K")
V = TypeVar("V")

KEPT_TARGETS = 4_096
KEPT = 512
"""Explanations and recipes of one target that are remembered; each takes about a kilobyte."""
ARM_OF_STRATEGY = np.array([arm_of(strategy) for strategy in STRATEGIES], dtype=np.intp)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Grounds:
    """What is said of an arm whatever the budget; the same object wherever the same belief is explained.

    Attributes:
        entry: The model.
        strategy: How it is adapted.
        evidence: Figures that moved the prediction most.
        reasons: For it, the budget's left out.
        cautions: Against relying on it.
    """

    entry: ModelEntry
    strategy: Strategy
    evidence: tuple[Influence, ...]
    reasons: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class HeldPool:
    """The models of a pool as a belief holds them.

    Attributes:
        arms: Of every strategy and model, shape (S, m).
        quality: Their means, comparable scale, shape (S, m).
        is_held: Whether the belief holds the model, shape (m,).
    """

    arms: Index
    quality: Array
    is_held: NDArray[np.bool_]

    @classmethod
    def of(cls, held: TargetBelief, models: Index, strategies: tuple[Strategy, ...]) -> "HeldPool":
        """These models of the candidate table, shape (m,), under S strategies, as the belief holds them."""
        order = np.argsort(held.models)
        found = np.minimum(np.searchsorted(held.models, models, sorter=order), len(order) - 1)
        positions = order[found]
        arms = 2 * positions + np.array([arm_of(s) for s in strategies], dtype=np.intp)[:, None]
        return cls(arms, held.belief.mean[arms], held.models[positions] == models)

    def among(self, chosen: NDArray[np.generic]) -> "HeldPool":
        """The same of some of the models, by place or by mask."""
        return HeldPool(self.arms[:, chosen], self.quality[:, chosen], self.is_held[chosen])


class OfTarget:
    """What follows from one target alone, whatever other models a model is ranked beside.

    Attributes:
        grounds: Of the arms that were explained before.
        recipes: Of those whose classes are not known, by all that they follow from.
    """

    def __init__(self) -> None:
        self.grounds: dict[Hashable, Grounds] = {}
        self.recipes: dict[Hashable, Recipe] = {}


class OfBelief:
    """What follows from one belief alone.

    Attributes:
        target: What follows from its target.
        tied: Names of models, by their arms.
        pools: The models of pools, as the belief holds them.
    """

    def __init__(self, target: OfTarget) -> None:
        self.target = target
        self.tied: dict[tuple[int, ...], tuple[str, ...]] = {}
        self.pools: WeakKeyDictionary[Pool, HeldPool] = WeakKeyDictionary()


class Remembered:
    """What was worked out before and depends on nothing but a belief; gone as soon as the belief is."""

    def __init__(self) -> None:
        self._targets: dict[_Key, Target] = {}
        self._making = Lock()
        self._of: WeakKeyDictionary[TargetBelief, OfBelief] = WeakKeyDictionary()
        self._of_target: WeakKeyDictionary[Told, OfTarget] = WeakKeyDictionary()

    def target(self, profile: TaskProfile) -> Target:
        """The target of a task; to find it is quicker than to build its columns."""
        key = _key(profile)
        found = self._targets.get(key)
        return keep(self._targets, key, Target.of(profile), KEPT_TARGETS) if found is None else found

    def find(self, profile: TaskProfile, base: EvidenceBase) -> TargetBelief | None:
        """The belief about this task, if it was asked for before; None where it depends on the limits."""
        return base.find(self.target(profile))

    def make(self, profile: TaskProfile, base: EvidenceBase, among: Index) -> TargetBelief:
        """The belief about these models on this task, from now on remembered.

        One at a time: threads that make beliefs side by side only slow one another and whoever has a short
        question meanwhile, and often it is the same belief.
        """
        target = self.target(profile)
        found = base.find(target, among)
        if found is None:
            with self._making:
                found = base.belief_on(target, among=among)
        return found

    def of(self, held: TargetBelief) -> OfBelief:
        """What follows from this belief."""
        found = self._of.get(held)
        if found is None:
            told = self._of_target.setdefault(held.told, OfTarget())
            found = self._of.setdefault(held, OfBelief(told))
        return found


_Key = tuple[TaskType, tuple[str, ...], Domain, str, int | None, int | None]


def _key(profile: TaskProfile) -> _Key:
    """Profiles with equal keys have equal targets."""
    size = round_size(profile.n_examples)
    return profile.task_type, profile.languages, profile.domain, profile.metric, size, profile.n_classes


def keep(kept: dict[K, V], key: K, made: V, most: int = KEPT) -> V:
    """Remember what was made; all is forgotten where it has become much."""
    if len(kept) >= most:
        kept.clear()
    kept[key] = made
    return made


REMEMBERED = Remembered()
"""Of this process; threads may share it."""
