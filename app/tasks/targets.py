"""What is predicted of an example, as it is written in a file and as numbers.

Notation:
    n    examples;  K  names: of classes, of labels, of tags

A target is kept as text, one an example: a class name as it stands, a number as Python writes it, lists as
JSON.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRATA = 5
"""Fifths of a number's distribution, which samples and splits keep in proportion."""
OUTSIDE = "O"
"""Tag of a token that belongs to no entity."""


class Target(StrEnum):
    """A kind of target."""

    CLASS = "class"
    """One of several names."""
    CLASSES = "classes"
    """Any of several names, or none."""
    NUMBER = "number"
    """A number; more of it is more."""
    TAGS = "tags"
    """A name for every token, IOB2."""
    MATCH = "match"
    """The second text belongs to the first, and those of other examples do not."""
    TEXT = "text"
    """A text to be written; several may be right."""
    SPAN = "span"
    """A part of the second text, in words, that answers the first; or nothing of it."""
    NEXT = "next"
    """The items that a user met, in order: the last is predicted from those before it."""


PER_WORD = frozenset({Target.TAGS, Target.SPAN})
"""Targets whose units are words of the text."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What answers a question in its passage.

    Attributes:
        n_words: Of the passage.
        first: First and last word of the first answer, from 0; None where the passage holds none.
        texts: Every answer that counts as right, as it stands in the passage; none where there is none.
    """

    n_words: int
    first: tuple[int, int] | None
    texts: tuple[str, ...]

    def __len__(self) -> int:
        """Units: one that stands for no answer, and the words."""
        return 1 + self.n_words


AVERAGED = frozenset({Target.CLASS, Target.CLASSES, Target.NUMBER, Target.TAGS})
"""Those whose predictions by several models have a mean."""


EXPLAINED = frozenset({Target.CLASS, Target.CLASSES, Target.NUMBER})
"""Those of which one output says what is predicted, which parts of an example have moved."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Targets:
    """The targets of n examples as numbers.

    Attributes:
        values: Of a class its place among the names, shape (n,), int64; of several whether each name applies,
            shape (n, K), bool; a number, shape (n,), float64; of tags one array of places an example,
            shape (n,), object; of items likewise one array a user; of matches numbers that tell both texts
            from others, shape (n, 2), int64; of spans one `Answers` an example, shape (n,), object; of texts
            what is kept of them, from which `texts_of` reads the texts, shape (n,), strings.
        names: What places stand for, sorted; empty for numbers.
        strata: Number of the stratum of each example, shape (n,): a sample holds all in proportion.
    """

    values: NDArray[Any]
    names: tuple[str, ...]
    strata: NDArray[np.int64]


def written(kind: Target, value: str | float | Sequence[str] | Answers) -> str:
    """A checked target as it is kept."""
    match kind:
        case Target.CLASS:
            return str(value)
        case Target.NUMBER:
            return repr(float(value))  # type: ignore[arg-type]  # of numbers, numbers are checked
        case Target.CLASSES | Target.TAGS | Target.TEXT:
            return json.dumps(list(value), ensure_ascii=False)  # type: ignore[arg-type]
        case Target.MATCH:
            return matched(*value)  # type: ignore[misc]
        case Target.SPAN:
            return json.dumps(astuple(value), ensure_ascii=False)  # type: ignore[arg-type]
        case Target.NEXT:
            return " ".join(value)  # type: ignore[arg-type]  # no item holds white space


def matched(first: str, second: str) -> str:
    """A match as it is kept: what tells each of its texts from others."""
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=7) for text in (first, second))
    return " ".join(str(int.from_bytes(found.digest(), "little")) for found in digests)


def texts_of(label: str) -> tuple[str, ...]:
    """The texts that are right, the one that is learnt from first, as `written` kept them."""
    return tuple(json.loads(label))


def counted(kind: Target, label: str) -> tuple[str, ...]:
    """The names that an example counts for in a profile: of tags the types of its entities."""
    match kind:
        case Target.CLASS:
            return (label,)
        case Target.CLASSES:
            return tuple(json.loads(label))
        case Target.NUMBER | Target.MATCH | Target.SPAN | Target.TEXT | Target.NEXT:
            return ()
        case Target.TAGS:
            tags = [tag for tag in json.loads(label) if tag != OUTSIDE]
            entities = tuple(tag[2:] for tag in tags if tag.startswith("B-"))
            return entities or tuple(tags)


def encode(kind: Target, labels: Sequence[str]) -> Targets:
    """The targets of examples, from what is kept of them."""
    return _ENCODERS[kind](labels)


def _classes(labels: Sequence[str]) -> Targets:
    names = tuple(sorted(set(labels)))
    place = {name: i for i, name in enumerate(names)}
    values = np.fromiter((place[label] for label in labels), dtype=np.int64, count=len(labels))
    return Targets(values=values, names=names, strata=values)


def _several(labels: Sequence[str]) -> Targets:
    found = [json.loads(label) for label in labels]
    names = tuple(sorted({name for row in found for name in row}))
    place = {name: i for i, name in enumerate(names)}
    values = np.zeros((len(labels), len(names)), dtype=bool)
    for i, row in enumerate(found):
        values[i, [place[name] for name in row]] = True
    return Targets(values=values, names=names, strata=rarest(values))


def rarest(values: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of each example the rarest of its labels, or K where it has none, shape (n,).

    Source: Sechidis, Tsoumakas and Vlahavas 2011, "On the Stratification of Multi-Label Data": labels with
    the fewest examples are shared out first.

    Args:
        values: Whether each label applies, shape (n, K).
    """
    n_labels = values.shape[1]
    order = np.argsort(values.sum(axis=0), kind="stable")
    ordered = values[:, order]
    first = np.where(ordered.any(axis=1), ordered.argmax(axis=1), n_labels)
    return np.asarray(np.append(order, n_labels)[first], dtype=np.int64)


