"""Figures into a belief about the candidates of one task: the step between `recall` and `posterior`.

An arm here is (model, adaptation), where the adaptation is `tuned` (full or lora) or `frozen` (head).
Both arms of a model are predicted jointly, so that a figure of one teaches about the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.keeping import Kept
from app.ranking.background import Background, Backgrounds
from app.ranking.belief import Belief
from app.ranking.calibration import Calibration, calibrate
from app.ranking.candidates import CandidateTable
from app.ranking.columns import ColumnTable
from app.ranking.described import Described
from app.ranking.outlook import Outlook, Outlooks
from app.ranking.posterior import Contest
from app.ranking.prediction import Candidate, Piece, Prediction, TargetKernels, predict
from app.ranking.prior import Prior
from app.ranking.robustness import Robustness
from app.ranking.target import FROZEN, TUNED, Target, TargetView
from app.task_profile.profile import TaskProfile
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy, TaskType

if TYPE_CHECKING:  # what explains a belief builds on the belief
    from app.ranking.influences import Influence

Array = NDArray[np.float64]
Index = NDArray[np.intp]

N_SAMPLES = 1024
"""Draws for P(best): its standard error is at most 0.016."""
MOST_BELIEVED = 256
"""Models of which one belief with covariances is made; from more, those with the best outlook are chosen."""
CLOSER_LOOK = 128
"""So many are chosen: who is shown is decided long before, and the others keep their share of P(best)."""
BELIEF_BYTES = 96 * 2**20
"""Beliefs that are remembered: some 40 of 128 models."""
OUTLOOK_BYTES, VIEW_BYTES, PIECE_BYTES = 32 * 2**20, 8 * 2**20, 48 * 2**20
VIEW_ARRAYS = 3
"""A view's arrays are as large as three of its similarities."""
TOLD_BYTES, TOLD_TARGET_BYTES = 64 * 2**20, 2**20
"""Of all targets, and of one: about a kilobyte for each model that was explained."""
ABLE_BYTES = 8 * 2**20
KEPT_CONTESTS = 32
"""Contests remembered of one target; budgets and constraints leave few sets of models, so most share."""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Told:
    """What was found out about single models on one target: it does not depend on whom else they meet.

    Attributes:
        strongest: What `influences` found before, by model, adaptation and limit.
    """

    strongest: "dict[tuple[int, int, int], tuple[Influence, ...]]" = field(default_factory=dict)


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
        told: What was found out about single models; beliefs about other models of the target share it.
    """

    target: Target
    models: Index
    belief: Belief
    prediction: Prediction
    similarity: Array
    spread: float
    seed: int
    told: Told = field(default_factory=Told)

    @property
    def n_bytes(self) -> int:
        """That it comes to take once it was asked about."""
        n = len(self.belief)
        return 2 * self.belief.covariance.nbytes + 4 * n * (N_SAMPLES + KEPT_CONTESTS)

    @cached_property
    def samples(self) -> Array:
        """Draws of all arms, shape (N_SAMPLES, 2 m)."""
        return self.belief.sample_relative(N_SAMPLES, self.seed)

    @cached_property
    def _contests(self) -> dict[bytes, Contest]:
        return {}

    def contest(
        self, arms: Index, others: Callable[[], Array] | None = None, others_key: bytes = b""
    ) -> Contest:
        """Who wins among these arms, shape (n,).

        Args:
            arms: The competing ones.
            others: Draws the score of the best of all others, shape (N_SAMPLES,).
            others_key: Says which others.
        """
        key = arms.tobytes() + others_key
        found = self._contests.get(key)
        if found is None:
            if len(self._contests) >= KEPT_CONTESTS:
                self._contests.clear()
            found = Contest.of(self.samples, arms, None if others is None else others())
            self._contests[key] = found
        return found

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
        self,
        prior: Prior,
        candidates: CandidateTable,
        calibration: Calibration | None = None,
        robustness: Mapping[str, Robustness] | None = None,
    ) -> None:
        self.prior = prior
        self.candidates = candidates
        self.robustness = robustness or {}
        self._backgrounds = Backgrounds(prior.table.columns.columns, self.robustness)
        self.calibration = calibration or calibrate(prior, prior.hidden_errors())
        self._beliefs = Kept[tuple[Target, bytes], TargetBelief](BELIEF_BYTES)
        self._able = Kept[tuple[TaskType, frozenset[str]], Index](ABLE_BYTES)
        self._told = Kept[Target, Told](TOLD_BYTES)
        self._outlooks = Kept[Target, Outlook](OUTLOOK_BYTES)
        self._views = Kept[Target, TargetView](VIEW_BYTES)
        self._pieces = Kept[tuple[TargetKernels, Candidate], Piece](PIECE_BYTES)

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
        return EvidenceBase(self.prior.without(kept), self.candidates, self.calibration, self.robustness)

    @cached_property
    def _family_counts(self) -> dict[str, int]:
        table = self.prior.table
        counts = np.bincount(table.families.codes, weights=np.diff(table.starts))
        return dict(zip(table.families.distinct, counts.astype(int).tolist(), strict=True))

    def n_own_figures(self, entry: ModelEntry) -> int:
        """Published cells of this model, or of the one it is a copy of."""
        table = self.prior.table
        number = table.number_of.get(entry.derived_from or entry.key)
        return 0 if number is None else int(table.starts[number + 1] - table.starts[number])

    def n_family_figures(self, entry: ModelEntry) -> int:
        """Published cells of its whole family."""
        return self._family_counts.get(self._described(entry).family, 0)

    def background_of(self, entry: ModelEntry, task_type: TaskType) -> Background:
        """What it was trained on before, beside this kind of task."""
        return self._backgrounds.of(entry, self._described(entry), task_type)

    def _described(self, entry: ModelEntry) -> Described:
        """What is known of a candidate; of one that has figures, what the fit knew."""
        number = self.prior.table.number_of.get(entry.key)
        return Described.of(entry) if number is None else self.prior.table.described[number]

    def able(self, task_type: TaskType, languages: frozenset[str]) -> Index:
        """Models that can do the task, ascending."""
        found = self._able.get((task_type, languages))
        if found is None:
            able = self.candidates.does(task_type) & self.candidates.reads(sorted(languages))
            models = np.flatnonzero(able)
            found = self._able.keep((task_type, languages), models, models.nbytes)
        return found

    def is_large(self, target: Target) -> bool:
        """Whether more models can do the task than are believed about at once."""
        return len(self.able(target.tuned.task_type, target.tuned.languages)) > MOST_BELIEVED

    def find(self, target: Target, among: Index | None = None) -> TargetBelief | None:
        """The belief about this target, if it was asked for before."""
        return self._beliefs.get((target, self._key(target, among)))

    def _key(self, target: Target, among: Index | None) -> bytes:
        return among.tobytes() if among is not None and self.is_large(target) else b""

    def belief_for(self, profile: TaskProfile, seed: int = 0, among: Index | None = None) -> TargetBelief:
        """What the figures say about this task, before any constraint.

        Args:
            profile: The task.
            seed: Of the draws.
            among: Models that the answer can be about, ascending, shape (k,). Where few models can do the
                task, the belief is over all of them all the same, so that requests share it.
        """
        return self.belief_on(Target.of(profile), seed, among)

    def belief_on(self, target: Target, seed: int = 0, among: Index | None = None) -> TargetBelief:
        """The same for a target."""
        key = target, self._key(target, among)
        found = self._beliefs.get(key)
        if found is not None:
            return found
        models = self.able(target.tuned.task_type, target.tuned.languages)
        if key[1] and among is not None:
            models = np.intersect1d(models, among, assume_unique=True)
        made = self.belief_about(target, models, seed)
        self.prior.release()
        return self._beliefs.keep(key, made, made.n_bytes)

    @cached_property
    def _outlooks_of_all(self) -> Outlooks:
        return Outlooks.of(self.prior, self.candidates.facts)

    def outlook(self, target: Target) -> Outlook:
        """What every candidate may reach on both columns of this target, comparable scale."""
        found = self._outlooks.get(target)
        if found is None:
            view = self.view(target)
            made = self._outlooks_of_all.on(ColumnTable(target.columns), view.kernels)
            made = made.scaled(view.levels, view.spread)
            found = self._outlooks.keep(target, made, made.mean.nbytes + made.deviation.nbytes)
        return found

    def view(self, target: Target) -> TargetView:
        """What the prior says of this target, whatever the models."""
        found = self._views.get(target)
        if found is None:
            made = TargetView.of(self.prior, self.calibration, target)
            found = self._views.keep(target, made, made.similarity.nbytes * VIEW_ARRAYS)
        return found

    def belief_about(self, target: Target, models: Index, seed: int) -> TargetBelief:
        """The belief over these models, shape (m,), whether or not they can do the task; not remembered."""
        entries = [self.candidates.entries[int(i)] for i in models]
        candidates = [Candidate(described=self._described(e), row=e.derived_from or e.key) for e in entries]
        view, n = self.view(target), len(entries)
        prediction = predict(self.prior, candidates, target.columns, kernels=view.kernels, known=self._pieces)
        scale = np.tile(view.spread * np.sqrt(view.factors), n)
        covariance = prediction.covariance + self.prior.hyper.noise * np.eye(2 * n)
        covariance *= scale[:, None] * scale
        covariance += np.tile(np.diag(view.apart), (n, n))
        belief = Belief(
            mean=np.tile(view.levels, n) + view.spread * prediction.mean,
            covariance=covariance,
            level_variance=view.level_variance,
        )
        return TargetBelief(
            target=target,
            models=models,
            belief=belief,
            prediction=prediction,
            similarity=view.similarity,
            spread=view.spread,
            seed=seed,
            told=self._told.keep(target, Told(), TOLD_TARGET_BYTES),
        )
