"""The pipeline of the service as one readable function: a task in, a ranked and explained answer out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.candidates import CandidateTable
from app.ranking.cost import STRATEGIES, Costs, Workload, epochs_for, predict_costs, tokens_per_example
from app.ranking.devices import Device
from app.ranking.evidence import EvidenceBase, Influence, TargetBelief, arm_of, influences
from app.ranking.explain import Footing, cautions, reasons
from app.ranking.observations import ProbeObservation, condition_on_probes
from app.ranking.phrases import Language, duration, language_name, say
from app.ranking.posterior import Ranking, ScoreInterval, rank, utility
from app.ranking.recipe import Recipe, make_recipe
from app.recall import Beyond, Budget, Constraints, Exclusion, Recall, Rule, recall_candidates
from app.task_profile.profile import TaskProfile
from benchmarks.metrics import metric_named
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]
Index = NDArray[np.intp]

CJK_LANGUAGES = frozenset({"zh", "ja", "ko"})
ASSUMED_EXAMPLES = 1_000
"""Labelled examples assumed for costs where the request does not say."""
PROBED_SHARE = 0.2
"""Share of a full fine-tune that a probe of one model is planned with."""
MOST_PROBE_SECONDS = 600.0
MOST_PROBED = 5
CLEAR_CHOICE = 0.8
TINY_DATA = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that a recommendation depends on, beside the database.

    Attributes:
        profile: The task.
        device: Where the fine-tune runs.
        budget: Its limits.
        constraints: On the model.
        weights: Of quality, latency and cost.
        top_k: Rows wanted.
        language: Of reasons, cautions and advice.
        probes: What probes measured on the same data before.
    """

    profile: TaskProfile
    device: Device
    budget: Budget
    constraints: Constraints
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0)
    top_k: int = 10
    language: Language = Language.ENGLISH
    probes: tuple[ProbeObservation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCost:
    """Predicted cost of one ranked arm."""

    train_seconds: float
    peak_memory_bytes: int
    latency_ms: float
    energy_wh: float
    price: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """One row of the answer."""

    entry: ModelEntry
    strategy: Strategy
    score: ScoreInterval
    p_best: float
    tied_with: tuple[str, ...]
    pareto: bool
    recipe: Recipe
    cost: ArmCost
    evidence: tuple[Influence, ...]
    reasons: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The whole answer."""

    profile: TaskProfile
    ranking: tuple[Recommended, ...]
    near: tuple[Exclusion, ...]
    beyond: Beyond
    probe: tuple[str, ...]
    expected_regret: float
    probe_seconds: float
    text: str

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every model that was left out, the nearest to eligible first."""
        return self.near + self.beyond.exclusions

    @property
    def excluded_counts(self) -> dict[str, int]:
        """How many models broke each rule, by the rule's name."""
        counts = self.beyond.counts + Counter(e.rule for e in self.near)
        return {rule.value: n for rule, n in sorted(counts.items())}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Field:
    """The models still in the race, each with the arm and strategy that suits it best."""

    held: TargetBelief
    models: Index
    strategies: tuple[Strategy, ...]
    arms: Index
    utilities: Array
    latency_ms: Array
    seconds: Array


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Standing:
    """What a probe run has come to believe, in place of the figures' belief.

    Attributes:
        held: The belief over its candidates.
        allowed: Arms that were probed and did not fail, shape (len(STRATEGIES), M).
    """

    held: TargetBelief
    allowed: NDArray[np.bool_]


def advise(question: Question, base: EvidenceBase, standing: Standing | None = None) -> Advice:
    """Rank the models for this task: cost, recall, evidence, posterior, explanation, in this order.

    Args:
        question: The task and the limits.
        base: Figures and candidates.
        standing: A probe run's own belief; None is that of the figures, conditioned on earlier probes.
    """
    table = base.candidates
    work = workload(question.profile)
    costs = predict_costs(
        table,
        work,
        question.device,
        n_devices=question.budget.n_devices,
        memory_bytes=question.budget.memory_bytes,
    )
    recall = recall_candidates(table, question.profile, question.constraints, question.budget, costs)
    if standing is not None:
        recall = recall.restricted(standing.allowed)
    if not recall.eligible.any():
        return _nobody(question, recall)
    held = standing.held if standing else _held(question, base)
    field = _best_arms(held, recall, costs, question)
    ranking = rank(
        held.belief,
        held.contest(field.arms),
        field.arms,
        utilities=field.utilities,
        costs=np.stack([field.latency_ms, field.seconds]),
        metric=metric_named(question.profile.metric),
        top_k=question.top_k,
    )
    rows = _explained(ranking, field, recall, costs, work, question, base)
    return _assembled(question, recall, ranking, rows, field, table)


def _held(question: Question, base: EvidenceBase) -> TargetBelief:
    """What the figures say, and what probes measured on the same data."""
    return condition_on_probes(base, base.belief_for(question.profile), question.profile, question.probes)


def workload(profile: TaskProfile) -> Workload:
    """How much there is to train on, as far as the profile says."""
    n_examples = profile.n_examples or ASSUMED_EXAMPLES
    is_cjk = bool(CJK_LANGUAGES & set(profile.languages))
    return Workload(
        n_examples=n_examples,
        tokens=tokens_per_example(profile.mean_length, is_cjk=is_cjk),
        epochs=epochs_for(n_examples),
    )


def _best_arms(held: TargetBelief, recall: Recall, costs: Costs, question: Question) -> _Field:
    """For each eligible model the fitting strategy with the highest expected utility."""
    models = np.array([m for m in np.flatnonzero(recall.eligible) if int(m) in held.position], dtype=np.intp)
    positions = np.array([held.position[int(m)] for m in models], dtype=np.intp)
    latency_ms, seconds = costs.latency_ms[models], costs.train_seconds[:, models]
    utilities = np.full((len(STRATEGIES), len(models)), -np.inf)
    for s, strategy in enumerate(STRATEGIES):
        quality = held.belief.mean[2 * positions + arm_of(strategy)]
        value = utility(quality, latency_ms, seconds[s], question.weights)
        utilities[s] = np.where(recall.fits[s, models], value, -np.inf)
    choice = utilities.argmax(axis=0)  # the first of equals: full before lora
    every = np.arange(len(models))
    strategies = tuple(STRATEGIES[s] for s in choice)
    return _Field(
        held=held,
        models=models,
        strategies=strategies,
        arms=2 * positions + np.array([arm_of(s) for s in strategies], dtype=np.intp),
        utilities=utilities[choice, every],
        latency_ms=latency_ms,
        seconds=seconds[choice, every],
    )


def _explained(
    ranking: Ranking,
    field: _Field,
    recall: Recall,
    costs: Costs,
    work: Workload,
    question: Question,
    base: EvidenceBase,
) -> tuple[Recommended, ...]:
    """Every ranked arm with its recipe, cost, evidence, reasons and cautions."""
    places = _places(ranking, field)
    names = {
        row.arm: base.candidates.entries[field.models[i]].name
        for row, i in zip(ranking.rows, places, strict=True)
    }
    rows = []
    for row, i in zip(ranking.rows, places, strict=True):
        model, strategy = int(field.models[i]), field.strategies[i]
        evidence = influences(base, field.held, model, strategy)
        footing = _footing(model, strategy, evidence, recall, costs, work, question, base)
        rows.append(
            Recommended(
                entry=footing.entry,
                strategy=strategy,
                score=row.score,
                p_best=row.p_best,
                tied_with=tuple(names[a] for a in row.tied),
                pareto=row.pareto,
                recipe=_recipe(footing.entry, model, strategy, costs, work, question),
                cost=_arm_cost(costs, STRATEGIES.index(strategy), model, question.budget),
                evidence=evidence,
                reasons=tuple(reasons(footing, question.profile, question.language)),
                cautions=tuple(cautions(footing, question.language)),
            )
        )
    return tuple(rows)


def _footing(
    model: int,
    strategy: Strategy,
    evidence: tuple[Influence, ...],
    recall: Recall,
    costs: Costs,
    work: Workload,
    question: Question,
    base: EvidenceBase,
) -> Footing:
    """What the reasons and cautions of an arm are drawn from."""
    entry, s = base.candidates.entries[model], STRATEGIES.index(strategy)
    measured = [p for p in question.probes if p.model == entry.key]
    measured.sort(key=lambda p: p.strategy is not strategy)  # this arm's own measurement before its sister's
    return Footing(
        entry=entry,
        strategy=strategy,
        strategy_fits=bool(recall.fits[0, model]),
        influences=evidence,
        n_own=base.n_own_figures(entry),
        n_family=base.n_family_figures(entry),
        train_seconds=float(costs.train_seconds[s, model]),
        peak_bytes=float(costs.peak_bytes[s, model]),
        device=question.device.name,
        tokens=work.tokens,
        probe=measured[0] if measured else None,
    )


def _recipe(
    entry: ModelEntry, model: int, strategy: Strategy, costs: Costs, work: Workload, question: Question
) -> Recipe:
    return make_recipe(
        entry,
        strategy,
        micro_batch=int(costs.micro_batch[STRATEGIES.index(strategy), model]),
        epochs=work.epochs,
        tokens=work.tokens,
        precision=question.device.precision,
        class_counts=question.profile.class_counts,
        metric=question.profile.metric,
        n_train=work.n_examples,
    )


def _arm_cost(costs: Costs, s: int, model: int, budget: Budget) -> ArmCost:
    seconds = float(costs.train_seconds[s, model])
    hourly = budget.price_per_hour
    return ArmCost(
        train_seconds=round(seconds, 1),
        peak_memory_bytes=int(costs.peak_bytes[s, model]),
        latency_ms=round(float(costs.latency_ms[model]), 2),
        energy_wh=round(float(costs.energy_wh[s, model]), 2),
        price=None if hourly is None else round(seconds / 3600 * hourly * budget.n_devices, 4),
    )


def _places(ranking: Ranking, field: _Field) -> list[int]:
    """Where each ranked row stands in the field."""
    of_arm = {arm: i for i, arm in enumerate(field.arms.tolist())}
    return [of_arm[row.arm] for row in ranking.rows]


def _assembled(
    question: Question,
    recall: Recall,
    ranking: Ranking,
    rows: tuple[Recommended, ...],
    field: _Field,
    table: CandidateTable,
) -> Advice:
    n_contenders = 1 if ranking.rows[0].p_best >= CLEAR_CHOICE else MOST_PROBED
    contenders = rows[:n_contenders]
    probed = [i for i in _places(ranking, field)[:n_contenders] if table.can_be_probed[field.models[i]]]
    if len(contenders) < 2:
        probed = []
    probe = tuple(table.entries[field.models[i]].name for i in probed)
    probe_seconds = sum(min(PROBED_SHARE * field.seconds[i], MOST_PROBE_SECONDS) for i in probed)
    return Advice(
        profile=question.profile,
        ranking=rows,
        near=recall.near,
        beyond=recall.beyond,
        probe=probe,
        expected_regret=ranking.expected_regret,
        probe_seconds=round(probe_seconds, 1),
        text=_advice_text(question, ranking, rows, contenders, probe, probe_seconds),
    )


def _advice_text(
    question: Question,
    ranking: Ranking,
    rows: tuple[Recommended, ...],
    contenders: Sequence[Recommended],
    probe: Sequence[str],
    probe_seconds: float,
) -> str:
    language, first = question.language, rows[0]
    regret = f"{ranking.expected_regret:.3f} {question.profile.metric}"
    if len(contenders) < 2:
        text = say("advice_clear", language, model=first.entry.id, p=first.p_best, regret=regret)
    else:
        text = say(
            "advice_probe" if probe else "advice_no_probe",
            language,
            n=len(contenders),
            p=first.p_best,
            regret=regret,
            models=", ".join(name.split(":", 1)[1].rsplit("@", 1)[0] for name in probe),
            duration=duration(probe_seconds, language),
        )
    n = question.profile.n_examples
    if n is not None and n < TINY_DATA:
        text += " " + say("advice_tiny_data", language, n=n)
    return text


def _nobody(question: Question, recall: Recall) -> Advice:
    """An answer without a ranking, which says why."""
    language, task = question.language, question.profile.task_type.value
    hindered = [e for e in recall.exclusions if e.rule not in {Rule.TASK, Rule.LANGUAGE}]
    if hindered:
        nearest = hindered[0]
        rules = Counter(e.rule.value for e in hindered).most_common(3)
        text = say(
            "advice_nothing_fits",
            language,
            task=task,
            rules=", ".join(rule for rule, _ in rules),
            nearest=nearest.model,
            rule=nearest.rule.value,
            needed=nearest.needed,
            available=nearest.available,
        )
    else:
        spoken = ", ".join(language_name(code, language) for code in question.profile.languages)
        where = say("in_language", language, spoken=spoken) if spoken else ""
        text = say("advice_nobody_can", language, task=task, where=where)
    return Advice(
        profile=question.profile,
        ranking=(),
        near=recall.near,
        beyond=recall.beyond,
        probe=(),
        expected_regret=0.0,
        probe_seconds=0.0,
        text=text,
    )
