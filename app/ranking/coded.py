"""One value a model, few of them distinct: kept as numbers, so that each value is looked at once."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, eq=False, slots=True)
class Coded(Generic[T]):
    """Values of M models.

    Attributes:
        distinct: The values.
        codes: Which of them each model has, shape (M,).
    """

    distinct: tuple[T, ...]
    codes: Index

    @classmethod
    def of(cls, values: Iterable[T]) -> "Coded[T]":
        """These values, one a model."""
        number: dict[T, int] = {}
        codes = np.fromiter((number.setdefault(value, len(number)) for value in values), dtype=np.intp)
        return cls(tuple(number), codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, models: Index) -> "Coded[T]":
        """The values of these models."""
        return Coded(self.distinct, self.codes[models])

    def where(self, test: Callable[[T], bool]) -> NDArray[np.bool_]:
        """Which models' values pass the test, shape (M,)."""
        return np.array([test(value) for value in self.distinct], dtype=bool)[self.codes]
