"""Things that are kept to be used again, bounded by the memory they take instead of by their number."""

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The most recently used values that fit a number of bytes. Threads may share it."""

    def __init__(self, most_bytes: int) -> None:
        """Keep up to so many bytes."""
        self._values: LRUCache[K, tuple[V, int]] = LRUCache(most_bytes, getsizeof=lambda kept: kept[1])
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def n_bytes(self) -> float:
        """Of all that is kept."""
        return self._values.currsize

    def get(self, key: K) -> V | None:
        """The value of this key, from now on the most recently used."""
        with self._lock:
            found = self._values.get(key)
        return None if found is None else found[0]

    def keep(self, key: K, value: V, n_bytes: int) -> V:
        """Remember a value; those not used for longest are forgotten. Returns what is kept under the key.

        Args:
            key: A key that is taken keeps its value: threads that made the same thing use one of them.
            value: What is remembered, unless it alone takes more than there is room for.
            n_bytes: That it takes.
        """
        with self._lock:
            if n_bytes <= self._values.maxsize:
                return self._values.setdefault(key, (value, n_bytes))[0]
        return value
