"""How much of the data a run's winner is trained on, and what it is foretold to cost."""

from dataclasses import replace

import pytest

from app.probes.plan import ArmPlan
from app.probes.refit_plan import plan_refit, refit_seconds
from models_registry.vocabulary import Strategy
from tests.factories import make_entry

ENTRY = make_entry()
FULL = ArmPlan(
    model=0,
    strategy=Strategy.FULL,
    total_steps=100,
    step_seconds=0.1,
    slice_overhead_seconds=1.0,
    example_seconds=0.002,
)
HEAD = replace(FULL, strategy=Strategy.HEAD, total_steps=0, step_seconds=0.0)


@pytest.mark.parametrize("arm", [FULL, HEAD])
def test_all_examples_are_trained_on_where_time_allows(arm: ArmPlan) -> None:
    cost = refit_seconds(arm, ENTRY, 4_000)
    plan = plan_refit(0, arm, ENTRY, 4_000, cost)
    assert plan is not None
    assert (plan.n_examples, plan.seconds) == (4_000, cost)


def test_a_shorter_time_trains_on_fewer_and_is_kept() -> None:
    half = refit_seconds(FULL, ENTRY, 4_000) / 2
    plan = plan_refit(0, FULL, ENTRY, 4_000, half)
    assert plan is not None
    assert 256 <= plan.n_examples < 4_000
    assert 0.5 * half < plan.seconds <= half


def test_too_short_a_time_trains_on_nothing() -> None:
    assert plan_refit(0, FULL, ENTRY, 4_000, 1.0) is None


def test_a_fourth_of_few_examples_is_the_least() -> None:
    plan = plan_refit(0, FULL, ENTRY, 40, 1e6)
    assert plan is not None
    assert plan.n_examples == 40
    fewer = plan_refit(0, FULL, ENTRY, 40, refit_seconds(FULL, ENTRY, 10))
    assert fewer is not None
    assert 10 <= fewer.n_examples <= 16  # whole batches cost the same
    assert plan_refit(0, FULL, ENTRY, 40, 0.9 * fewer.seconds) is None


def test_a_head_costs_a_pass_and_has_no_slices() -> None:
    plan = plan_refit(0, HEAD, ENTRY, 4_000, 1e6)
    assert plan is not None
    assert plan.slice_ends(Strategy.HEAD) == ()
    assert plan.seconds < refit_seconds(FULL, ENTRY, 4_000) / 5


def test_slices_end_with_the_last_step() -> None:
    plan = plan_refit(0, FULL, ENTRY, 1_000, 1e6)
    assert plan is not None
    ends = plan.slice_ends(Strategy.FULL)
    assert ends == tuple(sorted(set(ends)))
    assert ends[-1] == 63 * plan.epochs
