"""How well a tokenizer knows the user's texts: part of what speaks for or against a candidate.

Notation:
    fertility    tokens a word; of Chinese and Japanese tokens a character, which need no word boundaries

Sources: Acs 2019, "Exploring BERT's Vocabulary"; Rust et al. 2021, "How Good is Your Tokenizer?", section 3.2
(fertility and unknown tokens foretell how well a multilingual model does on a language); Gururangan et al.
2020, "Don't Stop Pretraining", section 3.1 (how many of a domain's commonest words are those of a corpus).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import is_cjk
from app.probes.inputs import TokenizedTexts

MOST_TEXTS, MOST_WORDS = 2_000, 2_000
"""That the commonest words are found in, and of these."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_AT_ONCE, _LONGEST = 40, 512
"""Words that are cut together, and tokens that they may take."""


@dataclass(frozen=True, slots=True)
class VocabularyFit:
    """Of a tokenizer on some texts.

    Attributes:
        fertility: Tokens a word, or a character; special tokens and texts that were cut off do not count.
        unknown_share: Share of the tokens that stand for what the vocabulary lacks.
        truncated_share: Share of the texts of which something was cut off.
        whole_share: Share of the commonest words that are one token; None of Chinese and Japanese, whose
            characters are.
    """

    fertility: float
    unknown_share: float
    truncated_share: float
    whole_share: float | None = None

    def packed(self) -> NDArray[np.float64]:
        """As numbers, of which one that is not known is not a number."""
        return np.array([np.nan if value is None else value for value in astuple(self)])

    @classmethod
    def unpacked(cls, numbers: NDArray[np.generic]) -> "VocabularyFit":
        """What `packed` gave."""
        fertility, unknown, truncated, whole = np.asarray(numbers, dtype=np.float64).tolist()
        return cls(fertility, unknown, truncated, None if np.isnan(whole) else whole)


def vocabulary_fit(
    tokenized: TokenizedTexts,
    texts: Sequence[str],
    *,
    unknown_id: int | None,
    n_special: int,
    max_length: int,
    whole: float | None = None,
) -> VocabularyFit:
    """How well these texts are known.

    Args:
        tokenized: n texts.
        texts: The same.
        unknown_id: Of the token for what the vocabulary lacks; None where it lacks nothing.
        n_special: Tokens that every text gets besides its own.
        max_length: Tokens kept of a text.
        whole: As `whole_share` gives it.
    """
    is_whole = tokenized.lengths < max_length
    units = _units(texts)[is_whole].sum()
    tokens = (tokenized.lengths[is_whole] - n_special).sum()
    n_own = max(int(tokenized.lengths.sum()) - n_special * len(texts), 1)
    n_unknown = 0 if unknown_id is None else int((tokenized.ids == unknown_id).sum())
    return VocabularyFit(
        fertility=round(float(tokens / max(units, 1)), 4),
        unknown_share=round(n_unknown / n_own, 6),
        truncated_share=round(1.0 - float(is_whole.mean()), 6) if len(texts) else 0.0,
        whole_share=whole,
    )


def whole_share(
    texts: Sequence[str], tokenize: Callable[[Sequence[list[str]], int], TokenizedTexts]
) -> float | None:
    """Share of the texts' commonest words of three letters or more that a vocabulary holds whole.

    Args:
        texts: n of them.
        tokenize: Cuts lists of words, each to so many tokens.
    """
    if is_cjk(texts):
        return None
    counts = Counter(word for text in texts[:MOST_TEXTS] for word in _WORD.findall(text))
    words = [word for word, _ in counts.most_common(MOST_WORDS)]
    if not words:
        return None
    # The last word of a list ends where special tokens begin, so one more is put behind it.
    lists = [[*words[i : i + _AT_ONCE], "a"] for i in range(0, len(words), _AT_ONCE)]
    cut = tokenize(lists, _LONGEST).words
    if cut is None:
        raise ValueError("words were not cut apart")
    rows = np.split(cut.places, np.cumsum(cut.counts)[:-1])
    tokens = np.concatenate([np.diff(row)[(row[:-1] >= 0) & (row[1:] >= 0)] for row in rows])
    return round(float(np.mean(tokens == 1)), 4) if len(tokens) else None


def _units(texts: Sequence[str]) -> NDArray[np.int64]:
    """Words of each text, or characters, shape (n,)."""
    if is_cjk(texts):
        counts = (len(text) - sum(c.isspace() for c in text) for text in texts)
    else:
        counts = (len(text.split()) for text in texts)
    return np.fromiter(counts, dtype=np.int64, count=len(texts))
