import numpy as np
import pytest

from app.probes.plan import Action, ArmPlan, Kind, Record, RunPlan, Stop
from app.probes.scheduler import Scheduler, best_of_each
from app.probes.states import TrialStatus
from app.ranking.belief import Belief
from app.ranking.probe_model import Group
from benchmarks.metrics import METRICS
from models_registry.vocabulary import Strategy
from tests.unit.probe_models import MODEL

N = 3


def make_plan(means: tuple[float, ...] = (1.0, 1.1, 0.9), **changes: object) -> RunPlan:
    arms = [
        ArmPlan(
            model=m,
            strategy=s,
            total_steps=0 if s is Strategy.HEAD else 80,
            step_seconds=0.2,
            slice_overhead_seconds=1.0,
        )
        for m in range(len(means))
        for s in (Strategy.HEAD, Strategy.FULL)
    ]
    n = 2 * len(means)
    values: dict[str, object] = {
        "belief": Belief(
            mean=np.repeat(means, 2) - np.tile([0.0, 0.4], len(means)),
            covariance=0.3 * np.eye(n) + 0.2 * np.kron(np.eye(len(means)), np.ones((2, 2))),
            level_variance=1.0,
        ),
        "names": tuple(f"m{i}" for i in range(len(means))),
        "groups": (Group.LAYERED,) * len(means),
        "feature_seconds": (2.0,) * len(means),
        "arms": tuple(arms),
        "metric": METRICS["accuracy"],
        "stop_p_best": 0.99,
        "stop_regret": 1e-4,
        "seed": 0,
    }
    return RunPlan(**{**values, **changes})  # type: ignore[arg-type]


def simulate(
    scheduler: Scheduler, truth: dict[int, float], budget: float
) -> tuple[list[Action], Stop, float]:
    """Run to the end with simulated results that cost what was predicted."""
    actions: list[Action] = []
    spent = 0.0
    while True:
        step = scheduler.next(budget - spent)
        if isinstance(step, Stop):
            return actions, step, spent
        actions.append(step)
        spent += step.predicted_seconds
        scheduler.tell(answer(scheduler, step, truth))


def answer(scheduler: Scheduler, action: Action, truth: dict[int, float]) -> Record:
    if action.kind is Kind.FEATURES:
        score = truth[action.model] - 0.05
        return Record(
            kind=action.kind,
            model=action.model,
            arm=None,
            outcome="finished",
            seconds=action.predicted_seconds,
            score=score,
            std_error=0.01,
        )
    assert action.arm is not None
    assert action.until_step is not None
    done = action.until_step / scheduler.plan.arms[action.arm].total_steps
    return Record(
        kind=action.kind,
        model=action.model,
        arm=action.arm,
        outcome="finished",
        seconds=action.predicted_seconds,
        step=action.until_step,
        score=truth[action.model] - 0.05 * (1 - done),
        std_error=0.01,
    )


TRUTH = {0: 0.80, 1: 0.84, 2: 0.90}


def test_no_candidate_is_trained_before_its_features_are_seen() -> None:
    actions, _, _ = simulate(Scheduler(make_plan(), MODEL), TRUTH, 300.0)
    seen: set[int] = set()
    for action in actions:
        assert action.kind is Kind.FEATURES or action.model in seen
        seen.add(action.model)


def test_what_begins_at_random_is_trained_without_a_pass_before() -> None:
    arms = tuple(a for a in make_plan().arms if a.model != 1 or a.strategy is Strategy.FULL)
    plan = make_plan(arms=arms, from_scratch=(1,), stop_p_best=0.9)
    actions, _, _ = simulate(Scheduler(plan, MODEL), {0: 0.6, 1: 0.9, 2: 0.6}, 300.0)
    assert {a.model for a in actions if a.kind is Kind.FEATURES} <= {0, 2}
    assert any(a.kind is Kind.SLICE and a.model == 1 for a in actions)


def test_a_leader_that_begins_at_random_is_not_the_answer_before_it_was_trained() -> None:
    arms = tuple(a for a in make_plan().arms if a.model != 1 or a.strategy is Strategy.FULL)
    plan = make_plan((0.0, 9.0, 0.0), arms=arms, from_scratch=(1,), stop_p_best=0.5)
    assert isinstance(Scheduler(plan, MODEL).next(300.0), Action)


