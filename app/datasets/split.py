"""Training and validation parts that share no text.

Notation:
    unit    the examples that must stay together: copies of one folded text, or, where there are groups,
            whatever a chain of copies and groups connects
    n_c     examples of class c;  v_c  how many of them go to validation

A unit goes to validation only while every class in it keeps another unit for training. Thus every class is
trained on; and a class with at least two units is validated on, unless labels conflict within its units so
that no assignment does this for all classes at once (three units, each shared by two of three classes).
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from app.datasets.examples import Examples
from app.datasets.folding import unordered_hashes

VALIDATION_FRACTION = 0.2

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Two disjoint parts that together are all examples.

    Attributes:
        train: Sorted indices of the training part.
        validation: Sorted indices of the validation part.
    """

    train: Indices
    validation: Indices


def split(
    examples: Examples,
    *,
    seed: int,
    validation_fraction: float = VALIDATION_FRACTION,
    max_validation: int | None = None,
) -> Split:
    """A stratified split that keeps copies of a text, and groups, on one side.

    Args:
        examples: What to split.
        seed: Decides which units go where; the same seed gives the same split.
        validation_fraction: Share of each class to validate on, between 0 and 1.
        max_validation: About how many examples to validate on at most; a class may still get one.

    Raises:
        ValueError: The fraction is not between 0 and 1.
    """
    if not 0.0 < validation_fraction < 1.0:
        raise ValueError("validation_fraction lies between 0 and 1")
    n = len(examples)
    share = (
        validation_fraction
        if max_validation is None
        else min(validation_fraction, max_validation / max(1, n))
    )
    units = _units(examples)
    chosen = _choose(units, examples.labels, share, np.random.default_rng(seed))
    in_validation = np.isin(units, chosen)
    return Split(train=np.flatnonzero(~in_validation), validation=np.flatnonzero(in_validation))


def subsample(examples: Examples, n: int, seed: int) -> Indices:
    """Sorted indices of min(n, all) examples, each class in proportion and at least once where n allows."""
    if n >= len(examples):
        return np.arange(len(examples))
    rng = np.random.default_rng(seed)
    counts = np.bincount(examples.labels)
    quotas = _quotas(counts, n)
    parts = [
        rng.permutation(np.flatnonzero(examples.labels == label))[:quota]
        for label, quota in enumerate(quotas)
        if quota
    ]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def _units(examples: Examples) -> Indices:
    """The unit of each example, shape (n,)."""
    _, texts = np.unique(unordered_hashes(examples.texts, examples.pairs), return_inverse=True)
    if examples.groups is None:
        return texts.astype(np.int64)
    n_texts = int(texts.max(initial=-1)) + 1
    _, groups = np.unique(examples.groups, return_inverse=True)
    size = n_texts + int(groups.max(initial=-1)) + 1
    edges = coo_array((np.ones(len(texts)), (texts, n_texts + groups)), shape=(size, size))
    return connected_components(edges, directed=False)[1][texts].astype(np.int64)


def _choose(units: Indices, labels: Indices, share: float, rng: np.random.Generator) -> Indices:
    """The units that go to validation; rare classes choose first, since they have least to choose from."""
    members = _Units.of(units, labels)
    counts = np.bincount(labels)
    for label in np.argsort(counts, kind="stable"):
        if counts[label]:
            members.take(int(label), round(share * int(counts[label])), rng)
    return np.asarray(sorted(members.taken), dtype=np.int64)


@dataclass(slots=True, kw_only=True)
class _Units:
    """Which classes are in which units, and what is left for training.

    Attributes:
        counts: Examples by class, by unit.
        of_class: Units by class, ascending.
        n_left: Units of a class that are still in training.
        n_taken: Examples of a class that are in validation.
        taken: The units in validation.
    """

    counts: dict[int, dict[int, int]]
    of_class: dict[int, list[int]]
    n_left: dict[int, int]
    n_taken: dict[int, int]
    taken: set[int]

    @classmethod
    def of(cls, units: Indices, labels: Indices) -> "_Units":
        pairs, sizes = np.unique(np.stack([units, labels], axis=1), axis=0, return_counts=True)
        counts: dict[int, dict[int, int]] = defaultdict(dict)
        of_class: dict[int, list[int]] = defaultdict(list)
        for (unit, label), size in zip(pairs.tolist(), sizes.tolist(), strict=True):
            counts[unit][label] = size
            of_class[label].append(unit)
        n_left = {label: len(found) for label, found in of_class.items()}
        return cls(counts=counts, of_class=of_class, n_left=n_left, n_taken=defaultdict(int), taken=set())

    def take(self, label: int, target: int, rng: np.random.Generator) -> None:
        """Moves units of this class to validation: about `target` examples, at least one unit."""
        own = self.of_class[label]
        for unit in (own[i] for i in rng.permutation(len(own))):
            room = target - self.n_taken[label]
            if room <= 0:
                break
            if self.counts[unit][label] <= room and self._may_leave(unit):
                self._move(unit)
        if not self.n_taken[label]:
            smallest_first = sorted(own, key=lambda unit: self.counts[unit][label])
            unit = next((unit for unit in smallest_first if self._may_leave(unit)), None)
            if unit is not None:
                self._move(unit)

    def _may_leave(self, unit: int) -> bool:
        return unit not in self.taken and all(self.n_left[label] > 1 for label in self.counts[unit])

    def _move(self, unit: int) -> None:
        self.taken.add(unit)
        for label, size in self.counts[unit].items():
            self.n_left[label] -= 1
            self.n_taken[label] += size


def _quotas(counts: Indices, n: int) -> list[int]:
    """Shares n out in proportion to the counts (largest remainders), one a class at least if n allows."""
    floor = np.minimum(counts, 1) if n >= np.count_nonzero(counts) else np.zeros_like(counts)
    exact = counts * (n / counts.sum())
    quotas = np.maximum(np.floor(exact).astype(np.int64), floor)
    while quotas.sum() < n:
        quotas[np.argmax(np.where(quotas < counts, exact - quotas, -np.inf))] += 1
    while quotas.sum() > n:
        quotas[np.argmax(np.where(quotas > floor, quotas - exact, -np.inf))] -= 1
    return [int(quota) for quota in quotas]