def _numbers(labels: Sequence[str]) -> Targets:
    values = np.fromiter(map(float, labels), dtype=np.float64, count=len(labels))
    edges = np.quantile(values, np.arange(1, STRATA) / STRATA) if len(values) else np.empty(0)
    return Targets(values=values, names=(), strata=np.searchsorted(edges, values).astype(np.int64))


def _tags(labels: Sequence[str]) -> Targets:
    found = [json.loads(label) for label in labels]
    names = tuple(sorted({OUTSIDE, *(tag for row in found for tag in row)}))
    place = {name: i for i, name in enumerate(names)}
    values = np.empty(len(labels), dtype=object)
    has = np.zeros((len(labels), len(names)), dtype=bool)
    for i, row in enumerate(found):
        values[i] = np.fromiter((place[tag] for tag in row), dtype=np.int64, count=len(row))
        has[i, values[i]] = True
    has[:, place[OUTSIDE]] = False
    return Targets(values=values, names=names, strata=rarest(has))


def _matches(labels: Sequence[str]) -> Targets:
    values = np.array([label.split() for label in labels], dtype=np.int64).reshape(-1, 2)
    return Targets(values=values, names=(), strata=np.zeros(len(labels), dtype=np.int64))


def _answers(labels: Sequence[str]) -> Targets:
    values = np.empty(len(labels), dtype=object)
    for i, label in enumerate(labels):
        values[i] = answers_of(label)
    strata = np.fromiter((answers.first is not None for answers in values), np.int64, len(labels))
    return Targets(values=values, names=(), strata=strata)


def answers_of(label: str) -> Answers:
    """What `written` wrote of a span."""
    n_words, first, texts = json.loads(label)
    return Answers(n_words, None if first is None else tuple(first), tuple(texts))


def _texts(labels: Sequence[str]) -> Targets:
    values = np.array(list(labels), dtype=np.dtypes.StringDType())
    return Targets(values=values, names=(), strata=np.zeros(len(labels), dtype=np.int64))


def _sequences(labels: Sequence[str]) -> Targets:
    found = [label.split(" ") for label in labels]
    names = tuple(sorted({item for row in found for item in row}))
    place = {name: i for i, name in enumerate(names)}
    values = np.empty(len(labels), dtype=object)
    for i, row in enumerate(found):
        values[i] = np.fromiter((place[item] for item in row), dtype=np.int64, count=len(row))
    return Targets(values=values, names=names, strata=np.zeros(len(labels), dtype=np.int64))


_ENCODERS: Mapping[Target, Callable[[Sequence[str]], Targets]] = {
    Target.CLASS: _classes,
    Target.CLASSES: _several,
    Target.NUMBER: _numbers,
    Target.TAGS: _tags,
    Target.MATCH: _matches,
    Target.SPAN: _answers,
    Target.TEXT: _texts,
    Target.NEXT: _sequences,
}
