"""How recorded probes relate to final scores: slopes, what candidates share, what is their own.

Notation as in `app.ranking.probe_model`; a tilde is a deviation from the mean over the candidates of a
group on a task. Slopes are those of all groups together, all else is learnt by group.

    slopes      ridge regression of x~ on (t~, h~) over all tasks, each weighing the same, shrunk towards "x
                shows t, shifted"; the test scores that stand for t have errors, whose variance is taken out
                of the equations (Fuller 1987, "Measurement Error Models", section 2.2)
    own         variance of what is left, less that of the errors of x and t, of which a share is shared by
                all that are scored on the same examples: what is left of whole fine-tunes tells that share
    intercept   mean over data sets of the mean of what the slopes leave
    shared      deviation of these means over data sets

Neither variance ever rises with the share of steps or data behind a probe (pool adjacent violators).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.fitting.recorded_tasks import RecordedTask
from app.ranking.probe_model import HEAD, SLICE, Group, Relation, Relations
from benchmarks.metrics import Metric

Array = NDArray[np.float64]

RIDGE = 0.02
"""Share of the mean squared deviation of t~ that is added to the normal equations."""
LEAST_OWN = 1e-3
"""Variance, comparable scale: three hundredths, below which no two scores of ours are told apart."""
LEAST_SHARED = 0.02
LEAST_OWN_ERROR = 0.3
LEAST_OF_GROUP = 2
LEAST_CORRELATED = 4
"""Data sets without which nothing is said of a correlation over them."""
DIGITS = 5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sample:
    """One kind of probe at one share of one group on one task, comparable scale, each of shape (n,).

    Attributes:
        dataset: Of the task.
        x: What was shown.
        x_variance: Of its error.
        t: Final test scores.
        t_variance: Of their errors.
        h: Scores of the heads on all training examples.
        x_h_variance: Of the error of x - h, where both are scores of the same examples.
    """

    dataset: str
    x: Array
    x_variance: Array
    t: Array
    t_variance: Array
    h: Array
    x_h_variance: Array


def samples_of(tasks: Iterable[RecordedTask], group: Group, kind: str, share: float) -> list[Sample]:
    """One sample a task that has this kind of probe at about this share for two of the group at least."""
    found = (_sample_of(task, group, kind, share) for task in tasks)
    return [sample for sample in found if sample is not None]


@lru_cache(maxsize=65_536)
def _sample_of(task: RecordedTask, group: Group, kind: str, share: float) -> Sample | None:
    """That of one task; kept, since every labelled set is learnt from once for each that is left out."""
    seen = _seen(task, kind, share)
    of_group = np.flatnonzero(np.array(task.groups) == group)
    if seen is None or len(of_group) < LEAST_OF_GROUP:
        return None
    t, t_variance = task.final.comparable(task.metric)
    h, h_variance = task.heads[max(task.heads)].comparable(task.metric)
    x, x_variance = seen
    columns = {
        "x": x,
        "x_variance": x_variance,
        "t": t,
        "t_variance": t_variance,
        "h": h,
        "x_h_variance": _changed(task.metric, x, h) * (x_variance + h_variance),
    }
    return Sample(dataset=task.dataset, **{n: c[of_group] for n, c in columns.items()})


def _changed(metric: Metric, x: Array, h: Array) -> Array:
    """Of the variance of two unrelated scores, the share that is left where both are of the same examples.

    Of m examples at least a share d, the difference of the accuracies, changed from wrong to right or back,
    so the difference has a sampling variance of at least (d - d^2) / m (McNemar 1947).
    """
    u, w = ((metric.from_comparable(y) - metric.low) / (metric.high - metric.low) for y in (x, h))
    change, middle = np.abs(u - w), 0.5 * (u + w)
    return np.asarray(
        np.clip((change - change**2) / np.maximum(2.0 * middle * (1.0 - middle), 1e-9), 0.0, 1.0)
    )


def _seen(task: RecordedTask, kind: str, share: float) -> tuple[Array, Array] | None:
    """What this kind of probe showed, and the variance of its error."""
    if kind == SLICE:
        step = min(task.slices, key=lambda s: abs(s / task.steps - share))
        return task.slices[step].comparable(task.metric)
    size = min(task.heads, key=lambda n: abs(np.log(n / task.n_train / share)))
    if kind == HEAD:
        return task.heads[size].comparable(task.metric)
    values = task.estimators.get((kind, size))
    if values is None or not np.isfinite(values).all():
        return None
    return values, np.zeros(len(values))


def _slopes(samples: Sequence[Sample], own_error: float, *, on_frozen: bool) -> tuple[float, float]:
    """Of x~ on t~ and h~; on t~ alone where the frozen score is what is asked about."""
    gram, moment, total = np.zeros((2, 2)), np.zeros(2), sum(len(s.x) for s in samples)
    for s in samples:
        z = np.stack([s.t - s.t.mean(), s.h - s.h.mean()])
        gram += z @ z.T / total
        gram[0, 0] -= own_error * s.t_variance.mean() * (len(s.x) - 1) / total
        moment += z @ (s.x - s.x.mean()) / total
    gram[0, 0] = max(gram[0, 0], LEAST_OWN)
    ridge = RIDGE * gram[0, 0]
    if not on_frozen:
        return float((moment[0] + ridge) / (gram[0, 0] + ridge)), 0.0
    b, c = np.linalg.solve(gram + ridge * np.eye(2), moment + ridge * np.array([1.0, 0.0]))
    return float(b), float(c)


def own_error_of(tasks: Sequence[RecordedTask]) -> float:
    """Share of the sampling errors' variance that is a candidate's own: what parts validation from test."""
    left, expected = 0.0, 0.0
    for s in _of_all(tasks, SLICE, 1.0):
        left += float(np.var(s.x - s.t, ddof=1)) * (len(s.x) - 1)
        expected += float(np.mean(s.x_variance + s.t_variance)) * (len(s.x) - 1)
    return round(float(np.clip(left / max(expected, 1e-9), LEAST_OWN_ERROR, 1.0)), DIGITS)


def relation_with(samples: Sequence[Sample], b: float, c: float, own_error: float) -> Relation:
    """Intercept and variances, given the slopes on the fine-tune and on the frozen features."""
    left, variances, by_dataset = [], [], dict[str, list[float]]()
    for s in samples:
        rest = s.x - b * s.t - c * s.h
        n = len(rest)
        left.append(np.square(rest - rest.mean()).sum() / (n - 1))
        variances.append(float(np.mean(s.x_variance + b * b * s.t_variance)))
        by_dataset.setdefault(s.dataset, []).append(float(rest.mean()))
    means = np.array([np.mean(found) for found in by_dataset.values()])
    own = float(np.mean(left)) - own_error * float(np.mean(variances))
    deviation = float(means.std(ddof=1)) if len(means) > 1 else abs(float(means[0]))
    return Relation(
        intercept=float(means.mean()),
        tuned=b,
        frozen=c,
        # The mean's own uncertainty is part of what a new data set may differ by.
        shared=max(deviation * math.sqrt(1.0 + 1.0 / len(means)), LEAST_SHARED),
        own=max(own, LEAST_OWN),
    )


def relations_of(
    tasks: Sequence[RecordedTask], group: Group, kind: str, shares: Sequence[float], own_error: float
) -> Relations:
    """The relations of one kind of probe of a group at these shares, ascending."""
    values = np.array([astuple(_fitted(tasks, group, kind, share, own_error)) for share in shares]).T
    return along(shares, values)


def along(shares: Sequence[float], values: Array) -> Relations:
    """Relations at shares, ascending, whose variances never rise; values of shape (5, k)."""
    for row in values[3:]:
        row[:] = _falling(row)
    return Relations(shares=np.array(shares), values=values.round(DIGITS))


def head_relation(tasks: Sequence[RecordedTask], group: Group, own_error: float) -> Relation:
    """Heads of a group on all training examples, given the fine-tunes."""
    slopes = _slopes(_of_all(tasks, HEAD, 1.0), own_error, on_frozen=False)
    found = relation_with(samples_of(tasks, group, HEAD, 1.0), *slopes, own_error)
    return Relation(**{name: round(value, DIGITS) for name, value in asdict(found).items()})


def _fitted(
    tasks: Sequence[RecordedTask], group: Group, kind: str, share: float, own_error: float
) -> Relation:
    found, of_all = samples_of(tasks, group, kind, share), _of_all(tasks, kind, share)
    if kind == HEAD:
        # What part of the data says about a head on all of it; the fine-tune is not asked.
        b, _ = _slopes([_on_head(s) for s in of_all], own_error, on_frozen=False)
        relation = relation_with([_on_head(s) for s in found], b, 0.0, own_error)
        return replace(relation, tuned=0.0, frozen=b)
    return relation_with(found, *_slopes(of_all, own_error, on_frozen=True), own_error)


def _of_all(tasks: Sequence[RecordedTask], kind: str, share: float) -> list[Sample]:
    return [sample for group in Group for sample in samples_of(tasks, group, kind, share)]


def _on_head(sample: Sample) -> Sample:
    return replace(sample, t=sample.h, t_variance=np.zeros(len(sample.h)), x_variance=sample.x_h_variance)


def rest_of(sample: Sample, relation: Relation) -> Array:
    """What a relation's slopes leave unexplained, shape (n,)."""
    return sample.x - relation.tuned * sample.t - relation.frozen * sample.h


def shared_correlation(tasks: Sequence[RecordedTask], group: Group, slices: Relations) -> float:
    """Correlation over data sets of what slices at different shares share, mean over pairs of shares."""
    means = []
    for share in slices.shares[:-1].tolist():
        by_dataset = dict[str, list[float]]()
        for sample in samples_of(tasks, group, SLICE, share):
            rest = rest_of(sample, slices.at(share))
            by_dataset.setdefault(sample.dataset, []).append(float(rest.mean()))
        means.append([np.mean(found) for found in by_dataset.values()])
    if len(means) < 2 or len(means[0]) < LEAST_CORRELATED:
        return 0.0
    pairs = np.corrcoef(np.array(means))[np.triu_indices(len(means), 1)]
    return round(float(np.clip(np.nan_to_num(pairs).mean(), 0.0, 1.0)), DIGITS)


def _falling(values: Array) -> Array:
    """The closest values that never rise (pool adjacent violators, equal weights)."""
    pools: list[list[float]] = []
    for value in values:
        pools.append([float(value)])
        while len(pools) > 1 and np.mean(pools[-2]) < np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    return np.array([np.mean(pool) for pool in pools for _ in pool])
