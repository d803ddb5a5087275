"""The pipeline of the service as one readable function: a task in, a ranked and explained answer out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.exclusions import Exclusion, Exclusions, Rule
from app.explaining import Explaining, Field, Recommended
from app.question import Question, workload
from app.ranking.candidates import CandidateTable
from app.ranking.cost import STRATEGIES, Costs, Workload, predict_costs
from app.ranking.evidence import EvidenceBase, TargetBelief
from app.ranking.observations import condition_on_probes
from app.ranking.phrases import duration, language_name, say
from app.ranking.posterior import Ranking, rank, utility
from app.ranking.rest import contest_with
from app.ranking.steps import Choice, Situation, Step, steps_for
from app.recall import Pool, Recall, recall_candidates, recall_pool
from app.remembered import REMEMBERED, HeldPool
from app.screening import screened
from app.task_profile.profile import TaskProfile
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Strategy

Index = NDArray[np.intp]

PROBED_SHARE = 0.2
"""Share of a full fine-tune that a probe of one model is planned with."""
MOST_PROBE_SECONDS = 600.0
MOST_PROBED = 5
CLEAR_CHOICE = 0.8
TINY_DATA = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The whole answer."""

    profile: TaskProfile
    ranking: tuple[Recommended, ...]
    exclusions: Exclusions
    table: CandidateTable
    probe: tuple[str, ...]
    expected_regret: float
    probe_seconds: float
    text: str
    steps: tuple[Step, ...]

    def excluded(self, start: int, end: int) -> list[Exclusion]:
        """Some of the models that were left out, the nearest to eligible first."""
        return self.exclusions.page(self.table, start, end)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Standing:
    """What a probe run has come to believe, in place of the figures' belief.

    Attributes:
        held: The belief over its candidates.
        strategies: S of them, full first and the head last.
        allowed: Arms that can be the answer, shape (S, M).
    """

    held: TargetBelief
    strategies: tuple[Strategy, ...]
    allowed: NDArray[np.bool_]


def advise(question: Question, base: EvidenceBase, standing: Standing | None = None) -> Advice:
    """Rank the models for this task: cost, recall, screening, evidence, posterior, explanation.

    Args:
        question: The task and the limits.
        base: Figures and candidates.
        standing: A probe run's own belief; None is that of the figures, conditioned on earlier probes.
    """
    work = workload(question.profile)
    recall, costs = _recalled(question, work, base.candidates, standing)
    if not recall.eligible.any():
        return _nobody(question, recall, base.candidates)
    rest = None
    if standing is None:
        recall, rest = screened(question, base, recall, costs)
    held = standing.held if standing else _held(question, base, recall)
    field = _best_arms(held, recall, costs, question)
    ranking = rank(
        held.belief,
        contest_with(base, held, field.arms, rest),
        field.arms,
        utilities=field.utilities,
        costs=(field.latency_ms, field.seconds),
        metric=metric_named(question.profile.metric),
        top_k=question.top_k,
    )
    rows = Explaining(question, work, base, field, recall, costs).rows(ranking)
    return _assembled(question, recall, ranking, rows, field, base.candidates)


def _recalled(
    question: Question, work: Workload, table: CandidateTable, standing: Standing | None
) -> tuple[Recall, Costs]:
    """Who is in the race, and what every model that is not out of the question would cost."""
    profile, constraints, budget = question.profile, question.constraints, question.budget
    pool = recall_pool(table, profile.task_type, profile.languages, constraints.include, constraints.exclude)
    costs = predict_costs(
        pool.table,
        work,
        question.device,
        n_devices=budget.n_devices,
        memory_bytes=budget.memory_bytes,
        strategies=STRATEGIES if standing is None else standing.strategies,
    )
    heads = standing is not None
    recall = recall_candidates(pool, profile.task_type, constraints, budget, costs, heads=heads)
    return (recall if standing is None else recall.restricted(standing.allowed)), costs


def _held(question: Question, base: EvidenceBase, recall: Recall) -> TargetBelief:
    """What the figures say, and what probes measured on the same data."""
    models = recall.pool.models[recall.eligible]
    if question.probes:  # what they measured of one model teaches about others
        probed = base.candidates.with_keys({p.model for p in question.probes})
        models = np.union1d(models, probed)
    found = REMEMBERED.make(question.profile, base, models)
    return condition_on_probes(base, found, question.profile, question.probes)


