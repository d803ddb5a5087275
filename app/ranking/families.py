"""Families of a stored fit: solved once offline, unfolded again when one is asked about.

What is kept of a family is `known` (see `app.ranking.regression`), from which all else follows. The inverses
of its members' covariances are made when a member is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from app.keeping import Kept
from app.ranking.regression import Family, ModelCells

Array = NDArray[np.float64]
Index = NDArray[np.intp]
MEMBER_BYTES = 32 * 2**20
"""Solved members that are remembered: some 2,500 models of 38 figures."""
OVERHEAD_BYTES = 512
V = TypeVar("V")


class Changed(Mapping[str, V]):
    """A mapping with some of its values replaced, or taken away; the others are not looked at."""

    def __init__(self, before: Mapping[str, V], changes: Mapping[str, V | None]) -> None:
        """Remember both; None takes a value away."""
        self._before, self._changes = before, changes

    def __getitem__(self, name: str) -> V:
        if name not in self._changes:
            return self._before[name]
        found = self._changes[name]
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return self._changes[name] is not None if name in self._changes else name in self._before  # type: ignore[index]

    def __iter__(self) -> Iterator[str]:
        return (
            name for name in {**dict.fromkeys(self._before), **dict.fromkeys(self._changes)} if name in self
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LazyMembers(Mapping[int, ModelCells]):
    """Cells of each member of a family, by model number, solved when they are looked at."""

    def __init__(
        self,
        models: Index,
        starts: Index,
        columns: Index,
        table: tuple[Index, Array],
        own: Array,
        solved: Kept[int, ModelCells],
    ) -> None:
        """Remember where everything is.

        Args:
            models: Numbers of the members, ascending.
            starts: Where the cells of each model of the table begin, shape (M + 1,).
            columns: Of the family, ascending, shape (C_f,).
            table: Column and noise of every cell of the table, each of shape (N,).
            own: O, shape (C, C).
            solved: Members of any family that were solved before, by model number.
        """
        self._models, self._starts = models, starts
        self._columns, self._table, self._own = columns, table, own
        self._solved = solved

    def __getitem__(self, model: int) -> ModelCells:
        found = self._solved.get(model)
        if found is not None:
            return found
        if model not in self:
            raise KeyError(model)
        cells = np.arange(self._starts[model], self._starts[model + 1])
        made = solve_member(cells, self._columns, *self._table, self._own)
        return self._solved.keep(model, made, made.inverse.nbytes + OVERHEAD_BYTES)

    def __iter__(self) -> Iterator[int]:
        return iter(self._models.tolist())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, model: object) -> bool:
        place = np.searchsorted(self._models, model)  # type: ignore[call-overload]
        return bool(place < len(self._models) and self._models[place] == model)


def solve_member(cells: Index, columns: Index, column: Index, noise: Array, own: Array) -> ModelCells:
    """A member's V_m^-1 and the places of its cells; arguments as for `LazyMembers`."""
    c = column[cells]
    covariance = np.array(own[c[:, None], c], dtype=np.float64)
    covariance[np.diag_indices_from(covariance)] += noise[cells]
    return ModelCells(
        cells=cells,
        places=np.searchsorted(columns, c),
        inverse=np.asarray(np.linalg.inv(covariance), dtype=np.float64),
    )


class StoredFamilies(Mapping[str, Family]):
    """Families of a stored fit, by name; each is unfolded once."""

    def __init__(
        self,
        names: Mapping[str, int],
        columns: list[Index],
        known: list[Array],
        members: Sequence[Index],
        starts: Index,
        cells: tuple[Index, Array],
        own: Array,
    ) -> None:
        """Remember where everything is.

        Args:
            names: Number of each family.
            columns: Of each family, ascending.
            known: Of each family, shape (C_f, C_f).
            members: Numbers of the members of each family, ascending.
            starts: Where the cells of each model of the table begin, shape (M + 1,).
            cells: Column and noise of every cell of the table, each of shape (N,).
            own: O, shape (C, C).
        """
        self._names, self._columns, self._known, self._members = names, columns, known, members
        self._starts = starts
        self._cells, self._own = cells, own
        self._solved = Kept[int, ModelCells](MEMBER_BYTES)
        self._unfolded: dict[str, Family] = {}

    def __getitem__(self, name: str) -> Family:
        found = self._unfolded.get(name)
        if found is None:
            found = self._unfolded[name] = self._unfold(self._names[name])
        return found

    def _unfold(self, number: int) -> Family:
        columns = self._columns[number]
        return Family(
            columns=columns,
            members=LazyMembers(
                self._members[number], self._starts, columns, self._cells, self._own, self._solved
            ),
            known=self._known[number],
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names
