"""What spends a budget on a recorded task: the scheduler that serves, and what it has to beat.

A policy gives the candidate that it would fine-tune, having spent at most its budget (seconds).

Sources: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization", algorithm 1, for successive halving; Renggli et al. 2022, "SHiFT", for its use on hubs.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from app.evaluation.replay.world import Spent, World
from app.probes.plan import Action
from app.probes.sample_size import FEATURE_SHARE
from app.probes.scheduler import Scheduler
from app.ranking.probe_model import ProbeModel

Array = NDArray[np.float64]
Index = NDArray[np.int64]

Policy = Callable[[World, float, int], Spent]
"""From a world, a budget and a seed."""


def choose_features(world: World, budget: float) -> int:
    """As many training examples as passes over all candidates can see in `FEATURE_SHARE` of the budget."""
    sizes = sorted(world.task.heads) or [world.task.n_train]
    affordable = [n for n in sizes if world.cost_of_pass(n).sum() <= FEATURE_SHARE * budget]
    return affordable[-1] if affordable else sizes[0]


def advisor(model: ProbeModel) -> Policy:
    """The scheduler that serves, with what was learnt without the task."""

    def spend(world: World, budget: float, seed: int) -> Spent:
        n_features = choose_features(world, budget)
        scheduler = Scheduler(world.plan(model, n_features, seed), model)
        spent = 0.0
        while isinstance(action := scheduler.next(budget - spent), Action):
            record = world.perform(action, n_features)
            spent += record.seconds
            scheduler.tell(record)
        belief = scheduler.belief()
        mean = belief.mean[::2]
        return Spent(
            pick=int(np.argmax(mean)),
            seconds=spent,
            means=mean,
            deviations=np.sqrt(belief.variance[::2]),
        )

    return spend


def successive_halving(world: World, budget: float, seed: int) -> Spent:
    """All candidates, or as many drawn at random as can be begun, halved whenever the steps have doubled."""
    task, rng = world.task, np.random.default_rng(seed)
    steps = sorted(task.slices)
    order = rng.permutation(len(task.models))
    alive, spent, done = _begun(world, order, steps, budget), 0.0, 0
    best = int(alive[0]) if len(alive) else int(order[0])
    for step in steps:
        finished = []
        for m in alive:
            cost = float(world.train_seconds[m]) * (step - done) / task.steps
            if spent + cost > budget:
                break
            spent += cost
            finished.append(m)
        if finished:
            ranked = sorted(finished, key=lambda m: -task.slices[step].values[m])
            best = int(ranked[0])
            alive = np.array(ranked[: max(math.ceil(len(alive) / 2), 1)])
        if len(finished) < 1:
            break
        done = step
    return Spent(pick=best, seconds=spent)


def _begun(world: World, order: Index, steps: list[int], budget: float) -> Index:
    """The first candidates of an order whose halving the budget sees through, at least one."""
    for n in range(len(order), 0, -1):
        if _halving_cost(world, order[:n], steps) <= budget:
            return order[:n]
    return order[:1]


def _halving_cost(world: World, alive: Index, steps: list[int]) -> float:
    """Expected cost, the survivors being of average cost."""
    average, cost, done, n = float(world.train_seconds[alive].mean()), 0.0, 0, len(alive)
    for step in steps:
        cost += n * average * (step - done) / world.task.steps
        done, n = step, max(math.ceil(n / 2), 1)
    return cost


def uniform(world: World, budget: float, seed: int) -> Spent:
    """Every candidate trained as far as an equal share of its cost allows, the best score then picked."""
    task, rng = world.task, np.random.default_rng(seed)
    share = budget / world.total_seconds
    steps = [s for s in sorted(task.slices) if s / task.steps <= share]
    if steps:
        step = steps[-1]
        spent = float(world.train_seconds.sum()) * step / task.steps
        return Spent(pick=int(np.argmax(task.slices[step].values)), seconds=spent)
    # Too little for all: the first slice of as many as it reaches, drawn at random.
    first, spent, seen = min(task.slices), 0.0, list[int]()
    for m in rng.permutation(len(task.models)):
        cost = float(world.train_seconds[m]) * first / task.steps
        if spent + cost <= budget:
            spent += cost
            seen.append(int(m))
    values = task.slices[first].values
    pick = max(seen, key=lambda m: values[m]) if seen else int(rng.integers(len(task.models)))
    return Spent(pick=pick, seconds=spent)


def static_pick(choose: Callable[[World], int]) -> Policy:
    """One candidate known before anything is spent."""

    def spend(world: World, budget: float, seed: int) -> Spent:
        del budget, seed
        return Spent(pick=choose(world), seconds=0.0)

    return spend


def transferability(estimator: str) -> Policy:
    """The candidate with the highest score of an estimator; as many are passed over as the budget reaches."""

    def spend(world: World, budget: float, seed: int) -> Spent:
        task, rng = world.task, np.random.default_rng(seed)
        n = choose_largest(world, budget)
        costs, values = world.cost_of_pass(n), _estimates(world, estimator, n)
        spent, seen = 0.0, list[int]()
        for m in rng.permutation(len(task.models)):
            if spent + costs[m] <= budget:
                spent += float(costs[m])
                seen.append(int(m))
        scored = [m for m in seen if np.isfinite(values[m])]
        pick = max(scored, key=lambda m: values[m]) if scored else int(rng.integers(len(task.models)))
        return Spent(pick=pick, seconds=spent)

    return spend


def choose_largest(world: World, budget: float) -> int:
    """The largest sample of which all candidates can be passed over, or the smallest there is."""
    sizes = sorted(world.task.heads)
    affordable = [n for n in sizes if world.cost_of_pass(n).sum() <= budget]
    return affordable[-1] if affordable else sizes[0]


def _estimates(world: World, estimator: str, n: int) -> Array:
    if estimator == "head":
        return world.task.heads[n].values
    return world.task.estimators[estimator, n]


def all_estimators(world: World) -> Mapping[str, Policy]:
    """One policy for every estimator that was recorded."""
    names = sorted({name for name, _ in world.task.estimators} | {"head"})
    return {name: transferability(name) for name in names}
