"""The recorded fine-tunes of each labelled set, side by side: what a run would have seen, and the truth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.fitting.candidates import candidate_entries
from app.fitting.fine_tunes import TEST, VALIDATION, FineTunePoint
from app.fitting.labelled_sets import labelled_sets
from app.fitting.recorded_priors import load_priors
from app.fitting.transferability_scores import HEAD, HEAD_ERROR, TransferabilityScore
from app.probes.transferability.best_layer import ON_EVERY_LAYER
from app.probes.transferability.comparable import comparable
from app.ranking.belief import Belief
from app.ranking.probe_model import Group
from benchmarks.metrics import Metric, metric_named
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]

_OF_HEADS = frozenset({HEAD, HEAD_ERROR, "linear_probe"})
MOST_SMALLER = 512
"""Training examples up to which a fine-tune counts as one on less data."""
LEAST_CANDIDATES = 12
"""Fewer make no sample of their own: what is recorded of it is not whole yet."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scores:
    """Measured values of n candidates, metric units.

    Attributes:
        values: Shape (n,).
        errors: Standard errors, shape (n,).
    """

    values: Array
    errors: Array

    def comparable(self, metric: Metric) -> tuple[Array, Array]:
        """On the comparable scale, with their variances there."""
        return metric.measured(self.values, self.errors)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RecordedTask:
    """Everything recorded on one sample of a labelled set.

    Attributes:
        dataset: Its name.
        seed: Of the sample.
        metric: Its own.
        models: Ids of n candidates.
        groups: Of them.
        n_train: Training examples.
        n_validation: Validation examples.
        steps: Of a whole fine-tune.
        final: What whole fine-tunes score on examples that the run does not see, over all recorded seeds.
        slices: Validation scores by step, the last that of the whole fine-tune.
        heads: Validation scores of heads on frozen features, by training examples seen.
        estimators: Comparable scores by estimator and by examples seen, shape (n,); NaN where undefined.
        prior: Over the final scores of the fine-tunes, from figures on other data.
    """

    dataset: str
    seed: int
    metric: Metric
    models: tuple[str, ...]
    groups: tuple[Group, ...]
    n_train: int
    n_validation: int
    steps: int
    final: Scores
    slices: Mapping[int, Scores]
    heads: Mapping[int, Scores]
    estimators: Mapping[tuple[str, int], Array]
    prior: Belief

    @classmethod
    def of(
        cls,
        points: list[FineTunePoint],
        scores: list[TransferabilityScore],
        models: tuple[str, ...],
        final: Scores,
    ) -> Self:
        """The task of these rows, all of one sample; the candidates are those whose rows are whole."""
        steps = sorted({p.step for p in points if p.part == VALIDATION})
        curves = {(p.model, p.step): p for p in points if p.part == VALIDATION}
        table = {(s.model, s.estimator, s.n): s for s in scores}
        sizes = sorted({s.n for s in scores})
        first = points[0]
        n_classes = labelled_sets()[first.dataset].n_classes

        def scored(found: Iterable[tuple[float, float]]) -> Scores:
            values = np.array(list(found), dtype=np.float64)
            return Scores(values=values[:, 0], errors=values[:, 1])

        return cls(
            dataset=first.dataset,
            seed=first.seed,
            metric=metric_named(first.metric_name),
            models=models,
            groups=tuple(Group.of(candidate_entries()[m]) for m in models),
            n_train=first.n_train,
            n_validation=curves[models[0], steps[0]].n_examples,
            steps=steps[-1],
            final=final,
            slices={
                step: scored((curves[m, step].metric, curves[m, step].std_error) for m in models)
                for step in steps
            },
            heads={
                n: scored((table[m, HEAD, n].score, table[m, HEAD_ERROR, n].score) for m in models)
                for n in sizes
            },
            estimators={
                (name, n): np.array([_score(table.get((m, name, n)), n_classes) for m in models])
                for name in sorted({s.estimator for s in scores} - {HEAD, HEAD_ERROR})
                for n in sizes
            },
            prior=load_priors()[first.dataset].of(models),
        )


def _score(found: TransferabilityScore | None, n_classes: int) -> float:
    if found is None:
        return float("nan")
    return comparable({found.estimator: found.score}, n_classes)[found.estimator]


