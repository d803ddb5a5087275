"""The prior: published figures into a belief about a task nobody has measured.

Notation:
    y_mc = mu_c + s_c z_mc                      score of model m on column c, comparable scale
    z_mc = h_mc' beta + g_f(m),c + d_mc + eps   standard units: traits, family, own deviation, noise
    cov(g_fc, g_fc') = sum_p family_p k_p(c, c')
    cov(d_mc, d_mc') = sum_p own_p k_p(c, c')
    V_f         covariance of all cells of family f, noise included, shape (n_f, n_f)

Given the hyper-parameters (`family`, `own`, the noise, and the prior precision of beta), which are learnt
in `app.fitting.prior`, all that follows is exact Gaussian regression (universal kriging; Rasmussen and
Williams, 2006, section 2.7), one block a family, since families are independent given beta.
Levels and spreads are fitted by alternating with it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from app.ranking.columns import COMPONENTS, Column, ColumnTable
from app.ranking.levels import LevelModel, fit_levels
from app.ranking.table import ScoreTable
from app.ranking.traits import traits
from models_registry.entry import ModelEntry

Array = NDArray[np.float64]
Index = NDArray[np.intp]

CLIP = 4.0
"""Standard units beyond which a cell is taken as a failed run and pulled in: it must not bend its column."""
ROUNDS = 4
"""Alternations between levels and regression; the fitted levels change by less than 1 % after three."""
SPREAD_PSEUDO_COUNT = 6.0
"""Cells' worth of belief that a column spreads as the average column does."""


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
class FamilyBlock:
    """All cells of one family with their regression solved.

    Attributes:
        cells: Indices into the table, shape (n,).
        inverse: V_f^-1, shape (n, n).
        weights: V_f^-1 (z - H beta), shape (n,).
    """

    cells: Index
    inverse: Array
    weights: Array


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prior:
    """A fitted prior, ready to be asked about any column.

    Attributes:
        table: The cells it was fitted to.
        hyper: Its hyper-parameters.
        levels: mu_c, shape (C,).
        spreads: s_c, shape (C,).
        level_model: Predicts both for a new column.
        beta: Coefficients of the traits, shape (T,).
        beta_covariance: Their posterior covariance, shape (T, T).
        trait_rows: Traits of every cell, shape (N, T).
        standard: z of every cell, shape (N,).
        blocks: By family.
    """

    table: ScoreTable
    hyper: Hyperparameters
    levels: Array
    spreads: Array
    level_model: LevelModel
    beta: Array
    beta_covariance: Array
    trait_rows: Array
    standard: Array
    blocks: dict[str, FamilyBlock]


