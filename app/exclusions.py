"""Models that were left out: kept as numbers, put in words only where somebody reads them.

At 50,000 models most are left out of any answer, so that a list of them is kept as one group a rule: a bitmap
of who, and how much each would need. Twenty are worded with the answer, the others page by page.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple, Protocol, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from models_registry.entry import ModelEntry

Array = NDArray[np.float64]
Index = NDArray[np.intp]
GB = 1e9


class Rule(StrEnum):
    """Why a model can be left out, in the order in which the rules are applied."""

    NOT_INCLUDED = "include"
    EXCLUDED = "exclude"
    TASK = "task"
    LANGUAGE = "language"
    TITLES = "titles"
    HUB = "hub"
    LICENCE = "licence"
    COMMERCIAL_USE = "commercial_use"
    PARAMETERS = "parameters"
    MODEL_SIZE = "model_size"
    COPY = "copy"
    WEIGHTS = "weights"
    LATENCY = "latency"
    MEMORY = "memory"
    TIME = "time"
    PRICE = "price"
    OUTRANKED = "outranked"


_FAR = {Rule.TASK: 1e33, Rule.NOT_INCLUDED: 1e32, Rule.EXCLUDED: 1e31, Rule.LANGUAGE: 1e30, Rule.HUB: 1e5}
"""How far from eligible a model is that breaks a rule without a number; others count as 10.

Those about the question itself lie beyond any ratio of numbers.
"""
_OUTRANKED_DISTANCE = 1e3
"""More than that of any limit: more time or memory does not help a model that others surpass."""
FIRST_PAGE = 100
"""As many of the farther exclusions are kept in words: an answer shows 20 in all."""
KEPT = 256
"""First pages and packed forms of the exclusions that requests with the same task share."""
_WORD_DISTANCE = 10.0
_NOTHING_AT_ONCE = 2.0
"""Distance of a model of which each limit alone is kept by some strategy, but by none all."""


class Exclusion(NamedTuple):
    """One model that was left out.

    Attributes:
        model: `hub:id@revision`.
        rule: The first rule that it broke.
        needed: What it would need.
        available: What there is.
    """

    model: str
    rule: Rule
    needed: str
    available: str


class ModelWords(NamedTuple):
    """What the exclusions of one model are worded with; kept with an answer, as the model was then."""

    name: str
    tasks: str
    languages: str
    hub: str
    licence: str
    weights: str
    original: str

    @classmethod
    def of(cls, entry: ModelEntry) -> Self:
        """The words of an entry."""
        return cls(
            name=entry.name,
            tasks=", ".join(entry.task_types),
            languages=", ".join(entry.languages),
            hub=entry.hub,
            licence=entry.licence,
            weights=entry.weights.format,
            original=entry.derived_from or "",
        )


class Listed(Hashable, Protocol):
    """A list of models with their words."""

    @property
    def names(self) -> Sequence[str]:
        """Full names."""

    def words(self, model: int) -> ModelWords:
        """The words of the model at this place."""


_SHOW: MappingProxyType[Rule, Callable[[float], str]] = MappingProxyType(
    {
        Rule.PARAMETERS: lambda v: f"{v / 1e6:,.1f} M",
        Rule.MODEL_SIZE: lambda v: f"{v / GB:,.2f} GB",
        Rule.LATENCY: lambda v: f"{v:,.1f} ms",
        Rule.MEMORY: lambda v: f"{v / GB:,.2f} GB",
        Rule.TIME: lambda v: f"{v / 3600:,.2f} h",
        Rule.PRICE: lambda v: f"{v:,.2f}",
        Rule.OUTRANKED: lambda v: f"{v:,.1f} standard deviations below the best",
    }
)
_SAY: MappingProxyType[Rule, Callable[[ModelWords], str]] = MappingProxyType(
    {
        Rule.NOT_INCLUDED: lambda w: w.name.rsplit("@", 1)[0],
        Rule.EXCLUDED: lambda w: w.name.rsplit("@", 1)[0],
        Rule.TASK: lambda w: w.tasks,
        Rule.LANGUAGE: lambda w: w.languages,
        Rule.TITLES: lambda _: "the titles of the items",
        Rule.HUB: lambda w: w.hub,
        Rule.LICENCE: lambda w: w.licence,
        Rule.COMMERCIAL_USE: lambda w: w.licence,
        Rule.COPY: lambda w: f"{w.original} stands for it",
        Rule.WEIGHTS: lambda w: w.weights,
        Rule.TIME: lambda _: "no strategy fits time and price at once",
    }
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Group:
    """The models that one rule leaves out.

    Attributes:
        rule: The rule.
        models: Places in the list of models, ascending, shape (n,).
        available: What there is, in words; empty where the number says it.
        needed: What each would need, shape (n,), single precision; None where its own words say it.
        limit: What there is, where it is a number.
    """

    rule: Rule
    models: Index
    available: str = ""
    needed: NDArray[np.float32] | None = None
    limit: float = 0.0

    @property
    def distances(self) -> Array:
        """How far each is from eligible: the ratio of needed to available where both are numbers."""
        if self.needed is not None:
            ratio = self.needed.astype(np.float64) / max(self.limit, 1e-9)
            return ratio + _OUTRANKED_DISTANCE if self.rule is Rule.OUTRANKED else ratio
        plain = _NOTHING_AT_ONCE if self.rule is Rule.TIME else _WORD_DISTANCE
        return np.full(len(self.models), _FAR.get(self.rule, plain))

    def wording(self, listed: Listed) -> Callable[[int], Exclusion]:
        """What words the exclusion of the model at a position of the group."""
        rule, models, needed = self.rule, self.models, self.needed
        if needed is None:
            say, there = _SAY[rule], self.available

            def in_words(position: int) -> Exclusion:
                words = listed.words(int(models[position]))
                return Exclusion(words.name, rule, say(words), there)

            return in_words
        show, limit, names = _SHOW[rule], _SHOW[rule](self.limit), listed.names

        def in_numbers(position: int) -> Exclusion:
            return Exclusion(names[models[position]], rule, show(float(needed[position])), limit)

        return in_numbers


@dataclass(frozen=True, eq=False)
class Exclusions:
    """All models that an answer leaves out, each once.

    Attributes:
        groups: One a rule.
        farther: More, all of them farther from eligible; requests with the same task share them, so that what
            was made of them is remembered.
    """

    groups: tuple[Group, ...]
    farther: "Exclusions | None" = None

    def __len__(self) -> int:
        return self._n + (len(self.farther) if self.farther else 0)

    @cached_property
    def _n(self) -> int:
        return sum(len(group.models) for group in self.groups)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many models broke each rule, by the rule's name."""
        counts = dict(self.farther.counts) if self.farther else {}
        for group in self.groups:
            counts[group.rule.value] = counts.get(group.rule.value, 0) + len(group.models)
        return dict(sorted(counts.items()))

    def without(self, *rules: Rule) -> "Exclusions":
        """Those of other rules."""
        groups = tuple(group for group in self.groups if group.rule not in rules)
        return Exclusions(groups, self.farther.without(*rules) if self.farther else None)

    def page(self, listed: Listed, start: int, end: int) -> list[Exclusion]:
        """Some of them in words, the nearest to eligible first, equals by name."""
        found = self._own(listed, start, min(end, self._n)) if start < self._n else []
        if self.farther and end > self._n:
            first, last = max(start - self._n, 0), end - self._n
            if last <= FIRST_PAGE:
                found += _first_page(self.farther, listed)[first:last]
            else:
                found += self.farther.page(listed, first, last)
        return found

    def _own(self, listed: Listed, start: int, end: int) -> list[Exclusion]:
        starts = [0, *accumulate(len(group.models) for group in self.groups)]
        wordings = [group.wording(listed) for group in self.groups]
        found = []
        for place in self._order(end)[start:end].tolist():
            g = bisect_right(starts, place) - 1
            found.append(wordings[g](place - starts[g]))
        return found

    def _order(self, n: int) -> Index:
        """Places of at least the first n over all groups, the nearest to eligible first."""
        distances = np.concatenate([group.distances for group in self.groups])
        models = np.concatenate([group.models for group in self.groups])
        if 4 * n >= len(models):
            return np.asarray(np.lexsort((models, distances)))
        bound = np.partition(distances, n)[n]  # sorting a few beats sorting all
        nearest = (distances <= bound).nonzero()[0]
        return np.asarray(nearest[np.lexsort((models[nearest], distances[nearest]))])

    def packed(self, n_models: int) -> bytes:
        """All of it in a few bits a model: a line of JSON, then a bitmap and the numbers of each group."""
        head, body = _packed(self.groups, n_models)
        if self.farther:
            more, rest = _packed_once(self.farther, n_models)
            head, body = head + more, body + rest
        return orjson.dumps({"n_models": n_models, "groups": head}) + b"\n" + body

    @classmethod
    def unpacked(cls, stored: bytes) -> Self:
        """What `packed` made."""
        line, _, body = stored.partition(b"\n")
        head = orjson.loads(line)
        n_models, at = head["n_models"], 0
        groups = []
        for rule, available, limit in head["groups"]:
            n_bytes = (n_models + 7) // 8
            bits = np.frombuffer(body, dtype=np.uint8, count=n_bytes, offset=at)
            models = np.flatnonzero(np.unpackbits(bits, count=n_models))
            at += n_bytes
            needed = None
            if limit is not None:
                needed = np.frombuffer(body, dtype="<f4", count=len(models), offset=at)
                at += needed.nbytes
            groups.append(
                Group(rule=Rule(rule), models=models, available=available, needed=needed, limit=limit or 0.0)
            )
        return cls(tuple(groups))


