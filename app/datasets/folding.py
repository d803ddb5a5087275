"""When two texts count as the same."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

_BETWEEN = "\x1f"
_SIGNS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """The text with case folded and white space collapsed: equal for copies of one text."""
    return " ".join(text.casefold().split())


def fold_hash(text: str) -> int:
    """64-bit hash of the folded text; among a million texts a false match has odds of about 3e-8."""
    return xxhash.xxh3_64_intdigest(fold(text).encode("utf-8", "surrogatepass"))


def wording_hash(text: str) -> int:
    """64-bit hash of letters and digits alone: equal for a sentence however it is spaced or marked."""
    return fold_hash(_SIGNS.sub("", text) or text)


def pair_hash(text: str, text_pair: str | None) -> int:
    """The same of a text alone or of two in their order: what entails need not be entailed."""
    return fold_hash(text if text_pair is None else f"{fold(text)}{_BETWEEN}{fold(text_pair)}")


def unordered_hashes(texts: Sequence[str], pairs: Sequence[str] | None) -> NDArray[np.uint64]:
    """Of each example, shape (n,): equal for copies of a text, and of a pair in whichever order."""
    first = fold_hashes(texts)
    return first if pairs is None else first + fold_hashes(pairs)


def fold_hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """`fold_hash` of each text, shape (n,)."""
    return np.fromiter((fold_hash(text) for text in texts), dtype=np.uint64)
