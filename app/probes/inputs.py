"""What models read: token ids of texts, of pairs and of texts cut into words, and batches of them.

Notation:
    n   texts;  B  texts in a batch;  T  tokens of the longest of them
    U   units of a batch: what a target is of, a text or, where words are tagged, a word; of pairs whose words
        are, the first token of all, which stands for the pair, and the words of the second text
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.probes.audio_inputs import AudioBatch, AudioFiles
from app.probes.image_inputs import ImageBatch, ImageFiles

if TYPE_CHECKING:
    from app.probes.writings import WritingBatch, Writings

CutPair: TypeAlias = tuple[list[str], list[str]]
Inputs: TypeAlias = Sequence[str] | Sequence[tuple[str, str]] | Sequence[list[str]] | Sequence[CutPair]
"""n texts, n pairs of texts, or n of either as lists of words."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Batch:
    """Padded token ids.

    Attributes:
        ids: Shape (B, T), int64.
        mask: 1 for a token, 0 for padding, shape (B, T), int64.
        types: 1 for a token of a pair's second text, shape (B, T), int64; None where there are no pairs.
        words: Row and first token of each word, shape (U, 2), int64, the token -1 where the word was cut off;
            None where units are texts.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor | None = None
    words: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device; to a card it travels while the processor goes on."""

        def moved(part: Tensor) -> Tensor:
            if device.type != "cuda":
                return part.to(device)
            return part.pin_memory().to(device, non_blocking=True)

        return Batch(
            ids=moved(self.ids),
            mask=moved(self.mask),
            types=None if self.types is None else moved(self.types),
            words=None if self.words is None else moved(self.words),
        )

    def units_of(self, states: Tensor) -> Tensor:
        """One vector a unit from one a token, in single precision, shape (U, d).

        The mean over a text's tokens, or the first token of each word (Devlin et al. 2019, section 5.3), 0
        for a word that was cut off.

        Args:
            states: Shape (B, T, d).
        """
        if self.words is None:
            return mean_pool(states, self.mask)
        rows, places = self.words.unbind(dim=1)
        there = (places >= 0).unsqueeze(1)
        return states[rows, places.clamp(min=0)].float() * there


