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

from app.keeping import Kept
from app.ranking.columns import Column, ColumnTable
from app.ranking.described import Described
from app.ranking.prior import Prior
from app.ranking.regression import Family
from app.ranking.traits import traits

Array = NDArray[np.float64]
Index = NDArray[np.intp]

PIECE_OVERHEAD = 1_024
"""Bytes of a piece beside its larger arrays."""
MOST_RELATIVES = 32
"""Other members of a family whose figures are looked at where an answer is explained: those with most."""


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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Piece:
    """What one model brings to a joint prediction, whomever it is predicted with.

    Its part that the family shares is x = g(t) - O_tm V_m^-1 E_m g; C_f are the family's columns.

    Attributes:
        mean: Shape (T,).
        unexplained: Traits less what the figures say about their coefficients, shape (T, traits).
        linear: -O_tm V_m^-1 E_m, what is taken from g at the family's columns, shape (T, C_f).
        reach: Covariance of x with g at the family's columns, before any figure, shape (T, C_f).
        apart: Covariance of what no figure of the model tells, shape (T, T).
        alone: Covariance of the model's arms, the traits left out, shape (T, T).
    """

    mean: Array
    unexplained: Array
    linear: Array
    reach: Array
    apart: Array
    alone: Array

    @classmethod
    def of(cls, prior: Prior, kernels: TargetKernels, candidate: Candidate, rows: Array) -> "Piece":
        """Of a candidate with its traits on the targets, shape (T, traits)."""
        family = prior.families.get(candidate.described.family)
        mean = rows @ prior.beta
        if family is None:
            nothing = np.zeros((len(mean), 0))
            return cls(
                mean=mean,
                unexplained=rows,
                linear=nothing,
                reach=nothing,
                apart=kernels.own_within,
                alone=kernels.own_within + kernels.shared_within,
            )
        across = kernels.shared_across[:, family.columns]
        weights = prior.weights[candidate.described.family]
        mean = mean + across @ weights[:, 0]
        linear, reach, apart = np.zeros_like(across), across, kernels.own_within
        member = family.members.get(prior.table.number_of.get(candidate.row, -1))
        if member is not None:
            own = kernels.own_across[:, family.columns[member.places]]
            taken = own @ member.inverse
            linear[:, member.places] = -taken
            reach = across - taken @ prior.shared[family.columns[member.places, None], family.columns]
            apart = apart - taken @ own.T
            mean += own @ prior.alpha[member.cells]
            rows = rows - taken @ prior.trait_rows[member.cells]
        together = kernels.shared_within + linear @ across.T + reach @ (linear - reach @ family.known).T
        return cls(
            mean=mean,
            unexplained=rows - reach @ weights[:, 1:],
            linear=linear,
            reach=reach,
            apart=apart,
            alone=together + apart,
        )

    @property
    def n_bytes(self) -> int:
        """That it takes."""
        return sum(a.nbytes for a in (self.unexplained, self.linear, self.reach)) + PIECE_OVERHEAD


def predict(
    prior: Prior,
    candidates: Sequence[Candidate],
    targets: Sequence[Column],
    *,
    kernels: TargetKernels | None = None,
    known: "Kept[tuple[TargetKernels, Candidate], Piece] | None" = None,
) -> Prediction:
    """What the figures say about these models on these target columns.

    Args:
        prior: Fitted prior.
        candidates: The models.
        targets: Columns, such as the user's task when fine-tuned and when frozen.
        kernels: Of the targets, where they are at hand.
        known: Pieces that were made before.
    """
    kernels = kernels or TargetKernels.of(prior, targets)
    pieces = _pieces(prior, candidates, targets, kernels, known)
    n = len(pieces)
    unexplained = (
        np.concatenate([p.unexplained for p in pieces]) if pieces else np.empty((0, len(prior.beta)))
    )
    covariance = unexplained @ prior.beta_covariance @ unexplained.T
    blocks = covariance.reshape(n, len(targets), n, len(targets))
    for name, members in _by_family(candidates).items():
        if len(members) == 1:
            i = members[0]
            blocks[i, :, i] += pieces[i].alone
        else:
            blocks[members[:, None], :, members] += _together(
                prior.families.get(name),
                kernels,
                [pieces[i] for i in members],
                [candidates[i] for i in members],
            )
    return Prediction(
        mean=np.concatenate([p.mean for p in pieces]) if pieces else np.empty(0),
        covariance=(covariance + covariance.T) / 2,
        candidates=candidates,
        kernels=kernels,
    )


def _pieces(
    prior: Prior,
    candidates: Sequence[Candidate],
    targets: Sequence[Column],
    kernels: TargetKernels,
    known: "Kept[tuple[TargetKernels, Candidate], Piece] | None",
) -> list[Piece]:
    found = [None if known is None else known.get((kernels, c)) for c in candidates]
    missing = [i for i, piece in enumerate(found) if piece is None]
    model, target = np.divmod(np.arange(len(missing) * len(targets)), len(targets))
    rows = traits([candidates[i].described for i in missing], ColumnTable(targets), model, target)
    for place, i in enumerate(missing):
        mine = rows[place * len(targets) : (place + 1) * len(targets)]
        piece = Piece.of(prior, kernels, candidates[i], mine)
        found[i] = piece if known is None else known.keep((kernels, candidates[i]), piece, piece.n_bytes)
    return [piece for piece in found if piece is not None]


def _together(
    family: Family | None, kernels: TargetKernels, pieces: Sequence[Piece], candidates: Sequence[Candidate]
) -> Array:
    """Covariance of the members of one family, the traits left out, shape (n, n, T, T).

    What no figure tells is shared by members that are one model, a copy being the model that it copies.
    """
    n, n_targets = len(pieces), len(kernels.own_within)
    linear = np.concatenate([p.linear for p in pieces])
    reach = np.concatenate([p.reach for p in pieces])
    together = np.tile(kernels.shared_within, (n, n))
    if family is not None:
        across = kernels.shared_across[:, family.columns]
        together += np.tile(linear @ across.T, n) + reach @ (linear - reach @ family.known).T
    rows = [c.row for c in candidates]
    same = np.array([[mine == theirs for theirs in rows] for mine in rows])
    apart = np.stack([p.apart for p in pieces])
    blocks = together.reshape(n, n_targets, n, n_targets).transpose(0, 2, 1, 3)
    return np.asarray(blocks + same[:, :, None, None] * apart[:, None])


def gains(
    prior: Prior, prediction: Prediction, arm: int, *, most_relatives: int = MOST_RELATIVES
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
    # reach G, with G = I - known F
    reach = reach - (reach @ family.known) @ prior.shared[family.columns[:, None], family.columns]
    cells, found = [], []
    for number in _relatives(prior, family, model, most_relatives):
        member = family.members[number]
        cells.append(member.cells)
        found.append(reach[member.places] @ member.inverse + (own_gain if number == model else 0.0))
    return np.concatenate(cells), np.concatenate(found)


def _relatives(prior: Prior, family: Family, model: int, most: int) -> list[int]:
    """The model itself and the other members with most figures."""
    starts = prior.table.starts  # not the members themselves, which are solved when they are looked at
    others = sorted((m for m in family.members if m != model), key=lambda m: int(starts[m] - starts[m + 1]))
    return ([model] if model in family.members else []) + others[:most]


def _by_family(candidates: Sequence[Candidate]) -> dict[str, Index]:
    members: dict[str, list[int]] = defaultdict(list)
    for i, candidate in enumerate(candidates):
        members[candidate.described.family].append(i)
    return {family: np.array(found, dtype=np.intp) for family, found in members.items()}
