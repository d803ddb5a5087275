"""CoNLL files: a token and its tag a line, the tag last; a blank line between sentences.

Source: Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task", section 2.2.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.datasets.table import HeaderOnlyError, MalformedRowError, Record, text_lines

TOKENS, TAGS = "tokens", "tags"
MOST_TOKENS = 10_000
"""Of a sentence: more is a file without blank lines."""
_DOCUMENT = "-DOCSTART-"
_PARTS = re.compile(r"[ \t]+")
_REMEDY = "Write a token and its tag a line, parted by a tab or a space, and a blank line between sentences."
_COLUMNS = 2


class ConllSource:
    """A CoNLL file; satisfies `RecordSource`. A record's number is the line on which its sentence begins."""

    unit = "line"
    columns = (TOKENS, TAGS)
    warnings: tuple[str, ...] = ()

    def __init__(self, path: Path, encoding: str) -> None:
        self._path, self._encoding = path, encoding
        if next(self._sentences(), None) is None:
            raise HeaderOnlyError

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """Tokens, tags or both of every sentence.

        Raises:
            MalformedRowError: A line has no tag, or a sentence does not end.
        """
        for number, tokens, tags in self._sentences():
            found = {TOKENS: tokens, TAGS: tags}
            yield number, [found[name] for name in columns]

    def _sentences(self) -> Iterator[tuple[int, list[str], list[str]]]:
        begun, tokens, tags = 0, list[str](), list[str]()
        for number, line in enumerate(text_lines(self._path, self._encoding), start=1):
            parts = _PARTS.split(line.strip("\r\n\t "))
            if not parts[0] or parts[0] == _DOCUMENT:
                if tokens:
                    yield begun, tokens, tags
                    tokens, tags = [], []
                continue
            if len(parts) < _COLUMNS:
                if line.startswith("#"):  # as CoNLL-U comments
                    continue
                raise MalformedRowError(number, "a token without a tag", _REMEDY)
            if not tokens:
                begun = number
            if len(tokens) >= MOST_TOKENS:
                raise MalformedRowError(begun, f"a sentence of more than {MOST_TOKENS:,} tokens", _REMEDY)
            tokens.append(parts[0])
            tags.append(parts[-1])
        if tokens:
            yield begun, tokens, tags
