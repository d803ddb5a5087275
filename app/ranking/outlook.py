"""What every candidate may reach on a task, in a few vector operations: enough to choose whom to look at.

The means are those of `app.ranking.prediction`, exactly. The deviations are bounds from above: of a model's
own figures only the one that tells most is counted, and its family's are not. So a model is passed over only
where its mean is too far below the best for what may be believed of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.ranking.candidate_facts import CandidateFacts
from app.ranking.columns import ColumnTable
from app.ranking.prediction import TargetKernels
from app.ranking.prior import Prior
from app.ranking.traits import ModelFeatures, expected

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outlook:
    """Of M candidates on T targets, in standard units.

    Attributes:
        mean: Shape (M, T).
        deviation: At least the standard deviation, the traits' share left out, shape (M, T).
    """

    mean: Array
    deviation: Array

    def scaled(self, levels: Sequence[float], spread: float) -> "Outlook":
        """The same on the comparable scale.

        Args:
            levels: Where an average model scores on each target.
            spread: What one standard unit is worth.
        """
        return Outlook(mean=spread * self.mean + levels, deviation=spread * self.deviation)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outlooks:
    """A fitted prior beside a list of candidates, joined once.

    Attributes:
        prior: The prior.
        features: Of the candidates.
        row: The model of the table whose figures are each candidate's own, -1 without any, shape (M,).
        family: The family of each, -1 without figures, shape (M,).
        alpha: Of every cell, by model and column, shape (models, C).
        family_columns: Columns of all families, one after the other.
        family_weights: w for the residuals at these columns, in the same order.
        family_starts: Where each family begins.
    """

    prior: Prior
    features: ModelFeatures
    row: Index
    family: Index
    alpha: csr_array
    family_columns: Index
    family_weights: Array
    family_starts: Index

    @classmethod
    def of(cls, prior: Prior, candidates: CandidateFacts) -> Self:
        """Of these candidates."""
        table, numbers = prior.table, prior.table.number_of
        names = {name: i for i, name in enumerate(prior.families)}
        columns = [prior.families[name].columns for name in names]
        known = table.families
        of_fit = [names.get(family, -1) for family in known.distinct]
        of_entry = [names.get(family, -1) for family in candidates.families.distinct]
        # What the fit took for a model's family goes before what its entry says.
        fitted = np.array([numbers.get(key, -1) for key in candidates.keys], dtype=np.intp)
        return cls(
            prior=prior,
            features=candidates.features,
            row=np.array([numbers.get(row, -1) for row in candidates.rows], dtype=np.intp),
            family=np.where(
                fitted >= 0,
                _pick(of_fit, known.codes)[fitted],
                _pick(of_entry, candidates.families.codes),
            ),
            alpha=csr_array(
                (prior.alpha, table.column, table.starts.astype(np.int32)),
                shape=(len(table.models), len(table.columns)),
            ),
            family_columns=_joined(columns).astype(np.intp),
            family_weights=_joined([prior.weights[name][:, 0] for name in names]),
            family_starts=np.cumsum([0, *(len(c) for c in columns)])[:-1],
        )

    def on(self, targets: ColumnTable, kernels: TargetKernels) -> Outlook:
        """On these targets, of which no model was trained or named after."""
        mean = expected(self.features, targets, self.prior.beta)
        mean += _with_none(self.alpha @ kernels.own_across.T)[self.row]
        mean += _with_none(self._family_means(kernels))[self.family]
        variance = np.diag(kernels.own_within) - _with_none(self._told_by_one(kernels))[self.row]
        return Outlook(mean=mean, deviation=np.sqrt(variance + np.diag(kernels.shared_within)))

    def _family_means(self, kernels: TargetKernels) -> Array:
        """Deviation of every family, shape (families, T)."""
        if not len(self.family_starts):
            return np.zeros((0, len(kernels.own_within)))
        parts = kernels.shared_across[:, self.family_columns] * self.family_weights
        return np.asarray(np.add.reduceat(parts, self.family_starts, axis=1).T)

    def _told_by_one(self, kernels: TargetKernels) -> Array:
        """Variance that the most telling of each model's figures takes away, shape (models, T)."""
        table, own = self.prior.table, np.diag(self.prior.own)
        counts = np.maximum(np.bincount(table.column, minlength=len(own)), 1)
        noise = np.bincount(table.column, weights=self.prior.noise, minlength=len(own)) / counts
        told = (np.square(kernels.own_across) / (own + noise)).astype(np.float32)
        return np.stack([np.maximum.reduceat(t[table.column], table.starts[:-1]) for t in told], axis=1)


def _pick(values: Sequence[int], codes: Index) -> Index:
    return np.array([*values, -1], dtype=np.intp)[codes]


def _joined(parts: Sequence[NDArray[np.generic]]) -> Array:
    return np.concatenate([*parts, np.empty(0)])


def _with_none(values: Array) -> Array:
    """The same with a last row of zeros, which -1 finds: of what nothing is known."""
    return np.vstack([values, np.zeros((1, values.shape[1]))])
