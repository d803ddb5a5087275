"""Folding and splitting of what users write, so that every piece still points into the original."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAX_CHARS = 2000
"""What lies beyond is not read: a description fits in far less, and reading time stays bounded."""

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def _simplified() -> dict[int, int]:
    text = (Path(__file__).parent / "lexicon" / "traditional.yaml").read_text("utf-8")
    pairs = "".join(line.strip() for line in text.partition("pairs: |")[2].splitlines())
    return {ord(a): ord(b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)}


_FOLD = _simplified() | _FULL_WIDTH
_TOKEN = re.compile(
    r"([^\W\d_㐀-䶿一-鿿][^\W_㐀-䶿一-鿿]*)(?:['’]s\b)?"  # a word; a possessive s is dropped
    r"|(\d+)|([㐀-䶿一-鿿])|([@+])|[.;:!?。；！？\n]"
)
_STOP = "|"


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number, a Chinese character or a stop, with its place in the text."""

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """The readable part of the text in lower case, half width and simplified; no character moves."""
    part = text[:MAX_CHARS].translate(_FOLD)
    lower = part.lower()
    if len(lower) == len(part):
        return lower
    # a few capitals (İ) become two characters in lower case, which would shift every later span
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in part)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The word without plural, -ing and final e, so that `summarising` finds `summarize`.

    -ed stays: `translated reviews` says something else than `translate reviews`.
    """
    if not word.isascii() or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ing") and len(word) > 5:
        word = word[:-3]
        if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
            word = word[:-1]
    word = word.replace("isation", "ization").replace("labell", "label").replace("colour", "color")
    if word.endswith("ise") and len(word) > 6:
        word = word[:-2] + "ze"
    elif word.endswith("is") and len(word) > 6 and not word.endswith("sis"):
        word = word[:-1] + "z"
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def tokenise(folded: str) -> list[Token]:
    """The words (stemmed), numbers, Chinese characters and stops of a folded text, in order."""
    tokens = []
    for match in _TOKEN.finditer(folded):
        kind = match.lastindex
        if kind is None:
            tokens.append(Token(_STOP, match.start(), match.end()))
        elif kind == 1:
            tokens.append(Token(stem(match[1]), match.start(1), match.end(1)))
        else:
            tokens.append(Token(match[kind], match.start(kind), match.end(kind)))
    return tokens
