"""Regret of every policy at every budget over recorded tasks, each calibration leaving its task out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from app.evaluation.replay.policies import (
    Policy,
    advisor,
    all_estimators,
    static_pick,
    successive_halving,
    uniform,
)
from app.evaluation.replay.world import World
from app.fitting.candidates import candidate_entries
from app.fitting.fine_tunes import FineTunePoint
from app.fitting.probes import learn_probes
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.posterior import INTERVAL_LEVEL
from app.ranking.probe_model import ProbeModel

BUDGETS = (0.02, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5)
"""Shares of the cost of training every candidate."""
DRAWS = 20
"""Orders in which a rival that knows nothing beforehand begins; their mean is what it is worth."""
ADVISOR = "advisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy came to on one task with one budget.

    Attributes:
        dataset: Of the task.
        seed: Of the task.
        policy: Its name.
        budget: Share of the cost of training all.
        regret: Points of the metric, mean over draws.
        spent: Share of the cost of training all.
        levels: Of each candidate's central interval that ends at its final score: uniform where beliefs are
            calibrated; empty where nothing is believed.
    """

    dataset: str
    seed: int
    policy: str
    budget: float
    regret: float
    spent: float
    levels: tuple[float, ...] = ()


def learner(tasks: Sequence[RecordedTask], smaller: Sequence[FineTunePoint]) -> Callable[[str], ProbeModel]:
    """What is learnt of probes without a labelled set, by its name; learnt once.

    Args:
        tasks: Recorded.
        smaller: Ends of fine-tunes of the same candidates on less of the same data.
    """

    @lru_cache
    def learnt_without(dataset: str) -> ProbeModel:
        return learn_probes(
            [t for t in tasks if t.dataset != dataset], [p for p in smaller if p.dataset != dataset]
        )

    return learnt_without


def replay(
    tasks: Sequence[RecordedTask],
    model_without: Callable[[str], ProbeModel],
    *,
    budgets: Sequence[float] = BUDGETS,
    only: frozenset[str] = frozenset(),
    on_task: Callable[[RecordedTask], None] = lambda _: None,
) -> list[Outcome]:
    """Every policy on every task.

    Args:
        tasks: Recorded.
        model_without: What was learnt of probes without a labelled set.
        budgets: Shares of the cost of training all.
        only: Data sets to be replayed; empty for all. The others still teach.
        on_task: Told each task before it is replayed.
    """
    found = []
    for task in (t for t in tasks if not only or t.dataset in only):
        on_task(task)
        model = model_without(task.dataset)
        world = World.of(task)
        policies: dict[str, Policy] = {
            ADVISOR: advisor(model),
            "successive halving": successive_halving,
            "uniform": uniform,
            "most parameters": static_pick(_largest),
            "best on the other sets": static_pick(partial(_best_elsewhere, tasks)),
            "figures alone": static_pick(lambda w: int(np.argmax(w.task.prior.mean))),
            **all_estimators(world),
        }
        found += [_outcome(world, n, policy, b) for n, policy in policies.items() for b in budgets]
    return found


def replay_curves(
    worlds: Sequence[World], model: ProbeModel, *, budgets: Sequence[float] = BUDGETS
) -> list[Outcome]:
    """What needs nothing but curves, on the curves of any file.

    Args:
        worlds: One for each data set and seed.
        model: What was learnt of probes, on other data.
        budgets: Shares of the cost of training all.
    """
    policies: dict[str, Policy] = {
        ADVISOR: advisor(model),
        "successive halving": successive_halving,
        "uniform": uniform,
    }
    tasks = [world.task for world in worlds]
    if len({task.dataset for task in tasks}) > 1:
        policies["best on the other sets"] = static_pick(partial(_best_elsewhere, tasks))
    return [_outcome(w, n, policy, b) for w in worlds for n, policy in policies.items() for b in budgets]


def _outcome(world: World, name: str, policy: Policy, budget: float) -> Outcome:
    draws = 1 if name == ADVISOR else DRAWS
    spent = [policy(world, budget * world.total_seconds, seed) for seed in range(draws)]
    task = world.task
    return Outcome(
        dataset=task.dataset,
        seed=task.seed,
        policy=name,
        budget=budget,
        regret=float(np.mean([world.regret(s.pick) for s in spent])),
        spent=float(np.mean([s.seconds for s in spent])) / world.total_seconds,
        levels=spent[0].levels(*task.final.comparable(task.metric)),
    )


def _best_elsewhere(tasks: Sequence[RecordedTask], world: World) -> int:
    """The candidate with the best mean deviation, comparable scale, on the other labelled sets."""
    means = {m: list[float]() for m in world.task.models}
    for task in (t for t in tasks if t.dataset != world.task.dataset):
        y, _ = task.final.comparable(task.metric)
        for m, value in zip(task.models, y - y.mean(), strict=True):
            if m in means:
                means[m].append(float(value))
    return int(np.argmax([float(np.mean(found)) if found else -np.inf for found in means.values()]))


def _largest(world: World) -> int:
    entries = candidate_entries()
    return int(np.argmax([entries[m].n_parameters for m in world.task.models]))


def regret_of_training_all(tasks: Iterable[RecordedTask]) -> float:
    """Points lost, mean over tasks, by who trains every candidate to its end and takes the best score."""
    lost = []
    for task in tasks:
        final, scores = task.final.values, task.slices[task.steps].values
        lost.append(100.0 * float(final.max() - final[int(np.argmax(scores))]))
    return float(np.mean(lost))


def share_held(outcomes: Iterable[Outcome], budget: float, level: float = INTERVAL_LEVEL) -> float:
    """Share of the final scores that lay in the advisor's intervals of this level, mean over data sets."""
    found: dict[str, list[bool]] = {}
    for o in outcomes:
        if (o.policy, o.budget) == (ADVISOR, budget):
            found.setdefault(o.dataset, []).extend(edge <= level for edge in o.levels)
    return float(np.mean([np.mean(held) for held in found.values()]))


def mean_regrets(outcomes: Iterable[Outcome]) -> dict[str, dict[float, tuple[float, float]]]:
    """Mean regret and its standard error over data sets, by policy and budget."""
    found: dict[str, dict[float, dict[str, list[float]]]] = {}
    for o in outcomes:
        found.setdefault(o.policy, {}).setdefault(o.budget, {}).setdefault(o.dataset, []).append(o.regret)
    result: dict[str, dict[float, tuple[float, float]]] = {}
    for policy, budgets in found.items():
        for budget, datasets in budgets.items():
            means = np.array([np.mean(r) for r in datasets.values()])
            error = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
            result.setdefault(policy, {})[budget] = (float(means.mean()), error)
    return result
