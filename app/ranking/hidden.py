"""What the figures say about each cell when its whole data set is hidden, in closed form.

Notation as in `app.ranking.regression`; for the cells d of one family on one data set:
    P_dd            block of the inverse covariance of the family's cells
    e_d             P_dd^-1 alpha_d: how far they lie from what all other data sets say (Rasmussen and
                    Williams, 2006, section 5.4.2, for groups instead of single cells)
    diag P_dd^-1    the variance that the model gives to e_d
    P_dd = B - Q S Q'   with B the members' blocks of V_m^-1, Q their rows of V_m^-1 by the family's columns,
                    and S = (F^-1 + A)^-1, so that its inverse costs no cube of the family's size
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.ranking.regression import Family
from app.ranking.scale import cells_by

Array = NDArray[np.float64]
Index = NDArray[np.intp]


def hidden_errors(
    families: Mapping[str, Family], shared: Array, alpha: Array, dataset: Index
) -> tuple[Array, Array]:
    """The errors e and their variances, cell by cell, each of shape (N,).

    Shifts and coefficients of the traits are held.

    Args:
        families: Solved.
        shared: F, shape (C, C).
        alpha: Of every cell, shape (N,).
        dataset: Number of every cell's data set, shape (N,).
    """
    errors, variances = np.zeros(len(alpha)), np.ones(len(alpha))
    for family in families.values():
        within = shared[np.ix_(family.columns, family.columns)]
        common = within - within @ family.known @ within
        by_dataset: dict[int, list[tuple[int, Index]]] = {}
        for number, member in family.members.items():
            for name, places in _places_by(dataset[member.cells]):
                by_dataset.setdefault(name, []).append((number, places))
        for found in by_dataset.values():
            cells = np.concatenate([family.members[m].cells[places] for m, places in found])
            errors[cells], variances[cells] = _solve(family, found, common, alpha[cells])
    return errors, variances


def _places_by(datasets: Index) -> list[tuple[int, Index]]:
    names, inverse = np.unique(datasets, return_inverse=True)
    return list(zip(names.tolist(), cells_by(inverse, len(names)), strict=True))


def _solve(
    family: Family, found: list[tuple[int, Index]], common: Array, alpha: Array
) -> tuple[Array, Array]:
    """P_dd^-1 alpha_d and the diagonal of P_dd^-1.

    Args:
        family: Solved.
        found: Members with the places of their cells on the data set, together n cells.
        common: S, shape (C_f, C_f).
        alpha: Of these cells, shape (n,).
    """
    rows, blocks, start = np.zeros((len(alpha), len(common))), [], 0
    for number, places in found:
        member, stop = family.members[number], start + len(places)
        rows[start:stop, member.places] = member.inverse[places]
        blocks.append((slice(start, stop), member.inverse[places[:, None], places]))
        start = stop
    solver = _solve_few if len(alpha) <= len(common) else _solve_many
    errors, variances = solver(rows, blocks, common, alpha)
    return errors, np.maximum(variances, 1e-6)


def _solve_few(
    rows: Array, blocks: list[tuple[slice, Array]], common: Array, alpha: Array
) -> tuple[Array, Array]:
    """By inverting P_dd."""
    precision = -(rows @ common) @ rows.T
    for mine, block in blocks:
        precision[mine, mine] += block
    covariance = np.linalg.inv(precision)
    return covariance @ alpha, np.diag(covariance)


def _solve_many(
    rows: Array, blocks: list[tuple[slice, Array]], common: Array, alpha: Array
) -> tuple[Array, Array]:
    """By the matrix inversion lemma, which costs no cube of the number of cells."""
    lifted, pulled, diagonal = np.empty_like(rows), np.empty(len(alpha)), np.empty(len(alpha))
    for mine, block in blocks:
        inverse = np.linalg.inv(block)
        lifted[mine], pulled[mine], diagonal[mine] = (
            inverse @ rows[mine],
            inverse @ alpha[mine],
            np.diag(inverse),
        )
    inner = np.linalg.solve(np.eye(len(common)) - common @ (rows.T @ lifted), common)
    errors = pulled + lifted @ (inner @ (rows.T @ pulled))
    return errors, diagonal + np.sum((lifted @ inner) * lifted, axis=1)
