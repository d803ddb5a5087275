"""Words that are more frequent in one sample of texts than in the other.

Notation:
    k, n    texts that hold a word, texts, of one sample
    G2      likelihood ratio of two shares against one, twice its logarithm; about chi-squared with 1 degree

Words are shown to the owner of the texts, in answer to their own request; nothing here logs or keeps them.

Source: Dunning 1993, "Accurate Methods for the Statistics of Surprise and Coincidence".
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import chi2

from app.datasets.folding import fold

MOST_TELLING = 10
LEAST_TEXTS = 5
"""Texts that hold a word, so that what is shown is a habit of the sample and not one person's text."""
ALPHA = 0.01
"""Over all words together (Bonferroni)."""
MOST_CHARACTERS = 1_000
MOST_WORD_CHARACTERS = 40
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingWord:
    """A word whose share of texts has changed.

    Attributes:
        word: Folded; of Chinese and Japanese two characters.
        earlier_share: Of the earlier texts hold it.
        later_share: Likewise.
    """

    word: str
    earlier_share: float
    later_share: float


def telling_words(earlier: Sequence[str], later: Sequence[str]) -> tuple[TellingWord, ...]:
    """Words whose share of texts has changed beyond chance, the most telling first."""
    before, after = (Counter(word for text in texts for word in _words(text)) for texts in (earlier, later))
    words = [word for word in sorted(before | after) if before[word] + after[word] >= LEAST_TEXTS]
    if not words:
        return ()
    k1, k2 = (np.array([counts[word] for word in words], dtype=np.float64) for counts in (before, after))
    ratio = _likelihood_ratio(k1, len(earlier), k2, len(later))
    order = np.argsort(-ratio, kind="stable")[:MOST_TELLING]
    needed = float(chi2.isf(ALPHA / len(words), 1))
    return tuple(
        TellingWord(
            word=words[i], earlier_share=float(k1[i] / len(earlier)), later_share=float(k2[i] / len(later))
        )
        for i in order
        if ratio[i] >= needed
    )


def _words(text: str) -> set[str]:
    runs: Iterable[str] = _WORD.findall(fold(text[:MOST_CHARACTERS]))
    found: set[str] = set()
    for run in runs:
        if _CJK.match(run):
            found.update(run[i : i + 2] for i in range(max(1, len(run) - 1)))
        elif len(run) <= MOST_WORD_CHARACTERS:
            found.add(run)
    return found


def _likelihood_ratio(k1: Array, n1: int, k2: Array, n2: int) -> Array:
    """G2 of each word, shape as `k1`."""
    together = (k1 + k2) / (n1 + n2)
    return np.asarray(2.0 * sum(_log_odds(k, n, together) for k, n in ((k1, n1), (k2, n2))))


def _log_odds(k: Array, n: int, expected: Array) -> Array:
    own = k / n
    return np.asarray(xlogy(k, own) - xlogy(k, expected) + xlogy(n - k, 1 - own) - xlogy(n - k, 1 - expected))
