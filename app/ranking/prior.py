"""The prior: published figures into a belief about a task nobody has measured.

Notation:
    z_mc = shift_c + h_mc' beta + g_fc + d_mc + eps     standard score (`app.ranking.scale`) of model m on
                                                        column c: traits, family, the model's own deviation,
                                                        noise
    cov(g_fc, g_fc') = sum_p family_p k_p(c, c')        F
    cov(d_mc, d_mc') = sum_p own_p k_p(c, c')           O
    shift_c         above 0 where only strong models were measured, so that a score there is worth more

Given the hyper-parameters (`family`, `own`, the noise, and the prior precision of beta), which are learnt
in `app.fitting.prior`, all that follows is exact Gaussian regression (universal kriging; Rasmussen and
Williams, 2006, section 2.7), family by family and model by model (`app.ranking.regression`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import COMPONENTS
from app.ranking.families import Changed
from app.ranking.hidden import hidden_errors
from app.ranking.levels import LevelModel, LevelVariances, fit_levels
from app.ranking.regression import Family, SolvedFamily, solve_family
from app.ranking.scale import cells_by, centres_and_spreads, standard_scores
from app.ranking.table import ScoreTable
from app.ranking.traits import traits

Array = NDArray[np.float64]
Index = NDArray[np.intp]

ROUNDS = 4
"""Alternations between shifts and regression; the shifts change by less than 1 % after three."""
EXCESS_PSEUDO_COUNT = 5.0
"""Models' worth of belief that a column is as noisy as the model expects."""
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
        levels: Variances of levels.
        version: Identifies the fit.
    """

    family: Array
    own: Array
    noise: float
    trait_variance: float
    levels: LevelVariances
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
        levels: Where an average model scores, comparable scale, by column, shape (C,).
        level_model: Predicts level and spread of a new column.
        standard: z less the column's shift, by cell, shape (N,).
        trait_rows: Traits of every cell, shape (N, T).
        noise: Variance of every cell around its expectation, shape (N,).
        beta: Coefficients of the traits, shape (T,).
        beta_covariance: Their posterior covariance, shape (T, T).
        alpha: (covariance of the cells)^-1 (z - traits), shape (N,).
        families: Solved families, by name.
        weights: w of every family for the residuals (column 0) and for the traits (the rest), (C_f, 1 + T).
        shared: F, shape (C, C).
        own: O, shape (C, C).
        release: Gives back the memory of what is mapped from files and was looked at.
    """

    table: ScoreTable
    hyper: Hyperparameters
    spreads: Array
    levels: Array
    level_model: LevelModel
    standard: Array
    trait_rows: Array
    noise: Array
    beta: Array
    beta_covariance: Array
    alpha: Array
    families: Mapping[str, Family]
    weights: Mapping[str, Array]
    shared: Array
    own: Array
    release: Callable[[], None] = lambda: None

    @property
    def expected_noise(self) -> Array:
        """Variance of every cell around its expectation if its column were like any other, shape (N,)."""
        return _expected_noise(self.table, self.spreads, self.hyper)

    def hidden_errors(self) -> tuple[Array, Array]:
        """How far every cell lies from what is expected with its data set hidden, and the variance."""
        dataset = np.unique([c.dataset for c in self.table.columns.columns], return_inverse=True)[1]
        return hidden_errors(self.families, self.shared, self.alpha, dataset[self.table.column])

    def without(self, cells: Index) -> "Prior":
        """The same without these cells; shifts, coefficients of the traits and levels are held."""
        table, gone = self.table, np.zeros(len(self.table), dtype=bool)
        gone[cells] = True
        families, weights = dict[str, Family | None](), dict[str, Array | None]()
        alpha = np.where(gone, 0.0, self.alpha)
        for name in {table.described[int(table.model[cell])].family for cell in cells}:
            left = {m: member.cells[~gone[member.cells]] for m, member in self.families[name].members.items()}
            left = {m: mine for m, mine in left.items() if len(mine)}
            if not left:
                families[name] = weights[name] = None
                continue
            solved_family = solve_family(left, table.column, self.noise, self.shared, self.own)
            mine = np.concatenate(list(left.values()))
            values = np.zeros((len(table), 1 + self.trait_rows.shape[1]))
            values[mine, 1:] = self.trait_rows[mine]
            values[mine, 0] = self.standard[mine] - self.trait_rows[mine] @ self.beta
            solved = np.zeros_like(values)
            families[name] = solved_family
            weights[name] = solved_family.solve_into(solved, values, self.shared)
            alpha[mine] = solved[mine, 0]
        return replace(
            self,
            alpha=alpha,
            families=Changed(self.families, families),
            weights=Changed(self.weights, weights),
        )

    def surprise(self, cell: int) -> float:
        """How far a cell's z lies from what all other cells say, standard units.

        It is alpha_i / [V^-1]_ii, V being the covariance of the family's cells (Rasmussen and Williams, 2006,
        section 5.4.2).
        """
        model = int(self.table.model[cell])
        family = self.families[self.table.described[model].family]
        member = family.members[model]
        place = int(np.flatnonzero(member.cells == cell)[0])
        row, columns = member.inverse[place], family.columns
        # F - F known F, asked along one direction alone: no product of two matrices
        mine = columns[member.places]
        reach = row @ self.shared[mine[:, None], columns]
        shared = reach[member.places] @ row - reach @ family.known @ reach
        return float(self.alpha[cell] / (row[place] - shared))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prepared:
    """All of the regression that does not depend on shifts.

    Attributes:
        table: Observed cells.
        hyper: Learnt variances.
        is_hidden: Columns whose cells are not used, shape (C,).
        centres: Median of every column, comparable scale, shape (C,).
        spreads: Spread of every column, comparable scale, shape (C,).
        scores: z of every cell, shape (N,).
        noise: Variance of every cell, shape (N,).
        trait_rows: Traits of every cell, shape (N, T).
        shared: F, shape (C, C).
        own: O, shape (C, C).
        families: Solved families, by name.
        trait_weights: w of every family for the traits, by name, each of shape (C_f, T).
        trait_alpha: alpha of the traits, zero for hidden cells, shape (N, T).
    """

    table: ScoreTable
    hyper: Hyperparameters
    is_hidden: NDArray[np.bool_]
    centres: Array
    spreads: Array
    scores: Array
    noise: Array
    trait_rows: Array
    shared: Array
    own: Array
    families: dict[str, SolvedFamily]
    trait_weights: dict[str, Array]
    trait_alpha: Array

    def hiding(self, columns: NDArray[np.bool_]) -> "Prepared":
        """The same without the figures on these columns: only families that have some are solved again.

        Args:
            columns: Which are hidden, shape (C,).
        """
        table, gone = self.table, columns[self.table.column]
        centres, spreads = centres_and_spreads(table.scores, table.column, len(table.columns), columns)
        families, weights = dict(self.families), dict(self.trait_weights)
        alpha = self.trait_alpha.copy()
        alpha[gone] = 0.0
        for name, family in self.families.items():
            if not columns[family.columns].any():
                continue
            left = {m: cells.cells[~gone[cells.cells]] for m, cells in family.members.items()}
            left = {m: cells for m, cells in left.items() if len(cells)}
            del families[name], weights[name]
            if left:
                families[name] = solve_family(left, table.column, self.noise, self.shared, self.own)
                weights[name] = families[name].solve_into(alpha, self.trait_rows, self.shared)
        return replace(
            self,
            is_hidden=columns,
            spreads=spreads,
            scores=standard_scores(table.scores, table.column, centres, spreads),
            families=families,
            trait_weights=weights,
            trait_alpha=alpha,
        )

    def with_noise(self, noise: Array) -> "Prepared":
        """The same for another variance of every cell, shape (N,)."""
        alpha = np.zeros_like(self.trait_rows)
        families = {
            name: solve_family(members, self.table.column, noise, self.shared, self.own)
            for name, members in family_members(self.table).items()
        }
        weights = {
            name: family.solve_into(alpha, self.trait_rows, self.shared) for name, family in families.items()
        }
        return replace(self, noise=noise, families=families, trait_weights=weights, trait_alpha=alpha)


