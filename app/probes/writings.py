"""What models that write read: a source and the answer to be written of it, and batches of both.

Notation:
    n   texts;  B  texts in a batch
    T   tokens of the longest input;  S  places that something is predicted at (T for decoders)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.probes.baselines.classes import is_cjk
from app.probes.data import Part
from app.probes.inputs import TokenizedTexts
from app.tasks.targets import texts_of

NOTHING = -100
"""Label of a place at which nothing is predicted; what torch's cross-entropy ignores."""
TYPICAL = 95
"""Percentile of the answers' lengths that a model may write at most."""
LONGEST_WORD = 20
"""Characters that white space parts on average, beyond which it parts no words (German words have 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What counts as a word: what white space parts, or, of texts without spaces, a character.

    Attributes:
        is_character: Whether it is a character.
    """

    is_character: bool = False

    def words(self, text: str) -> int:
        """Their number; 1 of a text that has none, so that it may be divided by."""
        pieces = text.split()
        return max(sum(map(len, pieces)) if self.is_character else len(pieces), 1)

    def sizes(self, text: str) -> tuple[int, int]:
        """Words and bytes of a text."""
        return self.words(text), max(len(text.encode("utf-8", "surrogatepass")), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Texts as a task has them written.

    Attributes:
        sources: n texts that answers are written of, empty ones where running text is.
        answers: n texts to be written.
        unit: What counts as a word of them.
        task_type: As the API spells it.
        cue: What tells a decoder, behind the source, that the answer begins.
        keeps_end: Whether a source that is too long loses its beginning instead of its end.
    """

    sources: Sequence[str]
    answers: Sequence[str]
    unit: Unit
    task_type: str
    cue: str = ""
    keeps_end: bool = False

    @property
    def is_running(self) -> bool:
        """Whether answers are pieces of running text, which go on where they end."""
        return not any(self.sources)

    def joined(self, others: "Pages") -> "Pages":
        """These texts and others of the same task behind them."""
        return replace(
            self, sources=[*self.sources, *others.sources], answers=[*self.answers, *others.answers]
        )


def answers_of(part: Part) -> list[str]:
    """Of each example the text that is learnt from."""
    return [texts_of(kept)[0] for kept in part.targets]


def unit_of(texts: Sequence[str]) -> Unit:
    """What counts as a word of these texts."""
    n_characters = sum(len(piece) for text in texts for piece in text.split())
    n_words = sum(len(text.split()) for text in texts)
    return Unit(is_character=is_cjk(texts) or n_characters > LONGEST_WORD * n_words)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WritingBatch:
    """Texts ready for a model that writes.

    Attributes:
        ids: What is read, padded on the right, shape (B, T), int64.
        mask: 1 for a token, 0 for padding, shape (B, T), int64.
        labels: Id that is to be predicted at each place or `NOTHING`, shape (B, S), int64.
        sizes: Words and bytes of what is to be written, shape (B, 2).
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    sizes: Tensor

    def to(self, device: torch.device) -> "WritingBatch":
        """The same batch on another device."""
        parts = (part.to(device) for part in (self.ids, self.mask, self.labels, self.sizes))
        ids, mask, labels, sizes = parts
        return WritingBatch(ids=ids, mask=mask, labels=labels, sizes=sizes)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Writings:
    """n texts with what is to be written of them, as token ids.

    Attributes:
        texts: What is read: for a decoder source and answer as one pair, else the source alone.
        answers: What is to be written; None for a decoder.
        sizes: Words and bytes of the part of each answer that was not cut off, shape (n, 2), float32.
    """

    texts: TokenizedTexts
    sizes: NDArray[np.float32]
    answers: TokenizedTexts | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens read and written of each text, shape (n,)."""
        written = 0 if self.answers is None else self.answers.lengths
        return np.asarray(self.texts.lengths + written, dtype=np.int64)

    @property
    def n_units(self) -> NDArray[np.int64]:
        """One a text, shape (n,)."""
        return np.ones(len(self), dtype=np.int64)

    @property
    def typical_answer(self) -> int:
        """Tokens that `TYPICAL` per cent of the answers have at most."""
        lengths = self.texts.lengths if self.answers is None else self.answers.lengths
        if self.texts.seconds is not None:
            lengths = lengths - self.texts.seconds
        return int(np.ceil(np.percentile(lengths, TYPICAL))) if len(lengths) else 1

    def batch(self, rows: NDArray[np.int64]) -> WritingBatch:
        """These texts."""
        read = self.texts.batch(rows)
        sizes = torch.from_numpy(self.sizes[rows])
        if self.answers is not None:
            answers = self.answers.batch(rows)
            labels = answers.ids.masked_fill(answers.mask == 0, NOTHING)
            return WritingBatch(ids=read.ids, mask=read.mask, labels=labels, sizes=sizes)
        if read.types is None:
            raise ValueError("a decoder reads source and answer as a pair")
        # At each place the next token is predicted, where it is the answer's.
        labels = torch.full_like(read.ids, NOTHING)
        labels[:, :-1] = read.ids[:, 1:].masked_fill(read.types[:, 1:] == 0, NOTHING)
        return WritingBatch(ids=read.ids, mask=read.mask, labels=labels, sizes=sizes)

    def training_batch(self, rows: NDArray[np.int64], seed: int) -> WritingBatch:
        """The same as `batch`: texts are not changed by chance."""
        del seed
        return self.batch(rows)

    def prompts(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """What the model writes after, and its mask, each of shape (B, T), padded on the left."""
        texts = self.texts
        n = texts.lengths[rows] if texts.seconds is None else texts.seconds[rows]
        columns = np.arange(max(int(n.max(initial=0)), 1))
        mask = columns >= len(columns) - n[:, None]
        ids = np.full(mask.shape, texts.pad_id, dtype=np.int64)
        for row, (start, length) in enumerate(zip(texts.starts[rows], n, strict=True)):
            ids[row, len(columns) - length :] = texts.ids[start : start + length]
        return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))