def fit_prior(table: ScoreTable, hyper: Hyperparameters) -> Prior:
    """Solve the regression for these figures, alternating levels and deviations.

    Args:
        table: Observed cells; at least one column.
        hyper: Learnt variances.
    """
    rows = traits([table.entries[m] for m in table.model], [table.columns.columns[c] for c in table.column])
    levels, spreads = initial_levels(table)
    families = solve_families(table, hyper, spreads)
    system = _TraitSystem.of(families, rows, hyper.trait_variance)
    for _ in range(ROUNDS):
        z = standardise(table, levels, spreads)
        beta = system.solve(z)
        levels, spreads = _update_levels(table, _smooth(z, rows, beta, families), spreads)
    z = standardise(table, levels, spreads)
    beta = system.solve(z)
    residual = z - rows @ beta
    return Prior(
        table=table,
        hyper=hyper,
        levels=levels,
        spreads=spreads,
        level_model=fit_levels(list(table.columns.columns), levels, np.log(spreads)),
        beta=beta,
        beta_covariance=system.covariance,
        trait_rows=rows,
        standard=z,
        blocks={
            name: FamilyBlock(cells=f.cells, inverse=f.inverse, weights=f.inverse @ residual[f.cells])
            for name, f in families.items()
        },
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SolvedFamily:
    """V_f^-1 of one family and the noise in V_f, which do not depend on the scores.

    Attributes:
        cells: Indices into the table, shape (n,).
        inverse: V_f^-1, shape (n, n).
        noise: Diagonal part of V_f, shape (n,).
    """

    cells: Index
    inverse: Array
    noise: Array


def solve_families(table: ScoreTable, hyper: Hyperparameters, spreads: Array) -> dict[str, SolvedFamily]:
    """V_f^-1 of every family.

    Args:
        table: Observed cells.
        hyper: Learnt variances.
        spreads: Turn published standard errors into standard units, shape (C,).
    """
    similarity = table.columns.similarity(table.columns)
    shared = np.tensordot(hyper.family, similarity, axes=1)
    own = np.tensordot(hyper.own, similarity, axes=1)
    noise = hyper.noise + np.square(table.errors / spreads[table.column])
    result = {}
    for family, cells in family_cells(table).items():
        c, m = table.column[cells], table.model[cells]
        covariance = shared[np.ix_(c, c)] + own[np.ix_(c, c)] * (m[:, None] == m[None, :])
        factor = cho_factor(covariance + np.diag(noise[cells]), lower=True)
        result[family] = SolvedFamily(
            cells=cells, inverse=cho_solve(factor, np.eye(len(cells))), noise=noise[cells]
        )
    return result


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _TraitSystem:
    """Generalised least squares for beta: its normal equations, factorised once for any scores."""

    covariance: Array
    projection: Array

    @classmethod
    def of(cls, families: dict[str, SolvedFamily], rows: Array, trait_variance: float) -> "_TraitSystem":
        precision = np.eye(rows.shape[1]) / trait_variance
        projection = np.empty((rows.shape[1], rows.shape[0]))
        for family in families.values():
            weighted = rows[family.cells].T @ family.inverse
            projection[:, family.cells] = weighted
            precision += weighted @ rows[family.cells]
        return cls(covariance=np.asarray(np.linalg.inv(precision)), projection=projection)

    def solve(self, z: Array) -> Array:
        return np.asarray(self.covariance @ (self.projection @ z))


def family_cells(table: ScoreTable) -> dict[str, Index]:
    """Indices of the cells of each family."""
    cells: dict[str, list[int]] = defaultdict(list)
    for cell, model in enumerate(table.model):
        cells[table.families[model]].append(cell)
    return {family: np.array(found, dtype=np.intp) for family, found in cells.items()}


def initial_levels(table: ScoreTable) -> tuple[Array, Array]:
    """Median and spread of every column: where the alternation starts."""
    n = len(table.columns)
    levels, spreads = np.empty(n), np.empty(n)
    for c in range(n):
        y = table.scores[table.column == c]
        levels[c] = np.median(y)
        spreads[c] = np.std(y) + 1e-3
    typical = float(np.median(spreads))
    counts = np.bincount(table.column, minlength=n)
    return levels, _shrink(spreads, counts, typical)


def standardise(table: ScoreTable, levels: Array, spreads: Array) -> Array:
    """Scores of every cell in standard units, failed runs pulled in, shape (N,)."""
    z = (table.scores - levels[table.column]) / spreads[table.column]
    return np.clip(z, -CLIP, CLIP)


def _shrink(spreads: Array, counts: NDArray[np.intp], typical: float) -> Array:
    share = counts / (counts + SPREAD_PSEUDO_COUNT)
    return np.asarray(np.exp(share * np.log(spreads) + (1.0 - share) * np.log(typical)))


def _smooth(z: Array, rows: Array, beta: Array, families: dict[str, SolvedFamily]) -> Array:
    """Noise-free expectation of every observed cell, shape (N,).

    The signal part of V is V - noise, and (V - noise) V^-1 r = r - noise V^-1 r.
    """
    expected = rows @ beta
    fitted = np.empty_like(z)
    for family in families.values():
        residual = z[family.cells] - expected[family.cells]
        fitted[family.cells] = z[family.cells] - family.noise * (family.inverse @ residual)
    return fitted


def _update_levels(table: ScoreTable, fitted: Array, spreads: Array) -> tuple[Array, Array]:
    """Levels and spreads that best explain the scores given the fitted qualities."""
    n = len(table.columns)
    counts = np.bincount(table.column, minlength=n).astype(np.float64)
    remainder = table.scores - spreads[table.column] * fitted
    levels = np.bincount(table.column, weights=remainder, minlength=n) / counts
    deviation = np.clip(table.scores - levels[table.column], *_clip_ends(spreads[table.column]))
    observed = np.bincount(table.column, weights=deviation**2, minlength=n)
    expected = np.bincount(table.column, weights=fitted**2, minlength=n)
    typical = float(np.exp(np.average(np.log(spreads), weights=counts)))
    pseudo = SPREAD_PSEUDO_COUNT
    updated = np.sqrt((observed + pseudo * typical**2) / (expected + pseudo))
    return levels, updated * typical / float(np.exp(np.average(np.log(updated), weights=counts)))


def _clip_ends(spread: Array) -> tuple[Array, Array]:
    return -CLIP * spread, CLIP * spread


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prediction:
    """Joint prediction of arms = models x target columns, in standard units.

    Attributes:
        mean: Shape (A,), arms ordered model-major.
        covariance: Shape (A, A).
        influence: For each arm, the cells that moved it and by how much a unit of their z would.
    """

    mean: Array
    covariance: Array
    influence: list[tuple[Index, Array]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model to be predicted.

    Attributes:
        entry: Its registry entry; None where it has none.
        row: The model of the table whose figures are its own: itself, or the one that it is a copy of.
        family: Its family.
    """

    entry: ModelEntry | None
    row: str
    family: str


def predict(prior: Prior, candidates: Sequence[Candidate], targets: Sequence[Column]) -> Prediction:
    """What the figures say about these models on these target columns.

    Args:
        prior: Fitted prior.
        candidates: The models.
        targets: Columns, such as the user's task when fine-tuned and when frozen.
    """
    kernels = _TargetKernels.of(prior, targets)
    entries = [c.entry for c in candidates]
    rows = traits([e for e in entries for _ in targets], [t for _ in entries for t in targets])
    mean = rows @ prior.beta
    covariance = np.zeros((len(mean), len(mean)))
    unexplained = rows.copy()
    influence: list[tuple[Index, Array]] = [(np.empty(0, dtype=np.intp), np.empty(0))] * len(mean)
    row_of = {name: i for i, name in enumerate(prior.table.models)}
    for family, members in _by_family(candidates).items():
        arms = (members[:, None] * len(targets) + np.arange(len(targets))).ravel()
        names = np.array([candidates[m].row for m in members])
        covariance[np.ix_(arms, arms)] = kernels.prior_covariance(names[:, None] == names[None, :])
        block = prior.blocks.get(family)
        if block is None:
            continue
        mine = np.array([row_of.get(candidates[m].row, -1) for m in members])
        cross = kernels.cross_covariance(
            mine, prior.table.model[block.cells], prior.table.column[block.cells]
        )
        gains = cross @ block.inverse
        mean[arms] += cross @ block.weights
        covariance[np.ix_(arms, arms)] -= gains @ cross.T
        unexplained[arms] -= gains @ prior.trait_rows[block.cells]
        for position, arm in enumerate(arms):
            influence[arm] = (block.cells, gains[position])
    covariance += unexplained @ prior.beta_covariance @ unexplained.T
    return Prediction(mean=mean, covariance=(covariance + covariance.T) / 2, influence=influence)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _TargetKernels:
    """Covariances between T targets and the C columns of the table, and among the targets."""

    family_across: Array
    own_across: Array
    family_within: Array
    own_within: Array

    @classmethod
    def of(cls, prior: Prior, targets: Sequence[Column]) -> "_TargetKernels":
        table = ColumnTable(targets)
        across, within = table.similarity(prior.table.columns), table.similarity(table)
        family, own = prior.hyper.family, prior.hyper.own
        return cls(
            family_across=np.tensordot(family, across, axes=1),
            own_across=np.tensordot(own, across, axes=1),
            family_within=np.tensordot(family, within, axes=1),
            own_within=np.tensordot(own, within, axes=1),
        )

    def prior_covariance(self, is_same: NDArray[np.bool_]) -> Array:
        """Of n members of a family on all targets, model-major, shape (n T, n T).

        Args:
            is_same: Which members are one model, a copy being the model that it is a copy of, shape (n, n).
        """
        n = len(is_same)
        same = np.kron(is_same, np.ones_like(self.own_within))
        return np.asarray(np.tile(self.family_within, (n, n)) + same * np.tile(self.own_within, (n, n)))

    def cross_covariance(self, members: Index, owners: Index, columns: Index) -> Array:
        """Between members on all targets and the family's cells, shape (n T, cells)."""
        n_targets = len(self.own_within)
        is_own = np.repeat(members, n_targets)[:, None] == owners[None, :]
        shared = np.tile(self.family_across[:, columns], (len(members), 1))
        return np.asarray(shared + is_own * np.tile(self.own_across[:, columns], (len(members), 1)))


def _by_family(candidates: Sequence[Candidate]) -> dict[str, Index]:
    members: dict[str, list[int]] = defaultdict(list)
    for i, candidate in enumerate(candidates):
        members[candidate.family].append(i)
    return {family: np.array(found, dtype=np.intp) for family, found in members.items()}