def prepare(table: ScoreTable, hyper: Hyperparameters) -> Prepared:
    """Solve families and traits for these figures.

    Args:
        table: Observed cells; at least one column.
        hyper: Learnt variances.
    """
    similarity = table.columns.similarity(table.columns)
    shared, own = (np.tensordot(v, similarity, axes=1) for v in (hyper.family, hyper.own))
    centres, spreads = centres_and_spreads(table.scores, table.column, len(table.columns))
    rows = traits(table.described, table.columns, table.model, table.column)
    unsolved = Prepared(
        table=table,
        hyper=hyper,
        is_hidden=np.zeros(len(table.columns), dtype=bool),
        centres=centres,
        spreads=spreads,
        scores=standard_scores(table.scores, table.column, centres, spreads),
        noise=_expected_noise(table, spreads, hyper),
        trait_rows=rows,
        shared=shared,
        own=own,
        families={},
        trait_weights={},
        trait_alpha=np.zeros_like(rows),
    )
    return unsolved.with_noise(unsolved.noise)


def fit_prior(table: ScoreTable, hyper: Hyperparameters) -> Prior:
    """The prior that follows from these figures.

    Args:
        table: Observed cells; at least one column.
        hyper: Learnt variances.
    """
    return solve(weighed(prepare(table, hyper)))


