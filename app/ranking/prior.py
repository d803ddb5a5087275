"""The prior: published figures into a belief about a task nobody has measured.

Notation:
    z_mc = shift_c + h_mc' beta + g_fc + d_mc + eps     standard score (`app.ranking.scale`) of model m on column c:
                                                        traits, family, the model's own deviation, noise
    cov(g_fc, g_fc') = sum_p family_p k_p(c, c')        F
    cov(d_mc, d_mc') = sum_p own_p k_p(c, c')           O
    shift_c         above 0 where only strong models were measured, so that a score there is worth more

Given the hyper-parameters (`family`, `own`, the noise, and the prior precision of beta), which are learnt
in `app.fitting.prior`, all that follows is exact Gaussian regression (universal kriging; Rasmussen and
Williams, 2006, section 2.7), family by family and model by model (`app.ranking.regression`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import COMPONENTS
from app.ranking.levels import LevelModel, fit_levels
from app.ranking.regression import Family, solve_all, solve_family
from app.ranking.scale import cells_by, centres_and_spreads, standard_scores
from app.ranking.table import ScoreTable
from app.ranking.traits import traits

Array = NDArray[np.float64]
Index = NDArray[np.intp]

ROUNDS = 4
"""Alternations between shifts and regression; the shifts change by less than 1 % after three."""
MAX_ERROR = 1.0
"""Published standard errors beyond one standard unit say that the figure says nothing; more is not needed."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Hyperparameters:
    """What is learnt offline.

    Attributes:
        family: Variance of the family's deviation per component, shape (P,).
        own: Variance of the model's own deviation per component, shape (P,).
        noise: Variance of one published figure around its expectation, standard units.
        trait_variance: Prior variance of each coefficient of the traits.
        version: Identifies the fit.
    """

    family: Array
    own: Array
    noise: float
    trait_variance: float
    version: str

    def __post_init__(self) -> None:
        if self.family.shape != (len(COMPONENTS),) or self.own.shape != (len(COMPONENTS),):
            raise ValueError(f"one variance for each of {COMPONENTS}")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prior:
    """A fitted prior, ready to be asked about any column.

    Attributes:
        table: The cells it was fitted to.
        hyper: Its hyper-parameters.
        spreads: What one standard unit is worth on the comparable scale, by column, shape (C,).
        level_model: Predicts level and spread of a new column.
        standard: z less the column's shift, by cell, shape (N,).
        trait_rows: Traits of every cell, shape (N, T).
        beta: Coefficients of the traits, shape (T,).
        beta_covariance: Their posterior covariance, shape (T, T).
        alpha: (covariance of the cells)^-1 (z - traits), shape (N,).
        families: Solved families, by name.
        weights: w of every family for the residuals (column 0) and for the traits (the rest), (C_f, 1 + T).
        shared: F, shape (C, C).
        own: O, shape (C, C).
    """

    table: ScoreTable
    hyper: Hyperparameters
    spreads: Array
    level_model: LevelModel
    standard: Array
    trait_rows: Array
    beta: Array
    beta_covariance: Array
    alpha: Array
    families: dict[str, Family]
    weights: dict[str, Array]
    shared: Array
    own: Array


def fit_prior(table: ScoreTable, hyper: Hyperparameters) -> Prior:
    """Solve the regression for these figures, alternating shifts and deviations.

    Args:
        table: Observed cells; at least one column.
        hyper: Learnt variances.
    """
    n_columns = len(table.columns)
    similarity = table.columns.similarity(table.columns)
    shared, own = (np.tensordot(v, similarity, axes=1) for v in (hyper.family, hyper.own))
    centres, spreads = centres_and_spreads(table.scores, table.column, n_columns)
    z = standard_scores(table.scores, table.column, centres, spreads)
    noise = hyper.noise + np.square(np.minimum(table.errors / spreads[table.column], MAX_ERROR))
    families = {
        name: solve_family(members, table.column, noise, shared, own)
        for name, members in family_members(table).items()
    }
    rows = traits(table.described, table.columns, table.model, table.column)
    solved = list(families.values())
    trait_weights, trait_alpha = solve_all(solved, rows, shared)
    covariance = np.linalg.inv(np.eye(rows.shape[1]) / hyper.trait_variance + rows.T @ trait_alpha)
    shifts, counts = np.zeros(n_columns), np.bincount(table.column, minlength=n_columns)
    for last in range(ROUNDS + 1):
        standard = z - shifts[table.column]
        weights, alpha = solve_all(solved, standard[:, None], shared)
        beta = covariance @ (trait_alpha.T @ standard)
        residual_alpha = alpha[:, 0] - trait_alpha @ beta
        if last < ROUNDS:
            # What is left of z once the noise-free expectation, standard - noise alpha, is taken away.
            left = z - standard + noise * residual_alpha
            shifts = np.bincount(table.column, weights=left, minlength=n_columns) / counts
    levels = centres + spreads * shifts
    return Prior(
        table=table,
        hyper=hyper,
        spreads=spreads,
        level_model=fit_levels(list(table.columns.columns), levels, np.log(spreads)),
        standard=standard,
        trait_rows=rows,
        beta=np.asarray(beta),
        beta_covariance=np.asarray(covariance),
        alpha=residual_alpha,
        families=families,
        weights={
            name: np.hstack([w - t @ beta[:, None], t])
            for name, w, t in zip(families, weights, trait_weights, strict=True)
        },
        shared=shared,
        own=own,
    )


def family_members(table: ScoreTable) -> dict[str, dict[int, Index]]:
    """The cells of every model, by family and model number."""
    result: dict[str, dict[int, Index]] = {}
    for model, cells in enumerate(cells_by(table.model, len(table.models))):
        result.setdefault(table.described[model].family, {})[model] = cells
    return result


