"""Things that are kept to be used again, bounded by the memory they take instead of by their number."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The most recently used values that fit a number of bytes. Threads may share it."""

    def __init__(self, most_bytes: int) -> None:
        """Keep up to so many bytes; the newest value stays, however large."""
        self._most_bytes = most_bytes
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._n_bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def n_bytes(self) -> int:
        """Of all that is kept."""
        return self._n_bytes

    def get(self, key: K) -> V | None:
        """The value of this key, from now on the most recently used."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def keep(self, key: K, value: V, n_bytes: int) -> V:
        """Remember a value; those not used for longest are forgotten. Returns what is kept under the key.

        Args:
            key: A key that is taken keeps its value: threads that made the same thing use one of them.
            value: What is remembered.
            n_bytes: That it takes.
        """
        with self._lock:
            known = self._values.get(key)
            if known is not None:
                return known[0]
            self._values[key] = value, n_bytes
            self._n_bytes += n_bytes
            while self._n_bytes > self._most_bytes and len(self._values) > 1:
                self._n_bytes -= self._values.popitem(last=False)[1][1]
        return value
