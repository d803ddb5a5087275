"""How much of the data a run's winner is trained on at its end, and what is kept of the budget for it."""

from dataclasses import dataclass, replace

import numpy as np

from app.probes.plan import ArmPlan
from app.probes.planning import BATCH_SIZE, Prepared
from app.probes.sample_size import MIN_TRAIN, N_SIZES
from app.probes.scheduler import REFIT_SHARE
from app.probes.work_costs import LOAD_SECONDS, LOAD_SECONDS_PER_PARAMETER, SLICE_OVERHEAD_SECONDS
from app.ranking.cost import HEAD_SECONDS_PER_EXAMPLE, epochs_for
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy

HEAD_START = 1_000
"""Examples that the head begins from as the solution on frozen features."""
LEAST_SHARE = 0.25
"""Of the examples where there are few of them."""
SLICES = (0.25, 0.5, 0.75, 1.0)
"""Ends of its slices, after which a worker that takes the run over goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitPlan:
    """A fine-tune of the winner with nothing held out.

    Attributes:
        arm: The winner.
        n_examples: Trained on.
        epochs: Passes over them.
        seconds: Predicted.
    """

    arm: int
    n_examples: int
    epochs: int
    seconds: float

    def slice_ends(self, strategy: Strategy) -> tuple[int, ...]:
        """Steps at which its slices end; none of a head, which is solved at once."""
        if strategy is Strategy.HEAD:
            return ()
        total = -(-self.n_examples // BATCH_SIZE) * self.epochs
        return tuple(sorted({max(1, round(share * total)) for share in SLICES}))


def refit_seconds(arm: ArmPlan, entry: ModelEntry, n_examples: int) -> float:
    """Predicted cost of training an arm on so many examples, from loading to writing it out."""
    load = LOAD_SECONDS + LOAD_SECONDS_PER_PARAMETER * (entry.n_parameters or 0)
    if arm.strategy is Strategy.HEAD:
        return load + (arm.example_seconds + HEAD_SECONDS_PER_EXAMPLE) * n_examples
    steps = -(-n_examples // BATCH_SIZE) * epochs_for(n_examples)
    began = 2 * load + arm.example_seconds * min(n_examples, HEAD_START)
    return began + steps * arm.step_seconds + (len(SLICES) + 1) * SLICE_OVERHEAD_SECONDS


def with_refit(prepared: Prepared, n_available: int, budget_seconds: float) -> Prepared:
    """The plan of a run that keeps at most a share of its budget to train its winner on all the data."""
    most, plan = REFIT_SHARE * budget_seconds, prepared.plan
    arms = tuple(
        replace(arm, refit_seconds=min(refit_seconds(arm, prepared.entries[arm.model], n_available), most))
        for arm in plan.arms
    )
    return replace(prepared, plan=replace(plan, arms=arms))


def plan_refit(
    position: int, arm: ArmPlan, entry: ModelEntry, n_available: int, seconds: float
) -> RefitPlan | None:
    """The refit on as many examples as the time allows; None where it allows too few to be worth it.

    Args:
        position: Of the arm in its run.
        arm: The winner.
        entry: Its model.
        n_available: Examples there are.
        seconds: To be spent, as the plan counts them.
    """
    least = max(LEAST_SHARE * n_available, 1) if n_available < MIN_TRAIN else MIN_TRAIN
    sizes = np.unique(np.geomspace(least, n_available, N_SIZES).round().astype(int))
    for n in sizes[::-1].tolist():
        cost = refit_seconds(arm, entry, n)
        if cost <= seconds:
            return RefitPlan(arm=position, n_examples=n, epochs=epochs_for(n), seconds=cost)
    return None