def recorded_tasks(
    points: Iterable[FineTunePoint], scores: Iterable[TransferabilityScore], layer: str | None = None
) -> list[RecordedTask]:
    """Every sample with a prior and at least `LEAST_CANDIDATES` whole candidates, by data set and seed.

    Args:
        points: Of fine-tunes.
        scores: Of estimators.
        layer: Which of them estimators are to have seen, `last`, `mean` or `best`; None for that which each
            reads in a run. Heads always see the last.
    """
    by_sample: dict[tuple[str, int, int], list[FineTunePoint]] = defaultdict(list)
    whole = [p for p in points if p.strategy == Strategy.FULL.value]
    by_dataset: dict[str, list[FineTunePoint]] = defaultdict(list)
    for point in whole:
        if point.n_train > MOST_SMALLER:
            by_sample[point.dataset, point.seed, point.n_train].append(point)
            by_dataset[point.dataset].append(point)
    before: dict[tuple[str, int, int], list[TransferabilityScore]] = defaultdict(list)
    for score in scores:
        if score.layer == (layer_of(score.estimator) if layer is None or _is_of_head(score) else layer):
            before[score.dataset, score.seed, score.n_train].append(score)
    found = []
    for sample, rows in sorted(by_sample.items()):
        tested = {p.model for p in rows if p.part == TEST}
        models = tuple(sorted(tested & {s.model for s in before[sample]}))
        if len(models) >= LEAST_CANDIDATES and sample[0] in load_priors():
            final = final_scores(by_dataset[sample[0]], models, seed=sample[1])
            found.append(RecordedTask.of(rows, before[sample], models, final))
    return found


def layer_of(estimator: str) -> str:
    """Which layer an estimator reads in a run, as it is recorded; heads the last."""
    if estimator in _OF_HEADS:
        return "last"
    return "best" if estimator in ON_EVERY_LAYER else "mean"


def _is_of_head(score: TransferabilityScore) -> bool:
    return score.estimator in _OF_HEADS


def final_scores(points: Iterable[FineTunePoint], models: Sequence[str], *, seed: int) -> Scores:
    """What whole fine-tunes of these models are expected to score on examples that a run does not see.

    The mean over the seeds of sample and training that all of them have. All seeds are scored on one test
    part, so its sampling error is that of one score; the validation parts of the other seeds are as new to
    the run as the test part, and count by their examples.

    Args:
        points: Of whole fine-tunes on one labelled set.
        models: Each tested with the run's seed at least.
        seed: Of the run.
    """
    ends = [p for p in points if p.part == TEST or p.step == p.total_steps]
    tested = _of_all([p for p in ends if p.part == TEST], models)
    elsewhere = _of_all([p for p in ends if p.part == VALIDATION and p.seed != seed], models)
    columns = []
    for m in models:
        on_test = [found[m] for found in tested]
        parts = [(on_test[0].n_examples, *_mean_of(on_test))]
        parts += [(found[m].n_examples, found[m].metric, found[m].std_error) for found in elsewhere]
        n, values, errors = np.array(parts, dtype=np.float64).T
        columns.append((float(n @ values / n.sum()), float(np.linalg.norm(n * errors) / n.sum())))
    values, errors = np.array(columns, dtype=np.float64).T
    return Scores(values=values, errors=errors)


def _of_all(points: Iterable[FineTunePoint], models: Sequence[str]) -> list[dict[str, FineTunePoint]]:
    """The points of each seed that all of these models have, by model."""
    by_seed: dict[int, dict[str, FineTunePoint]] = defaultdict(dict)
    for p in points:
        by_seed[p.seed][p.model] = p
    return [found for _, found in sorted(by_seed.items()) if found.keys() >= set(models)]


def _mean_of(points: Sequence[FineTunePoint]) -> tuple[float, float]:
    """Of scores on the same examples: their mean and its sampling error."""
    return float(np.mean([p.metric for p in points])), float(np.mean([p.std_error for p in points]))


def smaller_fine_tunes(points: Iterable[FineTunePoint]) -> list[FineTunePoint]:
    """Ends of whole fine-tunes on less data than most, on their validation parts."""
    ends: dict[tuple[object, ...], FineTunePoint] = {}
    for point in points:
        is_end = point.part == VALIDATION and point.step == point.total_steps
        if is_end and point.n_train <= MOST_SMALLER and point.strategy == Strategy.FULL.value:
            ends[point.arm] = point
    return list(ends.values())