def mean_pool(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that the mask keeps, in single precision.

    Args:
        states: Shape (B, T, d).
        mask: Shape (B, T).
    """
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Words:
    """Where the words of n texts begin, end to end.

    Attributes:
        places: First token of each word, -1 for a word that was cut off, shape (total,), int64.
        counts: Words of each text, shape (n,), int64.
    """

    places: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, places: Sequence[Sequence[int]]) -> "Words":
        """Of texts whose words begin at these tokens."""
        counts = np.fromiter(map(len, places), dtype=np.int64, count=len(places))
        flat = np.fromiter((i for row in places for i in row), dtype=np.int64, count=int(counts.sum()))
        return cls(places=flat, counts=counts)

    def in_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Of these texts place in the batch and first token of each word, shape (U, 2)."""
        own = np.repeat(np.arange(len(rows)), self.counts[rows])
        return torch.from_numpy(np.stack([own, self.places[units_of(self.counts, rows)]], axis=1))


def units_of(counts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the units of these texts, end to end.

    Args:
        counts: Units of each text, shape (n,).
        rows: Places of texts, in whose order their units come.
    """
    starts = np.cumsum(counts) - counts
    ends = np.cumsum(counts[rows])
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts[rows], counts[rows])
    return np.asarray(np.repeat(starts[rows], counts[rows]) + within, dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TokenizedTexts:
    """Token ids of n texts, end to end.

    Attributes:
        ids: All ids, shape (total,), int32.
        starts: Where each text begins, shape (n,), int64.
        lengths: Tokens of each text, shape (n,), int64.
        pad_id: Id that fills a row.
        seconds: Tokens before the second text of each pair, shape (n,), int64; None where there are no pairs.
        words: Where words begin; None where units are texts.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    pad_id: int
    seconds: NDArray[np.int64] | None = None
    words: Words | None = None

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int]],
        pad_id: int,
        seconds: Sequence[int] | None = None,
        words: Words | None = None,
    ) -> "TokenizedTexts":
        """Texts of these ids."""
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        ids = np.fromiter((i for row in rows for i in row), dtype=np.int32, count=int(lengths.sum()))
        begin = None if seconds is None else np.asarray(seconds, dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        return cls(ids=ids, starts=starts, lengths=lengths, pad_id=pad_id, seconds=begin, words=words)

    @classmethod
    def joined(cls, parts: Sequence["TokenizedTexts"]) -> "TokenizedTexts":
        """The texts of all parts, one after another, of one tokenizer; all pairs or none."""
        lengths = np.concatenate([part.lengths for part in parts])
        ids = np.concatenate([part.ids for part in parts])
        cut = [part.words for part in parts if part.words is not None]
        words = None
        if cut:
            words = Words(
                places=np.concatenate([part.places for part in cut]),
                counts=np.concatenate([part.counts for part in cut]),
            )
        begin = [part.seconds for part in parts if part.seconds is not None]
        starts = np.cumsum(lengths) - lengths
        return cls(
            ids=ids,
            starts=starts,
            lengths=lengths,
            pad_id=parts[0].pad_id,
            seconds=np.concatenate(begin) if begin else None,
            words=words,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def n_units(self) -> NDArray[np.int64]:
        """Units of each text, shape (n,)."""
        return np.ones(len(self), dtype=np.int64) if self.words is None else self.words.counts

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """These texts, padded on the right to the longest of them (at least one column)."""
        lengths = self.lengths[rows, None]
        columns = np.arange(max(int(lengths.max(initial=0)), 1))[None, :]
        mask = columns < lengths
        ids = np.full(mask.shape, self.pad_id, dtype=np.int64)
        ids[mask] = self.ids[(self.starts[rows, None] + columns)[mask]]
        types = None
        if self.seconds is not None:
            types = torch.from_numpy((mask & (columns >= self.seconds[rows, None])).astype(np.int64))
        return Batch(
            ids=torch.from_numpy(ids),
            mask=torch.from_numpy(mask.astype(np.int64)),
            types=types,
            words=None if self.words is None else self.words.in_batch(rows),
        )

    def training_batch(self, rows: NDArray[np.int64], seed: int) -> Batch:
        """The same as `batch`: texts are not changed by chance."""
        del seed
        return self.batch(rows)

    def renumbered(self, new_ids: NDArray[np.int32]) -> "TokenizedTexts":
        """The same texts after the vocabulary was restricted.

        Args:
            new_ids: New id by old id, shape (V,).
        """
        return replace(self, ids=new_ids[self.ids], pad_id=int(new_ids[self.pad_id]))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TextsApart:
    """n pairs of texts that are read one by one: a batch holds all first ones before all second ones.

    Attributes:
        texts: The n first ones, then the n second ones.
    """

    texts: TokenizedTexts

    @classmethod
    def of(cls, first: TokenizedTexts, second: TokenizedTexts) -> "TextsApart":
        """Pairs of these."""
        return cls(texts=TokenizedTexts.joined([first, second]))

    def __len__(self) -> int:
        return len(self.texts) // 2

    @property
    def ids(self) -> NDArray[np.int32]:
        """All ids, shape (total,)."""
        return self.texts.ids

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of the longer text of each pair, shape (n,)."""
        return np.asarray(np.maximum(*self.texts.lengths.reshape(2, -1)))

    @property
    def n_units(self) -> NDArray[np.int64]:
        """One a pair, shape (n,)."""
        return np.ones(len(self), dtype=np.int64)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The first texts of these pairs, then the second ones."""
        return self.texts.batch(np.concatenate([rows, rows + len(self)]))

    def training_batch(self, rows: NDArray[np.int64], seed: int) -> Batch:
        """The same as `batch`: texts are not changed by chance."""
        del seed
        return self.batch(rows)

    def renumbered(self, new_ids: NDArray[np.int32]) -> "TextsApart":
        """The same pairs after the vocabulary was restricted; see `TokenizedTexts.renumbered`."""
        return TextsApart(texts=self.texts.renumbered(new_ids))


Files: TypeAlias = ImageFiles | AudioFiles
"""What a model of files is trained on."""
Encoded: TypeAlias = "TokenizedTexts | TextsApart | Files | Writings"
"""What a model is trained on."""
AnyBatch: TypeAlias = "Batch | ImageBatch | AudioBatch | WritingBatch"
"""What a model reads at once."""


def compared(both: Tensor) -> Tensor:
    """Of pairs both vectors, their distance and their product, shape (B, ..., 4 d).

    Source: Conneau et al. 2017, "Supervised Learning of Universal Sentence Representations from Natural
    Language Inference Data", section 3.1 (InferSent).

    Args:
        both: The B first vectors, then the B second ones, shape (2 B, ..., d).
    """
    u, v = both.chunk(2)
    return torch.cat([u, v, (u - v).abs(), u * v], dim=-1)


def is_paired(texts: Inputs) -> TypeGuard[Sequence[tuple[str, str]]]:
    """Whether these are pairs of texts; of none at all nobody can tell, and it does not matter."""
    return len(texts) > 0 and isinstance(texts[0], tuple) and isinstance(texts[0][0], str)


def is_cut_pair(texts: Inputs) -> TypeGuard[Sequence[CutPair]]:
    """Whether these are pairs of lists of words."""
    return len(texts) > 0 and isinstance(texts[0], tuple) and isinstance(texts[0][0], list)


def is_cut(texts: Inputs) -> TypeGuard[Sequence[list[str]]]:
    """Whether these are lists of words."""
    return len(texts) > 0 and isinstance(texts[0], list)
