"""How well a tokenizer knows the user's texts: part of what speaks for or against a candidate.

Notation:
    fertility    tokens a word; of Chinese and Japanese tokens a character, which need no word boundaries

Source: Acs 2019, "Exploring BERT's Vocabulary"; Rust et al. 2021, "How Good is Your Tokenizer?", section 3.2
(fertility and unknown tokens foretell how well a multilingual model does on a language).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import is_cjk
from app.probes.inputs import TokenizedTexts


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyFit:
    """Of a tokenizer on some texts.

    Attributes:
        fertility: Tokens a word, or a character; special tokens and texts that were cut off do not count.
        unknown_share: Share of the tokens that stand for what the vocabulary lacks.
        truncated_share: Share of the texts of which something was cut off.
    """

    fertility: float
    unknown_share: float
    truncated_share: float


def vocabulary_fit(
    tokenized: TokenizedTexts,
    texts: Sequence[str],
    *,
    unknown_id: int | None,
    n_special: int,
    max_length: int,
) -> VocabularyFit:
    """How well these texts are known.

    Args:
        tokenized: n texts.
        texts: The same.
        unknown_id: Of the token for what the vocabulary lacks; None where it lacks nothing.
        n_special: Tokens that every text gets besides its own.
        max_length: Tokens kept of a text.
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
    )


def _units(texts: Sequence[str]) -> NDArray[np.int64]:
    """Words of each text, or characters, shape (n,)."""
    if is_cjk(texts):
        counts = (len(text) - sum(c.isspace() for c in text) for text in texts)
    else:
        counts = (len(text.split()) for text in texts)
    return np.fromiter(counts, dtype=np.int64, count=len(texts))
