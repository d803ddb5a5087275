"""Figures into a belief about the candidates of one task: the step between `recall` and `posterior`.

An arm here is (model, adaptation), where the adaptation is `tuned` (full or lora) or `frozen` (head).
Both arms of a model are predicted jointly, so that a figure of one teaches about the other.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from app.ranking.belief import Belief
from app.ranking.calibration import Calibration, calibrate
from app.ranking.candidates import CandidateTable
from app.ranking.columns import Column, ColumnTable
from app.ranking.described import Described
from app.ranking.figure_arrays import NumberedFigure
from app.ranking.posterior import Contest
from app.ranking.prediction import Candidate, Prediction, gains, predict
from app.ranking.prior import Prior
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Protocol
from benchmarks.metrics import metric_named
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]
Index = NDArray[np.intp]

FEW_EXAMPLES = 2_000
"""Up to here a task is compared with few-shot benchmarks (EuroEval trains on 1,024 examples)."""
SIZE_STEPS_PER_DECADE = 2
"""Data sizes are rounded to half decades, far below the size component's length scale of one decade."""
N_SAMPLES = 1024
"""Draws for P(best): its standard error is at most 0.016."""
SIMILARITY_DIGITS = 9
CACHED_TARGETS = 512
KEPT_CONTESTS = 32
"""Contests remembered of one target; budgets and constraints leave few sets of models, so most share."""
YOUR_TASK = "your task"
"""Stands for the benchmark that nobody has measured: unlike every other, like itself."""
TUNED, FROZEN = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the belief depends on; two requests with equal targets share it."""

    tuned: Column
    frozen: Column

    @classmethod
    def of(cls, profile: TaskProfile) -> "Target":
        """The target columns of a task, data size rounded."""
        size = round_size(profile.n_examples)
        tuned = Protocol.FEW_SHOT_TUNED if size is not None and size <= FEW_EXAMPLES else Protocol.FINE_TUNED

        def column(protocol: Protocol) -> Column:
            return Column(
                task_type=profile.task_type,
                modality=profile.modality,
                languages=frozenset(profile.languages),
                domain=profile.domain,
                protocol=protocol,
                metric=profile.metric,
                n_train=size,
                n_classes=profile.n_classes,
                suite=YOUR_TASK,
                benchmark=YOUR_TASK,
                dataset=YOUR_TASK,
            )

        return cls(tuned=column(tuned), frozen=column(Protocol.LINEAR_PROBE))


def round_size(n: int | None) -> int | None:
    """The size rounded to `SIZE_STEPS_PER_DECADE`."""
    if n is None:
        return None
    steps = round(math.log10(max(n, 1)) * SIZE_STEPS_PER_DECADE)
    return int(10.0 ** (steps / SIZE_STEPS_PER_DECADE) + 0.5)


@dataclass(frozen=True, eq=False)
class TargetBelief:
    """The belief over both arms of every model that can do the task.

    Attributes:
        target: What it is about.
        models: Indices into the candidate table, shape (m,); arm 2 i + a is adaptation a of models[i].
        belief: Over the 2 m arms, comparable scale.
        prediction: The same in standard units, with each arm's influences.
        similarity: Between both target columns and every column of the figures, shape (2, C), 0 to 1.
        spread: What one standard unit is worth on the comparable scale.
        seed: Of the draws.
    """

    target: Target
    models: Index
    belief: Belief
    prediction: Prediction
    similarity: Array
    spread: float
    seed: int

    @cached_property
    def samples(self) -> Array:
        """Draws of all arms, shape (N_SAMPLES, 2 m)."""
        return self.belief.sample_relative(N_SAMPLES, self.seed)

    @cached_property
    def _contests(self) -> dict[bytes, Contest]:
        return {}

    def contest(self, arms: Index) -> Contest:
        """Who wins among these arms, shape (n,)."""
        key = arms.tobytes()
        found = self._contests.get(key)
        if found is None:
            if len(self._contests) >= KEPT_CONTESTS:
                self._contests.clear()
            found = self._contests[key] = Contest.of(self.samples, arms)
        return found

    @cached_property
    def strongest(self) -> "dict[tuple[int, int], tuple[Influence, ...]]":
        """What `influences` found before, by arm and limit: it depends on nothing else."""
        return {}

    @cached_property
    def position(self) -> dict[int, int]:
        """Where each model of the candidate table stands in `models`."""
        return {int(model): i for i, model in enumerate(self.models)}


def arm_of(strategy: Strategy) -> int:
    """Which of a model's two arms a strategy belongs to."""
    return FROZEN if strategy is Strategy.HEAD else TUNED


