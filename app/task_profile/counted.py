"""What a number can count, and the lexicon's nouns and measure words for it, as patterns."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from app.task_profile.lexicon import counted_words
from app.task_profile.normalise import stem


class Role(Enum):
    """What a number counts."""

    LENGTH = auto()
    CLASSES = auto()
    EXAMPLES = auto()
    PER_CLASS = auto()
    PIECES = auto()  # 个, 位, 家: examples or classes
    THINGS = auto()  # an English noun that is not known: examples if many


@dataclass(frozen=True, slots=True)
class Count:
    """A number with what it counts.

    Attributes:
        role: What it counts.
        value: The number.
        start: First character.
        end: Character after the noun.
        labelled: Whether the words say that these are labelled.
        searched: Whether the words say that these are what is searched.
        partition: Whether one of so many is to be chosen.
        noun: English noun that names what is counted, stemmed; empty where there is none.
    """

    role: Role
    value: float
    start: int
    end: int
    labelled: bool = False
    searched: bool = False
    partition: bool = False
    noun: str = ""


@dataclass(frozen=True, slots=True)
class CountedWords:
    """The lexicon's nouns and measure words, as patterns."""

    stop: frozenset[str]
    classes: frozenset[str]
    examples: frozenset[str]
    length: frozenset[str]
    nothing: frozenset[str]
    length_han: re.Pattern[str]
    classes_han: re.Pattern[str]
    examples_han: re.Pattern[str]
    pieces_han: re.Pattern[str]
    classes_before: re.Pattern[str]
    examples_before: re.Pattern[str]
    searched_before: re.Pattern[str]


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


@lru_cache(maxsize=1)
def words() -> CountedWords:
    """The lexicon's nouns and measure words, compiled once."""
    w = counted_words()
    many, between = " ?(?:多|余|来|把)?", "(?:不同的?|细)?"
    return CountedWords(
        stop=frozenset(w["stop"]["en"]),
        classes=frozenset(stem(word) for word in w["classes"]["en"]),
        examples=frozenset(stem(word) for word in w["examples"]["en"]),
        length=frozenset(stem(word) for word in w["length"]["en"]),
        nothing=frozenset(stem(word) for word in w["nothing"]["en"]),
        length_han=re.compile(f"{many} ?(?:{_any(w['length']['zh'])})(?!段|典|条|幕|体)", re.ASCII),
        classes_han=re.compile(
            f"{many}(?:[{w['classes']['measures']}]|(?:个|大|小)?{between}(?:{_any(w['classes']['zh'])}))(?:别)?",
            re.ASCII,
        ),
        examples_han=re.compile(
            f"{many}(?:[{w['examples']['measures']}]|个?{between}(?:[一-鿿]{{0,3}}?)(?:{_any(w['examples']['zh'])}))",
            re.ASCII,
        ),
        pieces_han=re.compile(f"{many}[个位家只名项款辆台间户座瓶](?P<noun>[一-鿿]{{0,6}})", re.ASCII),
        classes_before=re.compile(
            f"(?:{_any(w['classes']['before_zh'])})(?:名)?(?:数|数量)?(?:[:：=为是有共约]|一共|总共)*\\s*$"
            r"|(?:n_classes|classes|categories|labels)\s?[:=]\s*$",
            re.ASCII,
        ),
        examples_before=re.compile(
            f"\\b(?P<plainly>{_any(w['examples']['before_en'])})\\s?(?:of|has|size|is|about|[:=：(])*\\s*$"
            f"|(?:{_any([*w['examples']['before_zh'], *w['examples']['zh']])})"
            r"(?:[:：=（(为是有约大概共了]|一共|总共)*\s*$",
            re.ASCII,
        ),
        searched_before=re.compile(
            f"(?:{_any(w['collection']['zh'])})[一-鿿]{{0,2}}$|\\b(?:{_any(w['collection']['en'])})"
            r"(?: (?:our|my|the|a|an|all|about|roughly|some|these|those))*\s*$",
            re.ASCII,
        ),
    )