def test_of_equals_the_cheapest_is_looked_at_first() -> None:
    plan = make_plan((1.0, 1.0, 1.0), feature_seconds=(4.0, 1.0, 2.0))
    actions, _, _ = simulate(Scheduler(plan, MODEL), TRUTH, 300.0)
    assert actions[0].model == 1


def test_hopeless_candidate_is_not_looked_at_while_contenders_are_open() -> None:
    plan = make_plan((1.0, 1.1, -6.0))
    actions, _, _ = simulate(Scheduler(plan, MODEL), TRUTH, 60.0)
    assert {a.model for a in actions} == {0, 1}


@pytest.mark.parametrize("budget", [1.0, 5.0, 13.0, 40.0, 100.0])
def test_budget_is_never_exceeded(budget: float) -> None:
    _, _, spent = simulate(Scheduler(make_plan(), MODEL), TRUTH, budget)
    assert spent <= budget


def test_budget_too_small_for_anything_leaves_the_prior() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    actions, stop, _ = simulate(scheduler, TRUTH, 0.5)
    assert actions == []
    assert "budget" in stop.reason or "trained" in stop.reason
    np.testing.assert_array_equal(scheduler.belief().mean, scheduler.plan.belief.mean)


def test_truly_best_model_leads_at_the_end() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    simulate(scheduler, TRUTH, 300.0)
    assert int(scheduler.belief().mean[0::2].argmax()) == 2


def test_most_training_goes_to_the_contenders() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    actions, _, _ = simulate(scheduler, {0: 0.60, 1: 0.84, 2: 0.90}, 45.0)
    slices = [a.model for a in actions if a.kind is Kind.SLICE]
    assert slices
    assert slices.count(0) < slices.count(2)


def test_scheduler_told_the_same_records_decides_the_same() -> None:
    first = Scheduler(make_plan(), MODEL)
    records = []
    for _ in range(5):
        action = first.next(200.0)
        assert isinstance(action, Action)
        records.append(answer(first, action, TRUTH))
        first.tell(records[-1])
    kept = [Record.from_json(r.to_json()) for r in records]
    second = Scheduler(make_plan(), MODEL, kept)
    assert second.next(150.0) == first.next(150.0)


def test_failed_model_is_dropped_with_all_its_arms_and_the_run_goes_on() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    scheduler.tell(Record(kind=Kind.FEATURES, model=2, arm=None, outcome="out_of_memory", seconds=1.0))
    assert scheduler.rankable() == [0, 1, 2, 3]
    assert scheduler.status(5) is TrialStatus.OUT_OF_MEMORY
    actions, _, _ = simulate(scheduler, TRUTH, 100.0)
    assert {a.model for a in actions} == {0, 1}


def test_diverged_arm_leaves_the_head_of_its_model_in_the_race() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    for model in range(N):
        scheduler.tell(
            answer(
                scheduler,
                Action(kind=Kind.FEATURES, model=model, arm=None, until_step=None, predicted_seconds=2.0),
                TRUTH,
            )
        )
    scheduler.tell(Record(kind=Kind.SLICE, model=2, arm=5, outcome="diverged", seconds=1.0, step=10))
    assert 5 not in scheduler.rankable()
    assert 4 in scheduler.rankable()


def test_run_ends_when_every_candidate_failed() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    for model in range(N):
        scheduler.tell(Record(kind=Kind.FEATURES, model=model, arm=None, outcome="failed", seconds=1.0))
    stop = scheduler.next(100.0)
    assert isinstance(stop, Stop)
    assert stop.reason == "every candidate failed"


def test_clear_winner_stops_the_run_early() -> None:
    plan = make_plan(stop_p_best=0.9)
    _, stop, spent = simulate(Scheduler(plan, MODEL), {0: 0.55, 1: 0.55, 2: 0.97}, 300.0)
    assert stop.reason in {"P(best) reached", "expected regret reached"}
    assert spent < 60.0


