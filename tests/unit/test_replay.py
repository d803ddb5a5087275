"""Replaying recorded fine-tunes: worlds, policies and what they come to."""

import numpy as np
import pytest
from numpy.typing import NDArray

from app.evaluation.replay.policies import (
    Policy,
    advisor,
    static_pick,
    successive_halving,
    transferability,
    uniform,
)
from app.evaluation.replay.table import Outcome, mean_regrets
from app.evaluation.replay.world import World
from app.fitting.probes import TooFewTasksError, fit_probes
from app.fitting.recorded_tasks import RecordedTask, Scores
from app.ranking.belief import Belief
from app.ranking.probe_model import HEAD, SLICE, Group
from benchmarks.metrics import METRICS

Array = NDArray[np.float64]

N, STEPS = 6, 80
FRACTIONS = (0.125, 0.25, 0.5, 1.0)
ERROR = 0.015


def scores(comparable: Array) -> Scores:
    values = METRICS["accuracy"].from_comparable(comparable)
    return Scores(values=values, errors=np.full(len(values), ERROR))


def make_task(dataset: str, seed: int) -> RecordedTask:
    """Curves that rise to a final score, heads below it, one telling and one silent estimator."""
    rng = np.random.default_rng(seed)
    final = 1.0 + 0.3 * rng.standard_normal() + 0.4 * rng.standard_normal(N)
    head = final - 0.5 + 0.15 * rng.standard_normal(N)

    def noisy(values: Array) -> Array:
        return values + 0.08 * rng.standard_normal(N)

    return RecordedTask(
        dataset=dataset,
        seed=0,
        metric=METRICS["accuracy"],
        models=tuple(f"m{i}" for i in range(N)),
        groups=(Group.STATIC,) * 2 + (Group.LAYERED,) * (N - 2),
        n_train=1_000,
        n_validation=300,
        steps=STEPS,
        final=scores(final),
        slices={round(f * STEPS): scores(noisy(final - 0.4 * (1 - f))) for f in FRACTIONS},
        heads={n: scores(noisy(head - 0.1 * np.log2(1_000 / n))) for n in (64, 256, 1_000)},
        estimators={
            (name, n): values
            for n in (64, 256, 1_000)
            for name, values in (("good", noisy(final)), ("silent", rng.standard_normal(N)))
        },
        prior=Belief(mean=np.full(N, 0.8), covariance=0.3 * np.eye(N), level_variance=0.3),
    )


TASKS = [make_task(f"d{i}", i) for i in range(12)]


def make_world(task: RecordedTask) -> World:
    return World(
        task=task,
        example_seconds=np.geomspace(0.002, 0.01, N),
        loading_seconds=np.full(N, 0.5),
    )


MODEL = fit_probes(TASKS[1:], [])
POLICIES: dict[str, Policy] = {
    "advisor": advisor(MODEL),
    "halving": successive_halving,
    "uniform": uniform,
    "good": transferability("good"),
    "head": transferability("head"),
}


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("share", [0.005, 0.02, 0.1, 0.3, 0.5, 1.2])
def test_no_way_spends_more_than_its_budget(name: str, share: float) -> None:
    world = make_world(TASKS[0])
    budget = share * world.total_seconds
    assert POLICIES[name](world, budget, 0).seconds <= budget * (1 + 1e-9)


@pytest.mark.parametrize("name", ["advisor", "halving", "uniform"])
def test_enough_budget_finds_a_model_next_to_the_best(name: str) -> None:
    regrets = []
    for task in TASKS:
        world = make_world(task)
        regrets.append(world.regret(POLICIES[name](world, 1.3 * world.total_seconds, 0).pick))
    assert np.mean(regrets) < 1.5


def test_nothing_spent_leaves_the_advisor_with_what_it_knew() -> None:
    world = make_world(TASKS[0])
    found = POLICIES["advisor"](world, 0.0, 0)
    assert found.seconds == 0.0
    assert found.means is not None
    np.testing.assert_allclose(found.means, world.task.prior.mean)


def test_same_seed_spends_the_same() -> None:
    world = make_world(TASKS[0])
    first, second = (POLICIES["advisor"](world, 0.2 * world.total_seconds, 3) for _ in range(2))
    assert (first.pick, first.seconds) == (second.pick, second.seconds)


def test_advisor_beats_what_knows_nothing_at_a_tenth_of_the_cost() -> None:
    def mean(policy: Policy) -> float:
        worlds = [make_world(task) for task in TASKS]
        return float(
            np.mean([w.regret(policy(w, 0.1 * w.total_seconds, s).pick) for w in worlds for s in range(5)])
        )

    assert mean(POLICIES["advisor"]) < min(mean(successive_halving), mean(uniform))


def test_intervals_hold_about_four_in_five() -> None:
    held = []
    for task in TASKS:
        world = make_world(task)
        found = POLICIES["advisor"](world, 0.25 * world.total_seconds, 0)
        held += [level <= 0.8 for level in found.levels(*task.final.comparable(task.metric))]
    assert 0.65 < np.mean(held) < 0.95


def test_static_pick_spends_nothing() -> None:
    world = make_world(TASKS[0])
    found = static_pick(lambda _: 3)(world, world.total_seconds, 0)
    assert (found.pick, found.seconds) == (3, 0.0)


def test_relations_of_made_up_curves_are_found_again() -> None:
    at_half = MODEL.probes[SLICE][Group.LAYERED].at(0.5)
    assert at_half.tuned + at_half.frozen == pytest.approx(1.0, abs=0.25)
    assert at_half.intercept + at_half.frozen * -0.5 == pytest.approx(-0.2, abs=0.3)
    assert MODEL.heads[Group.LAYERED].tuned == pytest.approx(1.0, abs=0.3)
    assert MODEL.probes[HEAD][Group.LAYERED].at(1.0).frozen == pytest.approx(1.0, abs=0.1)


def test_more_training_is_never_less_certain() -> None:
    for group in Group:
        assert all(np.diff(MODEL.probes[SLICE][group].values[4]) <= 0.0)


def test_estimator_that_tells_nothing_moves_nothing() -> None:
    model = fit_probes(TASKS[1:], [], ("good", "silent"))
    good, silent = (model.probes[name][Group.LAYERED].at(1.0) for name in ("good", "silent"))
    assert abs(good.tuned) / np.sqrt(good.own) > 3.0 * abs(silent.tuned) / np.sqrt(silent.own)


def test_one_labelled_set_is_too_little() -> None:
    with pytest.raises(TooFewTasksError):
        fit_probes(TASKS[:1], [])


def test_mean_regret_counts_every_labelled_set_alike() -> None:
    def outcome(dataset: str, seed: int, regret: float) -> Outcome:
        return Outcome(dataset=dataset, seed=seed, policy="p", budget=0.1, regret=regret, spent=0.1)

    rows = [outcome("a", 0, 1.0), outcome("a", 1, 3.0), outcome("b", 0, 4.0)]
    assert mean_regrets(rows)["p"][0.1][0] == pytest.approx(3.0)
