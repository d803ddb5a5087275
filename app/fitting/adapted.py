"""What strategies that train a part reach, and what their slices tell of it, from recorded runs of theirs.

Final scores are taken to follow the fine-tune's on the same test examples one to one, and slices to relate to
their final score as a fine-tune's do to its own: few models a labelled set were recorded under these
strategies, which tells how far each lies from there and how widely, and nothing of slopes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace

import numpy as np

from app.fitting.fine_tunes import TEST, VALIDATION, FineTunePoint
from app.fitting.probe_relations import DIGITS, along, relation_with, samples_of
from app.fitting.recorded_tasks import RecordedTask, Scores
from app.probes.plan import adapted_among
from app.ranking.probe_model import SLICE, Group, Relation, Relations
from models_registry.vocabulary import Strategy

LEAST_MODELS = 2
"""Models of a labelled set under a strategy without which they have no differences."""
LEAST_SETS = 4
"""Labelled sets without which nothing is said of a strategy."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AdaptedTask:
    """One strategy on some models of a task.

    Attributes:
        end: The task of these models whose only slice is the strategy's test score.
        curve: The task of these models in which the strategy takes the fine-tune's place.
    """

    end: RecordedTask
    curve: RecordedTask


def learn_adapted(
    tasks: Sequence[RecordedTask], points: Sequence[FineTunePoint], slices: Relations, own_error: float
) -> tuple[dict[str, Relation], dict[str, tuple[Relations, ...]]]:
    """Final scores given those of the fine-tune and the head, and slices given final scores, by strategy.

    Args:
        tasks: Of full fine-tunes.
        points: Recorded, of every strategy.
        slices: Of fine-tunes of networks with layers.
        own_error: Share of a sampling error that is a candidate's own.
    """
    ends, curves = dict[str, Relation](), dict[str, tuple[Relations, ...]]()
    for strategy in adapted_among(Strategy):
        found = adapted_tasks(tasks, points, strategy)
        if len({t.end.dataset for t in found}) < LEAST_SETS:
            continue
        samples = samples_of([t.end for t in found], Group.LAYERED, SLICE, 1.0)
        end = asdict(_unlike(relation_with(samples, 1.0, 0.0, own_error)))
        ends[strategy.value] = Relation(**{name: round(value, DIGITS) for name, value in end.items()})
        # Tables of word vectors have nothing to adapt, so what is of no use there does no harm.
        curves[strategy.value] = (_curve([t.curve for t in found], slices, own_error),) * len(Group)
    return ends, curves


def _unlike(relation: Relation) -> Relation:
    """The same of any models: what a few alike ones share on a data set may be their own among others."""
    return replace(relation, own=max(relation.own, relation.shared**2))


def _curve(tasks: Sequence[RecordedTask], slices: Relations, own_error: float) -> Relations:
    shares = slices.shares.tolist()
    found = []
    for share in shares:
        like = slices.at(share)
        samples = samples_of(tasks, Group.LAYERED, SLICE, share)
        found.append(astuple(relation_with(samples, like.tuned, like.frozen, own_error)))
    return along(shares, np.array(found).T)


def adapted_tasks(
    tasks: Sequence[RecordedTask], points: Sequence[FineTunePoint], strategy: Strategy
) -> list[AdaptedTask]:
    """The tasks of which at least `LEAST_MODELS` models were recorded under a strategy to the end."""
    by_sample: dict[tuple[str, str, int, int], list[FineTunePoint]] = defaultdict(list)
    for point in points:
        by_sample[point.strategy, point.dataset, point.seed, point.n_train].append(point)
    found = []
    for task in tasks:
        sample = task.dataset, task.seed, task.n_train
        whole = by_sample[Strategy.FULL.value, *sample]
        made = _adapted(task, by_sample[strategy.value, *sample], whole)
        if made is not None:
            found.append(made)
    return found


def _adapted(
    task: RecordedTask, rows: Sequence[FineTunePoint], whole: Sequence[FineTunePoint]
) -> AdaptedTask | None:
    """The task of the models that were recorded to the end, from the strategy's rows and the fine-tunes'."""
    test, of_whole = ({p.model: p for p in found if p.part == TEST} for found in (rows, whole))
    curves = {(p.model, p.step): p for p in rows if p.part == VALIDATION}
    steps = sorted(task.slices)
    places = [
        i
        for i, m in enumerate(task.models)
        if m in test and m in of_whole and all((m, step) in curves for step in steps)
    ]
    if len(places) < LEAST_MODELS:
        return None
    some = _of(task, places)
    tested = _scores([test[m] for m in some.models])
    slices = {step: _scores([curves[m, step] for m in some.models]) for step in steps}
    final = _scores([of_whole[m] for m in some.models])
    return AdaptedTask(
        end=replace(some, slices={task.steps: tested}, final=final),
        curve=replace(some, slices=slices, final=tested),
    )


def _of(task: RecordedTask, places: Sequence[int]) -> RecordedTask:
    """The same task with some of its models; estimators and slices of the fine-tune are not asked about."""
    index = np.array(places, dtype=np.intp)

    def some(found: Mapping[int, Scores]) -> dict[int, Scores]:
        return {key: Scores(values=s.values[index], errors=s.errors[index]) for key, s in found.items()}

    return replace(
        task,
        models=tuple(task.models[i] for i in places),
        groups=tuple(task.groups[i] for i in places),
        final=some({0: task.final})[0],
        slices=some(task.slices),
        heads=some(task.heads),
        estimators={},
        prior=task.prior.subset(index),
    )


def _scores(points: Sequence[FineTunePoint]) -> Scores:
    return Scores(values=np.array([p.metric for p in points]), errors=np.array([p.std_error for p in points]))