def test_slower_machine_than_predicted_does_not_overrun() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    spent, budget = 0.0, 30.0
    while isinstance(action := scheduler.next(budget - spent), Action):
        told = answer(scheduler, action, TRUTH)
        seconds = 3.0 * action.predicted_seconds
        spent += min(seconds, budget - spent)
        scheduler.tell(Record.from_json({**told.to_json(), "seconds": seconds}))
    assert spent <= budget


def test_slice_cut_off_by_the_budget_leaves_its_arm_in_the_race() -> None:
    scheduler = Scheduler(make_plan(), MODEL)
    for model in range(N):
        action = Action(kind=Kind.FEATURES, model=model, arm=None, until_step=None, predicted_seconds=2.0)
        scheduler.tell(answer(scheduler, action, TRUTH))
    scheduler.tell(Record(kind=Kind.SLICE, model=2, arm=5, outcome="timed_out", seconds=9.0, step=10))
    assert scheduler.status(5) is TrialStatus.TIMED_OUT
    assert 5 in scheduler.rankable()


def test_leader_is_looked_at_even_where_nothing_can_change_the_answer() -> None:
    certain = Belief(mean=np.repeat([9.0, 1.0, 1.0], 2), covariance=1e-6 * np.eye(6), level_variance=0.0)
    actions, stop, _ = simulate(Scheduler(make_plan(belief=certain), MODEL), TRUTH, 300.0)
    assert [a.model for a in actions] == [0]
    assert stop.reason in {"P(best) reached", "expected regret reached"}


def test_a_belief_surer_than_it_should_be_still_spends_the_budget() -> None:
    sure = Belief(mean=np.repeat([1.0, 1.6, 0.2], 2), covariance=0.005 * np.eye(6) + 0.3, level_variance=2.0)
    plan = make_plan(belief=sure, stop_p_best=1.1, stop_regret=-1.0)
    actions, _, spent = simulate(Scheduler(plan, MODEL), TRUTH, 60.0)
    assert {a.model for a in actions} >= {0, 1}
    assert spent > 30.0


ADAPTED = (Strategy.HEAD, Strategy.FULL, Strategy.LORA)


def plan_with_lora() -> RunPlan:
    """Two models of which LoRA is cheaper than a full fine-tune."""
    seconds = {Strategy.FULL: 0.6, Strategy.LORA: 0.2}
    arms = tuple(
        ArmPlan(
            model=m,
            strategy=s,
            total_steps=0 if s is Strategy.HEAD else 80,
            step_seconds=seconds.get(s, 0.0),
            slice_overhead_seconds=1.0,
        )
        for m in range(2)
        for s in ADAPTED
    )
    tuned = Belief(mean=np.array([1.0, 1.1]), covariance=0.4 * np.eye(2), level_variance=1.0)
    groups = (Group.LAYERED,) * 2
    belief = MODEL.joined(tuned, groups, [Strategy.LORA])
    return make_plan(means=(1.0, 1.1), arms=arms, belief=belief)


def test_every_arm_has_a_place_of_its_own_in_the_belief() -> None:
    plan = plan_with_lora()
    assert plan.adapted == (Strategy.LORA,)
    assert [plan.position(arm) for arm in range(len(plan.arms))] == [1, 0, 2, 4, 3, 5]


def test_strategies_of_one_model_are_trained_apart_and_the_cheap_one_more() -> None:
    scheduler = Scheduler(plan_with_lora(), MODEL)
    actions, _, _ = simulate(scheduler, {0: 0.8, 1: 0.82}, budget=45.0)
    steps = {
        s: sum(a.until_step or 0 for a in actions if a.arm is not None and ADAPTED[a.arm % 3] is s)
        for s in ADAPTED
    }
    assert steps[Strategy.LORA] > steps[Strategy.FULL]
    assert len(best_of_each(scheduler, scheduler.rankable())) == 4


def test_the_arm_that_measures_best_stands_for_its_model() -> None:
    scheduler = Scheduler(plan_with_lora(), MODEL)
    for arm, score in ((1, 0.7), (2, 0.9)):
        scheduler.tell(
            Record(
                kind=Kind.SLICE,
                model=0,
                arm=arm,
                outcome="finished",
                seconds=1.0,
                step=80,
                score=score,
                std_error=0.01,
            )
        )
    assert [arm for arm in best_of_each(scheduler, scheduler.rankable()) if arm < 3] == [0, 2]