class UnknownFigureError(LookupError):
    """No figure of this number bears on the ranking.

    Attributes:
        figure_id: The number.
    """

    def __init__(self, figure_id: int) -> None:
        self.figure_id = figure_id
        super().__init__(f"no figure {figure_id} bears on the ranking")


class EvidenceBase:
    """The fitted prior with its candidates; remembers recent beliefs. Threads may share it."""

    def __init__(
        self, prior: Prior, candidates: CandidateTable, calibration: Calibration | None = None
    ) -> None:
        self.prior = prior
        self.candidates = candidates
        self.calibration = calibration or calibrate(prior, prior.hidden_errors())
        self._beliefs: dict[Target, TargetBelief] = {}
        self._lock = Lock()

    def without(self, figure_ids: Sequence[int]) -> "EvidenceBase":
        """The same as if these figures had not been published; what was learnt from all is held.

        Raises:
            UnknownFigureError: One of them is not among the figures.
        """
        cells = [self.prior.table.cell_of(number) for number in figure_ids]
        missing = [n for n, cell in zip(figure_ids, cells, strict=True) if cell is None]
        if missing:
            raise UnknownFigureError(missing[0])
        kept = np.array([cell for cell in cells if cell is not None], dtype=np.intp)
        return EvidenceBase(self.prior.without(kept), self.candidates, self.calibration)

    @cached_property
    def _cell_counts(self) -> tuple[dict[str, int], Counter[str]]:
        table = self.prior.table
        per_model = np.bincount(table.model, minlength=len(table.models))
        own = {name: int(n) for name, n in zip(table.models, per_model, strict=True)}
        family = Counter[str]()
        for described, n in zip(table.described, per_model.tolist(), strict=True):
            family[described.family] += n
        return own, family

    def n_own_figures(self, entry: ModelEntry) -> int:
        """Published cells of this model, or of the one it is a copy of."""
        return self._cell_counts[0].get(entry.derived_from or entry.key, 0)

    def n_family_figures(self, entry: ModelEntry) -> int:
        """Published cells of its whole family."""
        return self._cell_counts[1][self._described(entry).family]

    def _described(self, entry: ModelEntry) -> Described:
        """What is known of a candidate; of one that has figures, what the fit knew."""
        number = self.prior.table.number_of.get(entry.key)
        return Described.of(entry) if number is None else self.prior.table.described[number]

    def belief_for(self, profile: TaskProfile, seed: int = 0) -> TargetBelief:
        """What the figures say about this task, before any constraint."""
        target = Target.of(profile)
        with self._lock:
            found = self._beliefs.pop(target, None)
            if found is not None:
                self._beliefs[target] = found  # now the most recent
                return found
        made = self._make(target, seed)
        with self._lock:
            self._beliefs[target] = made
            while len(self._beliefs) > CACHED_TARGETS:
                self._beliefs.pop(next(iter(self._beliefs)))
        return made

    def _make(self, target: Target, seed: int) -> TargetBelief:
        task = target.tuned
        models = np.flatnonzero(
            self.candidates.does(task.task_type) & self.candidates.reads(sorted(task.languages))
        )
        entries = [self.candidates.entries[int(i)] for i in models]
        columns = [target.tuned, target.frozen]
        candidates = [Candidate(described=self._described(e), row=e.derived_from or e.key) for e in entries]
        prediction = predict(self.prior, candidates, columns)
        levels = [self.prior.level_model.predict(c) for c in columns]
        spread = levels[TUNED][2]
        level = np.tile([mean for mean, _, _ in levels], len(entries))
        noise = self.prior.hyper.noise * np.eye(len(level))
        # What frozen features reach says only in part what a fine-tune reaches: each has a level of its own
        # beside the one they share.
        shared = self.prior.level_model.between_protocols
        apart = np.tile(
            np.eye(2) * [(1.0 - shared) * variance for _, variance, _ in levels], (len(entries),) * 2
        )
        scale = np.tile(spread * np.sqrt([self.calibration.factor(c) for c in columns]), len(entries))
        belief = Belief(
            mean=level + spread * prediction.mean,
            covariance=np.outer(scale, scale) * (prediction.covariance + noise) + apart,
            level_variance=shared * levels[TUNED][1],
        )
        return TargetBelief(
            target=target,
            models=models,
            belief=belief,
            prediction=prediction,
            similarity=column_similarity(self.prior, columns),
            spread=spread,
            seed=seed,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Influence:
    """One published cell that moved a prediction; the same object wherever the same belief is explained.

    Attributes:
        figure: The figure (the first of those averaged).
        similarity: Correlation between the cell's column and the target, 0 to 1.
        weight: How far the prediction moves, in standard units, where the cell's score moves by one.
        pull: weight times how far the cell lies from its expectation: what it did to the prediction.
        effect: What the predicted score would be without it, less what it is, on the metric's own scale.
        is_own: Whether it is the model's own figure or a relative's.
    """

    figure: NumberedFigure
    similarity: float
    weight: float
    pull: float
    effect: float
    is_own: bool


def influences(
    base: EvidenceBase, held: TargetBelief, model: int, strategy: Strategy, *, limit: int = 5
) -> tuple[Influence, ...]:
    """The figures that moved this arm most, strongest first.

    Args:
        base: Where the figures are.
        held: The belief.
        model: Index into the candidate table.
        strategy: Which arm of it.
        limit: How many.
    """
    arm = 2 * held.position[model] + arm_of(strategy)
    found = held.strongest.get((arm, limit))
    if found is None:
        found = held.strongest[arm, limit] = _strongest(base, held, arm, limit)
    return found


def _strongest(base: EvidenceBase, held: TargetBelief, arm: int, limit: int) -> tuple[Influence, ...]:
    prior, table = base.prior, base.prior.table
    position, adaptation = divmod(arm, 2)
    entry = base.candidates.entries[held.models[position]]
    cells, moved = gains(prior, held.prediction, arm)
    if len(cells) == 0:
        return ()
    pulls = moved * (prior.standard[cells] - prior.trait_rows[cells] @ prior.beta)
    own_row = entry.derived_from or entry.key
    is_own = table.model[cells] == table.number_of.get(own_row, -1)
    # A cell that agrees with its expectation pulls nowhere but still narrows the interval: rank by gain too.
    strength = np.abs(pulls) + 0.25 * np.abs(moved) + 0.5 * np.abs(moved) * is_own
    order = np.lexsort((cells, -strength))[:limit]
    similarity = held.similarity[adaptation]
    return tuple(
        Influence(
            figure=table.figure(int(cells[o])),
            similarity=float(similarity[table.column[cells[o]]]),
            weight=float(moved[o]),
            pull=float(pulls[o]),
            effect=_change(held, arm, -held.spread * float(moved[o]) * prior.surprise(int(cells[o]))),
            is_own=bool(is_own[o]),
        )
        for o in order
        if abs(moved[o]) > 1e-4
    )


def _change(held: TargetBelief, arm: int, shift: float) -> float:
    """What a shift of an arm's mean on the comparable scale is worth on the metric's own."""
    mean = float(held.belief.mean[arm])
    after, before = metric_named(held.target.tuned.metric).from_comparable([mean + shift, mean])
    return float(after - before)


def column_similarity(prior: Prior, targets: Sequence[Column]) -> Array:
    """Correlation of a model's deviations on these and on the figures' columns, (targets, C), 0 to 1.

    Rounded, so that the order of summation does not decide which of two equally similar columns is named.
    """
    variances = prior.hyper.own + prior.hyper.family
    components = ColumnTable(targets).similarity(prior.table.columns)
    similarity = np.tensordot(variances, components, axes=1) / variances.sum()
    return np.asarray(similarity.round(SIMILARITY_DIGITS))
