r"""Plain text as a table of passages: what a language model is trained and measured on.

A passage ends at an empty line once it is half full, else before the line that would overfill it. A line that
is longer than a passage is cut between words. White space within a passage stays as it is.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from app.datasets.table import Record, text_lines
from app.datasets.upload import EmptyFileError

TEXT = "text"
PASSAGE_WORDS = 200
"""Words of a passage at most: 250 to 350 tokens of most tokenizers, so that none is cut at 512.

Of Chinese, Japanese and Korean a character counts as a word, and so do any 20 characters without a space.
"""
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
    r"|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]{1,20}"
)


class RunningText:
    """A text file; satisfies `RecordSource`. A record's number is the line on which its passage begins."""

    unit = "line"
    columns = (TEXT,)
    warnings: tuple[str, ...] = ()

    def __init__(self, path: Path, encoding: str) -> None:
        """Passages of this file.

        Raises:
            EmptyFileError: It holds nothing but white space.
        """
        self._path, self._encoding = path, encoding
        if next(self._passages(), None) is None:
            raise EmptyFileError

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """Every passage.

        Raises:
            FieldTooLongError: A line is longer than is read.
        """
        for number, passage in self._passages():
            yield number, [passage for _ in columns]

    def _passages(self) -> Iterator[tuple[int, str]]:
        begun, held, n_words = 0, list[str](), 0
        for number, line in enumerate(text_lines(self._path, self._encoding), start=1):
            for piece, n in _pieces(line):
                ends = n_words + n > PASSAGE_WORDS if n else n_words >= PASSAGE_WORDS // 2
                if held and ends:
                    yield begun, "".join(held).strip()
                    held, n_words = [], 0
                if n and not held:
                    begun = number
                if n or held:
                    held.append(piece)
                    n_words += n
        if held:
            yield begun, "".join(held).strip()


def _pieces(line: str) -> Iterator[tuple[str, int]]:
    """A line in pieces of at most `PASSAGE_WORDS` words with their number; together they are the line."""
    words = [found.start() for found in _WORD.finditer(line)]
    starts = [0, *words[PASSAGE_WORDS::PASSAGE_WORDS], len(line)]
    n_left = len(words)
    for start, stop in pairwise(starts):
        yield line[start:stop], min(n_left, PASSAGE_WORDS)
        n_left -= PASSAGE_WORDS
