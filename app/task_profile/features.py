"""A description as the features of a linear model: concepts of the lexicon, words, character n-grams.

Concepts carry what is known of words that no training description holds; words and word pairs add their
wording, n-grams what is misspelt or inflected. Parts that say nothing of the task are left out first: limits,
hardware, licences, names of languages; numbers become `0`. Words that the text denies are features of their
own.

Notation:
    c, w, g    rows of the concepts, of the words and word pairs, of the n-grams found
    x          value CONCEPT at c, 1 / sqrt(len(w)) at w, 1 / sqrt(len(g)) at g; 0 elsewhere, (N_ROWS,)
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.task_profile.denials import denied_spans, is_within
from app.task_profile.lexicon import Concept, Family, lexicon
from app.task_profile.normalise import Token, tokenise
from app.task_profile.phrases import Hit, longest

WORD_BUCKETS = 1 << 15
NGRAM_BUCKETS = 1 << 15
CONCEPT = 0.5
"""Value of a concept: a description holds about ten, which then weigh a little more than each of the other
parts, whose length is 1. Of 0.3, 0.5 and 1 the best on files of other authors, left out of the fit."""
MAX_CHARS = 512
"""N-grams beyond this are left out: they would only dilute the first sentences."""
_SIZES = (2, 3, 4)
_MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's multiplicative hashing, 2^32 over the golden ratio
_SHIFT = np.uint32(32 - 15)  # the top 15 bits: NGRAM_BUCKETS
_NUMBER = re.compile(r"\d[\d.,]*")
_DIRECTION = re.compile(r"(?:\b(?:to|into)|成|为|到|→|->|=>)\s?$")
_CAPITALISED = frozenset({"map", "em", "der", "mos", "ap score", "iam", "race", "drop", "cord"})
"""Names that are everyday words in lower case: `map each word`, German `der`."""
CONTEXT = (
    "languages:0",
    "languages:1",
    "languages:many",
    "direction",
    "concepts:0",
    "concepts:1",
    "concepts:many",
)
"""Features of the whole text: languages named, whether one is gone into, concepts held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features of a text.

    Attributes:
        concepts: Keys of the concepts found, `!` before those that are denied, and of `CONTEXT`.
        words: Buckets of words and word pairs, distinct, below WORD_BUCKETS.
        ngrams: Buckets of n-grams, distinct, below NGRAM_BUCKETS.
    """

    concepts: tuple[str, ...]
    words: NDArray[np.int64]
    ngrams: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A folded text, tokenised, with the concepts found in it.

    Attributes:
        folded: The text.
        tokens: Its tokens.
        hits: Concepts found; `owner` is a position in the lexicon's concepts.
        languages: Those hits that name languages, the longest only.
    """

    folded: str
    tokens: list[Token]
    hits: list[Hit]
    languages: list[Hit]

    def of(self, family: Family) -> list[tuple[Concept, Hit]]:
        """The longest hits of a family, with their concepts."""
        concepts = lexicon().concepts
        found = [hit for hit in self.hits if concepts[hit.owner].family is family]
        return [(concepts[hit.owner], hit) for hit in longest(found)]


def read_wording(original: str, folded: str) -> Wording:
    """The tokens and concepts of a text.

    Args:
        original: The text as written.
        folded: The same, folded.
    """
    tokens = tokenise(folded)
    concepts = lexicon().concepts
    hits = [
        hit
        for hit in lexicon().phrases.find(tokens)
        if not (hit.phrase in _CAPITALISED and original[hit.start : hit.end].islower())
    ]
    advice = [hit for hit in hits if concepts[hit.owner].name == "advice"]
    if advice:  # phrases that only look like a task's words hide what lies in them
        hits = [hit for hit in hits if not any(a.first <= hit.first and hit.last <= a.last for a in advice)]
    languages = longest([hit for hit in hits if concepts[hit.owner].family is Family.LANGUAGES])
    return Wording(folded=folded, tokens=tokens, hits=hits, languages=languages)


@lru_cache(maxsize=16384)
def _word_hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def word_buckets(words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Buckets of the words and of the pairs of neighbours, (len(words),) and (len(words) - 1,)."""
    hashes = np.fromiter((_word_hash(word) for word in words), dtype=np.uint32, count=len(words))
    pairs = (hashes[:-1] * _MULTIPLIER) ^ (hashes[1:] + np.uint32(0x7F4A7C15))
    return tuple(((h * _MULTIPLIER) >> _SHIFT).astype(np.int64) for h in (hashes, pairs))  # type: ignore[return-value]


def ngram_buckets(text: str) -> NDArray[np.int64]:
    """Buckets of the distinct n-grams of the text's beginning, sorted."""
    padded = f" {text[:MAX_CHARS]} "
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = []
    for size in _SIZES:
        n = len(codes) - size + 1
        if n < 1:
            break
        mixed = np.full(n, size, dtype=np.uint32)
        for offset in range(size):  # wraps round at 2^32, as hashing wants
            mixed = (mixed ^ codes[offset : offset + n]) * _MULTIPLIER
            mixed ^= mixed >> np.uint32(15)
        found.append((mixed * _MULTIPLIER) >> _SHIFT)
    return np.unique(np.concatenate(found)).astype(np.int64) if found else np.empty(0, dtype=np.int64)


def blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with these spans, (start, end), as spaces: no other character moves."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = " " * (min(end, len(text)) - start)
    return "".join(characters)


def _context(wording: Wording, n_concepts: int) -> list[str]:
    n_languages = len({hit.owner for hit in wording.languages})
    into = any(_DIRECTION.search(wording.folded[max(0, h.start - 8) : h.start]) for h in wording.languages)
    found = [CONTEXT[min(n_languages, 2)], CONTEXT[4 + min(n_concepts, 2)]]
    return [*found, CONTEXT[3]] if into else found


def read_features(wording: Wording, silent: Sequence[tuple[int, int]]) -> Features:
    """The features of a text.

    Args:
        wording: The text.
        silent: Spans that say nothing of the task, (start, end): limits, hardware, licences.
    """
    concepts = lexicon().concepts
    denied = denied_spans(wording.folded)
    silent = [*silent, *((hit.start, hit.end) for hit in wording.languages)]
    found = {
        ("!" if is_within(hit.start, denied) else "") + concepts[hit.owner].key
        for hit in wording.hits
        if concepts[hit.owner].family is not Family.LANGUAGES
    }
    words = [
        ("!" if is_within(token.start, denied) else "") + ("0" if token.text.isdigit() else token.text)
        for token in wording.tokens
        if not is_within(token.start, silent)
    ]
    spoken = _NUMBER.sub("0", blanked(wording.folded, [*silent, *denied]))
    return Features(
        concepts=(*sorted(found), *_context(wording, len(found))),
        words=np.unique(np.concatenate(word_buckets(words))),
        ngrams=ngram_buckets(re.sub(r" {2,}", " ", spoken)),
    )
