"""When two texts count as the same."""

from collections.abc import Iterable

import numpy as np
import xxhash
from numpy.typing import NDArray


def fold(text: str) -> str:
    """The text with case folded and white space collapsed: equal for copies of one text."""
    return " ".join(text.casefold().split())


def fold_hash(text: str) -> int:
    """64-bit hash of the folded text; among a million texts a false match has odds of about 3e-8."""
    return xxhash.xxh3_64_intdigest(fold(text).encode("utf-8", "surrogatepass"))


def fold_hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """`fold_hash` of each text, shape (n,)."""
    return np.fromiter((fold_hash(text) for text in texts), dtype=np.uint64)
