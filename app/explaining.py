"""The ranked arms of one question as the rows of its answer: cost, recipe, evidence, reasons, cautions."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.question import Question
from app.ranking.cautions import cautions, robustness_reason
from app.ranking.cost import Costs, Workload
from app.ranking.evidence import EvidenceBase, TargetBelief
from app.ranking.explain import Footing, budget_reasons, reasons
from app.ranking.influences import influences
from app.ranking.posterior import RankedArm, Ranking, ScoreInterval
from app.ranking.recipe import FULL_RATE_FROM, Recipe, length_for, make_recipe
from app.recall import Budget, Recall
from app.remembered import REMEMBERED, Grounds, OfBelief, keep
from app.tasks.catalogue import TASKS
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class ArmCost(NamedTuple):
    """Predicted cost of one ranked arm."""

    train_seconds: float
    peak_memory_bytes: int
    latency_ms: float
    energy_wh: float
    price: float | None


class Recommended(NamedTuple):
    """One row of the answer."""

    grounds: Grounds
    score: ScoreInterval
    p_best: float
    tied_with: tuple[str, ...]
    pareto: bool
    recipe: Recipe
    cost: ArmCost
    budget_reasons: tuple[str, ...]

    @property
    def entry(self) -> ModelEntry:
        """The model."""
        return self.grounds.entry

    @property
    def reasons(self) -> tuple[str, ...]:
        """All of them, the most telling first."""
        return self.grounds.reasons + self.budget_reasons


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Field:
    """The models still in the race, each with the arm and strategy that suits it best.

    Attributes:
        held: The belief.
        pool: Their places in the pool, shape (n,).
        models: Their places in the whole table, shape (n,).
        strategies: Index of each one's strategy, shape (n,).
        arms: Of the belief, shape (n,).
        utilities: Shape (n,).
        latency_ms: Shape (n,).
        seconds: Shape (n,).
    """

    held: TargetBelief
    pool: Index
    models: Index
    strategies: Index
    arms: Index
    utilities: Array
    latency_ms: Array
    seconds: Array


@dataclass(frozen=True, eq=False, slots=True)
class Explaining:
    """Puts the ranked arms of one question in words."""

    question: Question
    work: Workload
    base: EvidenceBase
    field: Field
    recall: Recall
    costs: Costs

    def rows(self, ranking: Ranking) -> tuple[Recommended, ...]:
        """Every ranked arm with its recipe, cost, evidence, reasons and cautions."""
        remembered = REMEMBERED.of(self.field.held)
        return tuple([self._row(row, remembered) for row in ranking.rows])

    def _row(self, row: RankedArm, remembered: OfBelief) -> Recommended:
        question, costs, field = self.question, self.costs, self.field
        s, place = int(field.strategies[row.place]), int(field.pool[row.place])
        grounds = self._grounds(int(field.models[row.place]), costs.strategies[s], remembered)
        seconds, peak_bytes = float(costs.train_seconds[s, place]), float(costs.peak_bytes[s, place])
        latency_ms, micro_batch = float(costs.latency_ms[place]), int(costs.micro_batch[s, place])
        return Recommended(
            grounds=grounds,
            score=row.score,
            p_best=row.p_best,
            tied_with=self._tied(row.tied, remembered),
            pareto=row.pareto,
            recipe=self._recipe(grounds, micro_batch, remembered),
            cost=_arm_cost(seconds, peak_bytes, latency_ms, costs.watts, question.budget),
            budget_reasons=budget_reasons(
                grounds.strategy,
                question.language,
                full_fits=bool(self.recall.full_fits[place]),
                train_seconds=seconds,
                peak_bytes=peak_bytes,
                device=question.device.name,
            ),
        )

    def _tied(self, arms: tuple[int, ...], remembered: OfBelief) -> tuple[str, ...]:
        found = remembered.tied.get(arms)
        if found is None:
            names, models = self.base.candidates.names, self.field.held.models
            found = keep(remembered.tied, arms, tuple(names[models[arm // 2]] for arm in arms))
        return found

    def _grounds(self, model: int, strategy: Strategy, remembered: OfBelief) -> Grounds:
        entry, language, tokens = (
            self.base.candidates.entries[model],
            self.question.language,
            self.work.tokens,
        )
        measured = [p for p in self.question.probes if p.model == entry.key] if self.question.probes else []
        is_cut = entry.max_length is not None and tokens > entry.max_length
        key = (model, strategy, language, tokens if is_cut else None, *measured)
        found = remembered.target.grounds.get(key)
        if found is not None:
            return found
        measured.sort(key=lambda p: p.strategy is not strategy)  # its own before its sister's
        footing = Footing(
            entry=entry,
            strategy=strategy,
            influences=influences(self.base, self.field.held, model, strategy),
            n_own=self.base.n_own_figures(entry),
            n_family=self.base.n_family_figures(entry),
            tokens=tokens,
            probe=measured[0] if measured else None,
        )
        profile = self.question.profile
        background = self.base.background_of(entry, profile.task_type)
        made = Grounds(
            entry=entry,
            strategy=strategy,
            evidence=tuple(footing.influences),
            reasons=(
                *reasons(footing, profile, language),
                *robustness_reason(entry, background, profile, language),
            ),
            cautions=tuple(cautions(footing, background, profile, language)),
        )
        return keep(remembered.target.grounds, key, made)

    def _recipe(self, grounds: Grounds, micro_batch: int, remembered: OfBelief) -> Recipe:
        work, profile, precision = self.work, self.question.profile, self.question.device.precision
        n_train = min(work.n_examples, FULL_RATE_FROM)
        key = (grounds, micro_batch, work.epochs, length_for(work.tokens), precision, n_train)
        found = None if profile.class_counts else remembered.target.recipes.get(key)
        if found is not None:
            return found
        made = make_recipe(
            grounds.entry,
            grounds.strategy,
            micro_batch=micro_batch,
            epochs=work.epochs,
            tokens=work.tokens,
            precision=precision,
            class_counts=profile.class_counts,
            metric=profile.metric,
            n_train=n_train,
            from_scratch=TASKS[profile.task_type].from_scratch,
        )
        return made if profile.class_counts else keep(remembered.target.recipes, key, made)


def _arm_cost(seconds: float, peak_bytes: float, latency_ms: float, watts: float, budget: Budget) -> ArmCost:
    hourly = budget.price_per_hour
    return ArmCost(
        train_seconds=round(seconds, 1),
        peak_memory_bytes=int(peak_bytes),
        latency_ms=round(latency_ms, 2),
        energy_wh=round(seconds * watts / 3600, 2),
        price=None if hourly is None else round(seconds / 3600 * hourly * budget.n_devices, 4),
    )
