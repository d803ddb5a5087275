"""Finds a fixed set of phrases in a text, in time linear in the text, with misspellings forgiven."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from app.task_profile.normalise import Token, fold, tokenise

_MAX_CORRECTIONS = 24
"""Unknown words looked up a text: bounds the time that gibberish can take."""
_CORRECTABLE = range(5, 21)
_LONG_WORD = 9
"""From this length on two wrong letters are forgiven, below it one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: whose it is, which part of the text it covers, and its tokens, [first, last)."""

    owner: int
    phrase: str
    start: int
    end: int
    first: int
    last: int


def longest(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that lie in no longer one, of several that overlap the first; in their order."""
    kept: list[Hit] = []
    covered, widest = 0, (0, 0)
    for hit in sorted(hits, key=lambda hit: (hit.first, -hit.last)):
        if (hit.first, hit.last) == widest:
            kept.append(hit)
        elif hit.first >= covered:
            kept.append(hit)
            covered, widest = hit.last, (hit.first, hit.last)
    return kept


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    phrase: str = ""
    owners: tuple[int, ...] = ()


def _deletions(word: str, count: int) -> Iterator[str]:
    for drop in range(count + 1):
        for kept in combinations(range(len(word)), len(word) - drop):
            yield "".join(word[i] for i in kept)


def _forgiven(word: str) -> int:
    return 2 if len(word) >= _LONG_WORD else 1


class PhraseIndex:
    """Phrases of several owners, found as sequences of stemmed words and Chinese characters."""

    def __init__(self, phrases: Iterable[tuple[int, str]], ordinary: frozenset[str] = frozenset()) -> None:
        """Indexes (owner, phrase); a phrase may have several owners.

        Args:
            phrases: What is found.
            ordinary: Everyday words, stemmed, that are never taken for a misspelling.
        """
        self._ordinary = ordinary
        self._root = _Node()
        self._words: set[str] = set()
        for owner, phrase in phrases:
            self._add(owner, phrase)
        self._near: dict[str, list[str]] = {}
        for word in sorted(self._words):
            if word.isascii() and len(word) in _CORRECTABLE:
                for short in _deletions(word, _forgiven(word)):
                    self._near.setdefault(short, []).append(word)
        # bound to this index; a method's own cache would keep every index alive
        self._corrected = lru_cache(maxsize=8192)(self._correct)

    def _add(self, owner: int, phrase: str) -> None:
        node = self._root
        for token in tokenise(fold(phrase)):
            self._words.add(token.text)
            node = node.children.setdefault(token.text, _Node())
        node.phrase = phrase
        node.owners = (*node.owners, owner)

    def _correct(self, word: str) -> str:
        """The known word nearest to a misspelt one (fewest letters apart), or the word itself."""
        best, cost = word, 99
        for short in _deletions(word, _forgiven(word)):
            for known in self._near.get(short, ()):
                apart = max(len(known), len(word)) - len(short)
                if known[0] == word[0] and apart <= _forgiven(word) and (apart, known) < (cost, best):
                    best, cost = known, apart
        return best

    def _is_correctable(self, word: str) -> bool:
        return word.isascii() and len(word) in _CORRECTABLE and word not in self._ordinary

    def _known(self, tokens: list[Token]) -> list[str]:
        budget = _MAX_CORRECTIONS
        words = []
        for token in tokens:
            word = token.text
            if budget and word not in self._words and self._is_correctable(word):
                budget -= 1
                word = self._corrected(word)
            words.append(word)
        return words

    def find(self, tokens: list[Token]) -> list[Hit]:
        """All phrases in the text, also those inside one another, by their beginning."""
        words = self._known(tokens)
        hits: list[Hit] = []
        for first, token in enumerate(tokens):
            node = self._root
            for last in range(first, len(words)):
                child = node.children.get(words[last])
                if child is None:
                    break
                node = child
                place = token.start, tokens[last].end, first, last + 1
                hits.extend(Hit(owner, node.phrase, *place) for owner in node.owners)
        return hits