def weighed(prepared: Prepared) -> Prepared:
    """The same with more noise on columns that agree less with the others than the model expects.

    A column is hidden, predicted from the others, and the excess of its errors over what the model expects is
    taken for noise of its own: a recipe that suits few models, a failed sweep, a test set too small.
    """
    prior = solve(prepared)
    errors, variances = prior.hidden_errors()
    column, n = prepared.table.column, len(prepared.table.columns)
    counts = np.bincount(column, minlength=n)
    means = np.bincount(column, weights=errors, minlength=n) / counts
    ratio = np.bincount(column, weights=(errors - means[column]) ** 2 / variances, minlength=n)
    excess = (ratio + EXCESS_PSEUDO_COUNT) / (counts + EXCESS_PSEUDO_COUNT) - 1.0
    typical = np.bincount(column, weights=variances, minlength=n) / counts
    return prepared.with_noise(prepared.noise + (np.maximum(excess, 0.0) * typical)[column])


def solve(prepared: Prepared) -> Prior:
    """The prior of a prepared regression, alternating shifts and deviations."""
    table, rows, n_columns = prepared.table, prepared.trait_rows, len(prepared.table.columns)
    used = ~prepared.is_hidden[table.column]
    precision = np.eye(rows.shape[1]) / prepared.hyper.trait_variance + rows.T @ prepared.trait_alpha
    covariance = np.linalg.inv((precision + precision.T) / 2)
    counts = np.maximum(np.bincount(table.column[used], minlength=n_columns), 1)
    shifts, weights = np.zeros(n_columns), dict[str, Array]()
    for last in range(ROUNDS + 1):
        standard = np.where(used, prepared.scores - shifts[table.column], 0.0)
        found = np.zeros((len(standard), 1))
        weights = {
            name: family.solve_into(found, standard[:, None], prepared.shared)
            for name, family in prepared.families.items()
        }
        beta = covariance @ (prepared.trait_alpha.T @ standard)
        alpha = found[:, 0] - prepared.trait_alpha @ beta
        if last < ROUNDS:
            # What is left of z once the noise-free expectation, standard - noise alpha, is taken away.
            left = (prepared.scores - standard + prepared.noise * alpha) * used
            shifts = np.bincount(table.column, weights=left, minlength=n_columns) / counts
    shown = np.flatnonzero(~prepared.is_hidden)
    levels = prepared.centres + prepared.spreads * shifts
    return Prior(
        table=table,
        hyper=prepared.hyper,
        spreads=prepared.spreads,
        levels=levels,
        level_model=fit_levels(
            [table.columns.columns[int(c)] for c in shown],
            levels[shown],
            np.log(prepared.spreads[shown]),
            prepared.hyper.levels,
        ),
        standard=standard,
        trait_rows=rows,
        noise=prepared.noise,
        beta=np.asarray(beta),
        beta_covariance=np.asarray(covariance),
        alpha=alpha,
        families=prepared.families,
        weights={
            name: np.hstack([w - prepared.trait_weights[name] @ beta[:, None], prepared.trait_weights[name]])
            for name, w in weights.items()
        },
        shared=prepared.shared,
        own=prepared.own,
    )


def _expected_noise(table: ScoreTable, spreads: Array, hyper: Hyperparameters) -> Array:
    published = np.minimum(table.errors / spreads[table.column], MAX_ERROR)
    return np.asarray(hyper.noise + np.square(published))


def family_members(table: ScoreTable) -> dict[str, dict[int, Index]]:
    """The cells of every model, by family and model number."""
    result: dict[str, dict[int, Index]] = {}
    for model, cells in enumerate(cells_by(table.model, len(table.models))):
        result.setdefault(table.described[model].family, {})[model] = cells
    return result
