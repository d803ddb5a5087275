"""A review of what trials said of the validation part: the best blend of them, and scores group by group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from app.probes.blending import blended, cross_fit, jackknifed
from app.probes.data import Part
from app.probes.inputs import units_of
from app.probes.kept_outputs import read_outputs
from app.probes.reviews import (
    LEAST_OF_GROUP,
    Blend,
    GroupComparison,
    GroupScore,
    Review,
    ReviewReport,
)
from app.probes.tasks.base import ProbeTask, Values
from benchmarks.metrics import Direction, metric_named

DIVISIONS = 200
"""Random divisions into groups; the smallest p-value is one in as many."""
_LEAST_SPREAD = 1e-9

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reviewer:
    """Knows the task, the metric and the truth.

    Attributes:
        task: Bound to the run's data.
        part: The validation part.
        metric: Canonical name.
        seed: Of folds and divisions.
    """

    task: ProbeTask
    part: Part
    metric: str
    seed: int

    def report(self, review: Review) -> ReviewReport:
        """What the review asks."""
        kept = {name: read_outputs(Path(path)) for name, path in review.members.items()}
        counts = kept[review.leader].counts
        outputs = {name: found.outputs for name, found in kept.items()}
        groups, n_unmeasured = self._groups(outputs, counts, review.leader)
        blend = self._blend(outputs, counts, review.leader) if review.blend else None
        return ReviewReport(blend=blend, groups=groups, n_unmeasured=n_unmeasured)

    def _blend(self, outputs: dict[str, Any], counts: Index, leader: str) -> Blend | None:
        """The best blend; None where one candidate by itself is as good, or predictions have no mean."""
        names = list(outputs)
        members = [self.task.averaged(outputs[name]) for name in names]
        if len(names) < 2 or any(found is None for found in members):
            return None
        means = [found for found in members if found is not None]
        theta = self._theta_of_blend(means, counts)
        fitted = cross_fit(theta, len(names), self.part.groups, seed=self.seed)
        if np.count_nonzero(fitted.overall) < 2:
            return None
        own = np.eye(len(names))[names.index(leader)]
        whole = blended(means, np.repeat(fitted.weights, counts, axis=0))

        def gain(rows: Index) -> float:
            return self._score(whole, counts, rows) - self._score(blended(means, own), counts, rows)

        everyone = np.arange(len(counts))
        found = gain(everyone)
        error = jackknifed(gain, self.part.groups, seed=self.seed)
        predictions, references = self._shown(whole, counts, everyone)
        return Blend(
            weights={n: float(w) for n, w in zip(names, fitted.overall, strict=True) if w},
            metric=self.task.compute(self.metric, predictions, references),
            std_error=self.task.standard_error(self.metric, predictions, references, seed=self.seed),
            gain=found,
            gain_std_error=error,
            p_better=float(norm.cdf(self._sign * found / max(error, _LEAST_SPREAD))),
        )

    def _theta_of_blend(self, means: Sequence[Values], counts: Index) -> Callable[..., float]:
        def theta(weights: NDArray[np.float64], rows: Index) -> float:
            return self._sign * self._score(blended(means, weights), counts, rows)

        return theta

    def _groups(
        self, outputs: dict[str, Values], counts: Index, leader: str
    ) -> tuple[tuple[GroupComparison, ...], int]:
        """Scores of every candidate group by group, and how many groups are too small."""
        if self.part.compared is None:
            return (), 0
        numbers = self.part.compared
        sizes = np.bincount(numbers, minlength=len(self.part.compared_names))
        shown = np.flatnonzero(sizes >= LEAST_OF_GROUP)
        n_unmeasured = int(np.count_nonzero((sizes > 0) & (sizes < LEAST_OF_GROUP)))
        if len(shown) < 2:
            return (), n_unmeasured
        order = sorted(outputs, key=lambda name: name != leader)
        found = [
            self._comparison(name, outputs[name], counts, shown, divided=name == leader) for name in order
        ]
        return tuple(found), n_unmeasured

    def _comparison(
        self, member: str, outputs: Values, counts: Index, shown: Index, *, divided: bool
    ) -> GroupComparison:
        numbers = self.part.compared
        if numbers is None:
            raise ValueError("no groups are compared")
        among = np.flatnonzero(np.isin(numbers, shown))
        own = numbers[among]
        scores = [self._group_score(outputs, counts, among[own == group], int(group)) for group in shown]
        gap = self._gap(outputs, counts, among, own)
        p_value = None
        if divided:
            rng = np.random.default_rng(self.seed)
            drawn = [self._gap(outputs, counts, among, rng.permutation(own)) for _ in range(DIVISIONS)]
            p_value = (1 + sum(value >= gap for value in drawn)) / (DIVISIONS + 1)
        ordered = sorted(scores, key=lambda score: -self._sign * score.metric)
        return GroupComparison(member=member, scores=tuple(ordered), gap=gap, p_value=p_value)

    def _gap(self, outputs: Values, counts: Index, among: Index, own: Index) -> float:
        """Between the best and the worst group."""
        found = [self._score(outputs, counts, among[own == group]) for group in np.unique(own)]
        return max(found) - min(found)

    def _group_score(self, outputs: Values, counts: Index, rows: Index, group: int) -> GroupScore:
        predictions, references = self._shown(outputs, counts, rows)
        return GroupScore(
            group=self.part.compared_names[group],
            metric=self.task.compute(self.metric, predictions, references),
            std_error=self.task.standard_error(self.metric, predictions, references, seed=self.seed),
            n_examples=len(rows),
        )

    @property
    def _sign(self) -> float:
        return 1.0 if metric_named(self.metric).direction is Direction.HIGHER else -1.0

    def _score(self, outputs: Values, counts: Index, rows: Index) -> float:
        return self.task.score(self.metric, *self._shown(outputs, counts, rows))

    def _shown(self, outputs: Values, counts: Index, rows: Index) -> tuple[Any, Any]:
        """Predictions and truths of the examples at these places, as the metrics read them."""
        some = outputs[units_of(counts, rows)]
        predictions = self.task.per_example(self.task.decide(some), counts[rows], self.part.take(rows))
        return predictions, self.task.references(self.part.targets[rows])