def is_prepared(question: Question, base: EvidenceBase) -> bool:
    """Whether an answer is a matter of a millisecond: the belief about its target was asked for before."""
    return REMEMBERED.find(question.profile, base) is not None


def _best_arms(held: TargetBelief, recall: Recall, costs: Costs, question: Question) -> Field:
    """For each eligible model the fitting strategy with the highest expected utility."""
    pool, eligible = recall.pool, recall.eligible.nonzero()[0]
    mine = _held_pool(held, pool, eligible, costs.strategies)
    eligible, mine = eligible[mine.is_held], mine.among(mine.is_held)
    costly = costs.latency_ms[eligible], costs.train_seconds[:, eligible]
    utilities = utility(mine.quality, *costly, question.weights)
    utilities = np.where(recall.fits[:, eligible], utilities, -np.inf)
    chosen = utilities.argmax(axis=0)  # the first of equals: full before lora
    each = np.arange(len(eligible))
    return Field(
        held=held,
        pool=eligible,
        models=pool.models[eligible],
        strategies=chosen,
        arms=mine.arms[chosen, each],
        utilities=utilities[chosen, each],
        latency_ms=costly[0],
        seconds=costly[1][chosen, each],
    )


def _held_pool(held: TargetBelief, pool: Pool, eligible: Index, strategies: tuple[Strategy, ...]) -> HeldPool:
    """The eligible models of a pool as the belief holds them."""
    if len(pool.models) > len(held.models):  # few of many: not worth remembering all
        return HeldPool.of(held, pool.models[eligible], strategies)
    known = REMEMBERED.of(held).pools
    found = known.get(pool)
    if found is None:
        found = known[pool] = HeldPool.of(held, pool.models, strategies)
    return found.among(eligible)


def _assembled(
    question: Question,
    recall: Recall,
    ranking: Ranking,
    rows: tuple[Recommended, ...],
    field: Field,
    table: CandidateTable,
) -> Advice:
    n_contenders = 1 if ranking.rows[0].p_best >= CLEAR_CHOICE else MOST_PROBED
    contenders = rows[:n_contenders]
    places = [row.place for row in ranking.rows[:n_contenders]] if len(contenders) > 1 else []
    probed = [i for i in places if table.can_be_probed[field.models[i]]]
    probe = tuple(table.names[field.models[i]] for i in probed)
    probe_seconds = sum(min(PROBED_SHARE * float(field.seconds[i]), MOST_PROBE_SECONDS) for i in probed)
    return Advice(
        profile=question.profile,
        ranking=rows,
        exclusions=recall.exclusions,
        table=table,
        probe=probe,
        expected_regret=ranking.expected_regret,
        probe_seconds=round(probe_seconds, 1),
        text=_advice_text(question, ranking, rows, contenders, probe, probe_seconds),
        steps=_steps(question, rows, recall),
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


def _steps(question: Question, rows: Sequence[Recommended], recall: Recall) -> tuple[Step, ...]:
    """What to try beside the choice of a model."""
    situation = Situation(
        profile=question.profile,
        n_unlabelled=question.n_unlabelled,
        n_conflicting=question.n_conflicting,
        max_latency_ms=question.constraints.max_latency_ms,
        weighs_latency=question.weights[1] > 0.0,
        choices=tuple(Choice(entry=row.entry, latency_ms=row.cost.latency_ms) for row in rows),
        n_too_slow=0 if rows else recall.exclusions.counts.get(Rule.LATENCY, 0),
    )
    return steps_for(situation, question.language)


def _nobody(question: Question, recall: Recall, table: CandidateTable) -> Advice:
    """An answer without a ranking, which says why."""
    language, task = question.language, question.profile.task_type.value
    hindered = recall.exclusions.without(Rule.TASK, Rule.LANGUAGE)
    if len(hindered):
        nearest = hindered.page(table, 0, 1)[0]
        most = sorted(hindered.counts.items(), key=lambda item: -item[1])[:3]
        text = say(
            "advice_nothing_fits",
            language,
            task=task,
            rules=", ".join(rule for rule, _ in most),
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
        exclusions=recall.exclusions,
        table=table,
        probe=(),
        expected_regret=0.0,
        probe_seconds=0.0,
        text=text,
        steps=_steps(question, (), recall),
    )