@lru_cache(maxsize=KEPT)
def _first_page(exclusions: Exclusions, listed: Listed) -> list[Exclusion]:
    return exclusions.page(listed, 0, FIRST_PAGE)


Heads = list[tuple[Rule, str, float | None]]


def _packed(groups: Sequence[Group], n_models: int) -> tuple[Heads, bytes]:
    head: Heads = []
    parts = []
    for group in groups:
        mask = np.zeros(n_models, dtype=bool)
        mask[group.models] = True
        parts.append(np.packbits(mask).tobytes())
        if group.needed is not None:
            parts.append(group.needed.astype("<f4").tobytes())
        head.append((group.rule, group.available, None if group.needed is None else float(group.limit)))
    return head, b"".join(parts)


@lru_cache(maxsize=KEPT)
def _packed_once(exclusions: Exclusions, n_models: int) -> tuple[Heads, bytes]:
    return _packed(exclusions.groups, n_models)


class ModelList:
    """The words of all models, as they are kept with the answers made from them."""

    def __init__(self, stored: bytes) -> None:
        self._rows: list[list[str]] = orjson.loads(stored)

    @cached_property
    def names(self) -> Sequence[str]:
        """Full names."""
        return [row[0] for row in self._rows]

    def words(self, model: int) -> ModelWords:
        """The words of the model at this place."""
        return ModelWords(*self._rows[model])

    @staticmethod
    def packed(entries: Sequence[ModelEntry]) -> bytes:
        """What `ModelList` reads: JSON."""
        return orjson.dumps([tuple(ModelWords.of(entry)) for entry in entries])
