"""What the figures say about some models on some target columns; notation as in `app.ranking.regression`.

A model's deviation on target t, given the family's deviation g, is g(t) + O_tm V_m^-1 (r_m - E_m g) plus an
independent part of variance O_tt - O_tm V_m^-1 O_mt. So the joint prediction of a family's members is a
linear map of the posterior of g at the targets and at the family's columns.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import Column, ColumnTable
from app.ranking.described import Described
from app.ranking.prior import Prior
from app.ranking.regression import Family
from app.ranking.traits import traits

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model to be predicted.

    Attributes:
        described: What is known of it.
        row: The model of the table whose figures are its own: itself, or the one that it is a copy of.
    """

    described: Described
    row: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prediction:
    """Joint prediction of arms = models x target columns, in standard units.

    Attributes:
        mean: Shape (A,), arms ordered model-major.
        covariance: Shape (A, A).
        candidates: The models.
        kernels: Between the targets and the figures' columns.
    """

    mean: Array
    covariance: Array
    candidates: Sequence[Candidate]
    kernels: "TargetKernels"

    def of_models(self, positions: Sequence[int]) -> "Prediction":
        """The same for some of the candidates, in this order."""
        n_targets = len(self.kernels.own_within)
        arms = (np.array(positions, dtype=np.intp)[:, None] * n_targets + np.arange(n_targets)).ravel()
        return Prediction(
            mean=self.mean[arms],
            covariance=self.covariance[np.ix_(arms, arms)],
            candidates=[self.candidates[p] for p in positions],
            kernels=self.kernels,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TargetKernels:
    """Covariances between T targets and the C columns of the table, and among the targets."""

    shared_across: Array
    own_across: Array
    shared_within: Array
    own_within: Array

    @classmethod
    def of(cls, prior: Prior, targets: Sequence[Column]) -> "TargetKernels":
        """Of these targets."""
        table = ColumnTable(targets)
        across, within = table.similarity(prior.table.columns), table.similarity(table)
        shared, own = prior.hyper.family, prior.hyper.own
        return cls(
            shared_across=np.tensordot(shared, across, axes=1),
            own_across=np.tensordot(own, across, axes=1),
            shared_within=np.tensordot(shared, within, axes=1),
            own_within=np.tensordot(own, within, axes=1),
        )


def predict(prior: Prior, candidates: Sequence[Candidate], targets: Sequence[Column]) -> Prediction:
    """What the figures say about these models on these target columns.

    Args:
        prior: Fitted prior.
        candidates: The models.
        targets: Columns, such as the user's task when fine-tuned and when frozen.
    """
    kernels = TargetKernels.of(prior, targets)
    arm = np.arange(len(candidates) * len(targets))
    model, target = np.divmod(arm, len(targets))
    rows = traits([c.described for c in candidates], ColumnTable(targets), model, target)
    mean = rows @ prior.beta
    unexplained = rows.copy()
    covariance = np.zeros((len(mean), len(mean)))
    numbers = prior.table.number_of
    for name, members in _by_family(candidates).items():
        found = [numbers.get(candidates[i].row, -1) for i in members]
        same = np.array([[candidates[i].row == candidates[j].row for j in members] for i in members])
        arms = (members[:, None] * len(targets) + np.arange(len(targets))).ravel()
        part = _FamilyPrediction.of(prior, kernels, name, found)
        mean[arms] += part.mean
        unexplained[arms] -= part.traits
        covariance[np.ix_(arms, arms)] = part.covariance(kernels, same)
    covariance += unexplained @ prior.beta_covariance @ unexplained.T
    return Prediction(
        mean=mean, covariance=(covariance + covariance.T) / 2, candidates=candidates, kernels=kernels
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _FamilyPrediction:
    """Members of one family on the targets, arms model-major.

    An arm's part that the family shares is x = g(t) - O_tm V_m^-1 E_m g; C_f are the family's columns.

    Attributes:
        mean: Deviations from the traits, shape (n T,).
        traits: The same regression applied to the traits' own columns, shape (n T, traits).
        linear: -O_tm V_m^-1 E_m, what is taken from g at the family's columns, shape (n T, C_f).
        across: Covariance of g at the targets and at the family's columns, shape (T, C_f).
        reach: Covariance of x with g at the family's columns, before any figure, shape (n T, C_f).
        known: How far the family's columns are pinned down, shape (C_f, C_f).
        apart: What no figure of the model tells, by model, shape (n, T, T).
    """

    mean: Array
    traits: Array
    linear: Array
    across: Array
    reach: Array
    known: Array
    apart: Array

    @classmethod
    def of(
        cls, prior: Prior, kernels: TargetKernels, name: str, models: Sequence[int]
    ) -> "_FamilyPrediction":
        n_targets = len(kernels.own_within)
        n_arms, apart = len(models) * n_targets, np.tile(kernels.own_within, (len(models), 1, 1))
        family, trait_count = prior.families.get(name), prior.trait_rows.shape[1]
        if family is None:
            return cls(
                mean=np.zeros(n_arms),
                traits=np.zeros((n_arms, trait_count)),
                linear=np.zeros((n_arms, 0)),
                across=np.zeros((n_targets, 0)),
                reach=np.zeros((n_arms, 0)),
                known=np.zeros((0, 0)),
                apart=apart,
            )
        across = kernels.shared_across[:, family.columns]
        weights = prior.weights[name]
        mean = np.tile(across @ weights[:, 0], len(models))
        linear, left = np.zeros((n_arms, len(family.columns))), np.zeros((n_arms, trait_count))
        for i, model in enumerate(models):
            if model not in family.members:
                continue
            member, arms = family.members[model], slice(i * n_targets, (i + 1) * n_targets)
            own = kernels.own_across[:, prior.table.column[member.cells]]
            gains = own @ member.inverse
            linear[arms, member.places] = -gains
            apart[i] -= gains @ own.T
            mean[arms] += own @ prior.alpha[member.cells]
            left[arms] = gains @ prior.trait_rows[member.cells]
        within = prior.shared[family.columns[:, None], family.columns]
        reach = np.tile(across, (len(models), 1)) + linear @ within
        return cls(
            mean=mean,
            traits=left + reach @ weights[:, 1:],
            linear=linear,
            across=across,
            reach=reach,
            known=family.known,
            apart=apart,
        )

    def covariance(self, kernels: TargetKernels, is_same: NDArray[np.bool_]) -> Array:
        """Of all arms, shape (n T, n T).

        Args:
            kernels: Of the targets.
            is_same: Which members are one model, a copy being the model that it is a copy of, shape (n, n).
        """
        n, n_targets = self.apart.shape[:2]
        to_targets = self.linear @ self.across.T + np.tile(kernels.shared_within, (n, 1))
        together = np.tile(to_targets, n) + self.reach @ (self.linear - self.reach @ self.known.T).T
        alone = is_same[:, None, :, None] * self.apart[:, :, None, :]
        return np.asarray(together + alone.reshape(n * n_targets, n * n_targets))


def gains(
    prior: Prior, prediction: Prediction, arm: int, *, most_relatives: int = 200
) -> tuple[Index, Array]:
    """The cells that moved an arm and how far each would move it if its z rose by one, the traits held.

    Args:
        prior: Fitted prior.
        prediction: Made from it.
        arm: Index into the prediction.
        most_relatives: In a larger family, only this many other members, those with most figures, are listed.
    """
    position, target = divmod(arm, len(prediction.kernels.own_within))
    candidate = prediction.candidates[position]
    family = prior.families.get(candidate.described.family)
    if family is None:
        return np.empty(0, dtype=np.intp), np.empty(0)
    model = prior.table.number_of.get(candidate.row, -1)
    reach = prediction.kernels.shared_across[target, family.columns]
    mine = family.members.get(model)
    own_gain = np.empty(0)
    if mine is not None:
        own_gain = prediction.kernels.own_across[target, prior.table.column[mine.cells]] @ mine.inverse
        within = prior.shared[np.ix_(family.columns[mine.places], family.columns)]
        reach = reach - own_gain @ within
    reach = reach @ family.gain
    cells, found = [], []
    for number in _relatives(family, model, most_relatives):
        member = family.members[number]
        cells.append(member.cells)
        found.append(reach[member.places] @ member.inverse + (own_gain if number == model else 0.0))
    return np.concatenate(cells), np.concatenate(found)


def _relatives(family: Family, model: int, most: int) -> list[int]:
    """The model itself and the other members with most figures."""
    others = sorted((m for m in family.members if m != model), key=lambda m: -len(family.members[m].cells))
    return ([model] if model in family.members else []) + others[:most]


def _by_family(candidates: Sequence[Candidate]) -> dict[str, Index]:
    members: dict[str, list[int]] = defaultdict(list)
    for i, candidate in enumerate(candidates):
        members[candidate.described.family].append(i)
    return {family: np.array(found, dtype=np.intp) for family, found in members.items()}
