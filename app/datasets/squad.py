"""SQuAD's JSON: articles, their paragraphs, and the questions asked of each, in one object.

    {"version", "data": [{"title", "paragraphs": [{"context", "qas": [{"question", "answers": [...]}]}]}]}

Source: Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text"; KorQuAD,
CMRC 2018 and others are published in the same form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import ijson

from app.datasets.errors import DatasetError
from app.datasets.json_lines import paired
from app.datasets.table import Record

_BEGINNING = re.compile(
    r'\s*\{\s*(?:"[^"]{0,99}"\s*:\s*(?:"[^"]{0,999}"|[\w.+-]{1,99})\s*,\s*){0,20}"data"\s*:\s*\['
)
"""Keys with a text, number or name of a constant may come before the articles."""
_REMEDY = (
    'Write {"data": [{"title": "...", "paragraphs": [{"context": "...", "qas": [{"question": "...", '
    '"answers": [{"text": "...", "answer_start": 0}]}]}]}]}.'
)


class MalformedSquadError(DatasetError):
    """A file that begins like SQuAD's and cannot be read as that."""

    def __init__(self, wrong: str) -> None:
        super().__init__(f"The file begins like SQuAD's JSON but {wrong}.", remedy=_REMEDY)


def is_squad(beginning: str) -> bool:
    """Whether a text begins like SQuAD's JSON, not like an object a line."""
    return _BEGINNING.match(beginning) is not None


class SquadSource:
    """A SQuAD file; satisfies `RecordSource`. A record's number is that of its question in the file."""

    unit = "question"
    columns = ("question", "context", "answers", "title")
    warnings: tuple[str, ...] = ()

    def __init__(self, path: Path, encoding: str) -> None:
        self._path, self._encoding = path, encoding
        if next(self.records(()), None) is None:
            raise MalformedSquadError("holds no question")

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """The values of these columns, question by question, in the memory that one article takes.

        Raises:
            MalformedSquadError: It is not valid JSON, or not of this form.
        """
        number = 0
        for place, article in enumerate(self._articles(), start=1):
            title = article.get("title") if isinstance(article, Mapping) else None
            for context, question, answers in _asked(article, f"article {place}"):
                number += 1
                found = dict(zip(self.columns, (question, context, answers, title), strict=True))
                yield number, [_mended(found[name]) for name in columns]

    def _articles(self) -> Iterator[object]:
        with self._path.open(encoding=self._encoding, newline="") as file:
            try:
                yield from ijson.items(_Utf8(file), "data.item", use_float=True)
            except (ijson.JSONError, ValueError):  # the latter for halves of surrogate pairs and long numbers
                raise MalformedSquadError("is not valid JSON, or cut off") from None


class _Utf8:
    """A text as the bytes that `ijson` reads, whatever its encoding."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """About so many of them; none at the end."""
        return self._file.read(size).encode()


def _asked(article: object, where: str) -> Iterator[tuple[object, object, object]]:
    """Passage, question and answers of every question of an article."""
    for i, paragraph in enumerate(_list(article, "paragraphs", where), start=1):
        here = f"paragraph {i} of {where}"
        questions = _list(paragraph, "qas", here)
        context = paragraph.get("context") if isinstance(paragraph, Mapping) else None
        for question in questions:
            if not isinstance(question, Mapping):
                raise MalformedSquadError(f"a question of {here} is no object")
            yield context, question.get("question"), question.get("answers")


def _list(holder: object, name: str, where: str) -> list[object]:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    if not isinstance(found, list):
        raise MalformedSquadError(f"{where} has no list {name!r}")
    return found


def _mended(value: object) -> object:
    return paired(value) if isinstance(value, str) else value
