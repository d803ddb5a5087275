"""Exact Gaussian regression of scores that share a family and a model.

Notation:
    z_i = g_f(c_i) + d_m(c_i) + eps_i       cell i of model m of family f on column c_i
    F, O        covariances of g and d over columns, shape (C, C)
    V_m         O on the cells of model m, plus noise, shape (n_m, n_m)
    E_m         which of the family's columns each cell of m is on, shape (n_m, C_f)
    A           sum_m E_m' V_m^-1 E_m: what the family's cells say about g, shape (C_f, C_f)
    G           (I + A F)^-1, shape (C_f, C_f)
    alpha       (covariance of all cells)^-1 z, shape (N,)

Models are independent given g_f, so the inverse of the covariance of a family's cells is never formed:
alpha_m = V_m^-1 (z_m - E_m F w) with w = G sum_m E_m' V_m^-1 z_m (the matrix inversion lemma; Rasmussen and
Williams, 2006, appendix A.3). The cost is a cube of n_m a model and one of C_f a family: linear in models.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ModelCells:
    """The cells of one model.

    Attributes:
        cells: Indices of the cells, shape (n,).
        places: Where each cell's column stands among the family's, shape (n,).
        inverse: V_m^-1, shape (n, n).
    """

    cells: Index
    places: Index
    inverse: Array


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Family:
    """What a family's cells say, ready to be asked.

    Attributes:
        columns: Columns that any member was measured on, ascending, shape (C_f,).
        members: Cells of each member, by model number.
        known: G A: how far g is pinned down, shape (C_f, C_f); symmetric, and G = I - known F.
    """

    columns: Index
    members: Mapping[int, ModelCells]
    known: Array


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SolvedFamily(Family):
    """A family's cells, solved for any scores.

    Attributes:
        gain: G, shape (C_f, C_f).
    """

    gain: Array

    def solve_into(self, alpha: Array, values: Array, shared: Array) -> Array:
        """w, shape (C_f, k); alpha of the family's cells is written where it belongs.

        Args:
            alpha: Of all cells of the table, shape (N, k); changed in place.
            values: Right-hand sides for all cells of the table, shape (N, k).
            shared: F, shape (C, C).
        """
        moment = np.zeros((len(self.columns), values.shape[1]))
        for member in self.members.values():
            weighted = member.inverse @ values[member.cells]
            alpha[member.cells] = weighted
            moment[member.places] += weighted  # a model has one cell a column
        weights = self.gain @ moment
        explained = shared[np.ix_(self.columns, self.columns)] @ weights
        for member in self.members.values():
            alpha[member.cells] -= member.inverse @ explained[member.places]
        return np.asarray(weights)


def solve_family(
    members: dict[int, Index], column: Index, noise: Array, shared: Array, own: Array
) -> SolvedFamily:
    """The family of these models.

    Args:
        members: Cells of each model, by model number; no model has two cells on one column.
        column: Column of every cell of the table, shape (N,).
        noise: Variance of every cell of the table, shape (N,).
        shared: F, shape (C, C).
        own: O, shape (C, C).
    """
    columns = np.unique(np.concatenate([column[cells] for cells in members.values()]))
    information = np.zeros((len(columns), len(columns)))
    solved = {}
    for model, cells in members.items():
        c = column[cells]
        covariance = own[c[:, None], c]
        covariance[np.diag_indices_from(covariance)] += noise[cells]
        inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        places = np.searchsorted(columns, c)
        information[places[:, None], places] += inverse
        solved[model] = ModelCells(cells=cells, places=places, inverse=inverse)
    within = shared[np.ix_(columns, columns)]
    gain = np.linalg.inv(np.eye(len(columns)) + information @ within)
    return SolvedFamily(columns=columns, members=solved, gain=gain, known=gain @ information)
