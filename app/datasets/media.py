"""A kind of file that examples may be: how it is told, checked and spoken of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple


class Checked(NamedTuple):
    """A file that can be read to its end.

    Attributes:
        suffix: It is kept under.
        seconds: How long it is; None of what has no length.
    """

    suffix: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One kind.

    Attributes:
        noun: What one is called; several are called that with an s.
        formats: Those that are read, in words.
        suffixes: By which a file's name says that it is one, with their dots.
        checked: Reads one's content; takes its name in the archive too, for messages. Raises a `DatasetError`
            that names it where it is damaged or too large.
    """

    noun: str
    formats: str
    suffixes: frozenset[str]
    checked: Callable[[bytes, str], Checked]

    def names(self, path: PurePosixPath) -> bool:
        """Whether a file's name says that it is one of this kind."""
        return path.suffix.casefold() in self.suffixes
