"""Which figures moved a prediction, how far, and what it would be without each of them."""

from dataclasses import dataclass

import numpy as np

from app.ranking.evidence import EvidenceBase, TargetBelief, arm_of
from app.ranking.figure_arrays import NumberedFigure
from app.ranking.prediction import gains
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Strategy


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Influence:
    """One published cell that moved a prediction; the same object wherever the same belief is explained.

    Attributes:
        figure: The figure (the first of those averaged).
        similarity: Correlation between the cell's column and the target, 0 to 1.
        weight: How far the prediction moves, in standard units, where the cell's score moves by one.
        pull: weight times how far the cell lies from its expectation: what it did to the prediction.
        effect: What the predicted score would be without it, less what it is, on the metric's own scale.
        is_own: Whether it is the model's own figure or a relative's.
    """

    figure: NumberedFigure
    similarity: float
    weight: float
    pull: float
    effect: float
    is_own: bool


def influences(
    base: EvidenceBase, held: TargetBelief, model: int, strategy: Strategy, *, limit: int = 5
) -> tuple[Influence, ...]:
    """The figures that moved this arm most, strongest first.

    Args:
        base: Where the figures are.
        held: The belief.
        model: Index into the candidate table.
        strategy: Which arm of it.
        limit: How many.
    """
    known, key = held.told.strongest, (model, arm_of(strategy), limit)
    found = known.get(key)
    if found is None:
        arm = 2 * held.position[model] + arm_of(strategy)
        found = known[key] = _strongest(base, held, arm, limit)
    return found


def _strongest(base: EvidenceBase, held: TargetBelief, arm: int, limit: int) -> tuple[Influence, ...]:
    prior, table = base.prior, base.prior.table
    position, adaptation = divmod(arm, 2)
    entry = base.candidates.entries[held.models[position]]
    cells, moved = gains(prior, held.prediction, arm)
    if len(cells) == 0:
        return ()
    pulls = moved * (prior.standard[cells] - prior.trait_rows[cells] @ prior.beta)
    own_row = entry.derived_from or entry.key
    is_own = table.model[cells] == table.number_of.get(own_row, -1)
    # A cell that agrees with its expectation pulls nowhere but still narrows the interval: rank by gain too.
    strength = np.abs(pulls) + 0.25 * np.abs(moved) + 0.5 * np.abs(moved) * is_own
    order = np.lexsort((cells, -strength))[:limit]
    similarity = held.similarity[adaptation]
    return tuple(
        Influence(
            figure=table.figure(int(cells[o])),
            similarity=float(similarity[table.column[cells[o]]]),
            weight=float(moved[o]),
            pull=float(pulls[o]),
            effect=_change(held, arm, -held.spread * float(moved[o]) * prior.surprise(int(cells[o]))),
            is_own=bool(is_own[o]),
        )
        for o in order
        if abs(moved[o]) > 1e-4
    )


def _change(held: TargetBelief, arm: int, shift: float) -> float:
    """What a shift of an arm's mean on the comparable scale is worth on the metric's own."""
    mean = float(held.belief.mean[arm])
    after, before = metric_named(held.target.tuned.metric).from_comparable([mean + shift, mean])
    return float(after - before)
