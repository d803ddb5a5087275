"""What a worker writes of a run: each method is one fenced transaction."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.datasets.storage import StoredDataset
from app.db import Database
from app.documents import score_document
from app.measured import measured_on
from app.probes.blend_row import with_blend
from app.probes.lease import Lease
from app.probes.messages import BaselineScore
from app.probes.plan import OUTCOME_FINISHED, Action, Kind, Record
from app.probes.planning import Prepared
from app.probes.ranking import ranked_rows, with_vocabulary
from app.probes.repository import LeaseRepository, RunRepository
from app.probes.results import measured_figures, put_back
from app.probes.scheduler import Scheduler
from app.probes.states import RunStatus, TrialStatus
from app.probes.tables import ProbePointRow, ProbeRunRow, ProbeTrialRow
from app.probes.trials import TrialResult
from app.question import Question
from app.ranking.observations import ProbeObservation
from app.ranking.posterior import measured_interval
from app.snapshot import Snapshot
from app.tasks.catalogue import TASKS
from app.tasks.targets import Target
from models_registry.vocabulary import Modality

Json = dict[str, Any]


ELSEWHERE = (
    "what passes and slices say of final scores was learnt from texts with one class each; intervals for "
    "other targets, images and audio were not checked"
)
"""Said of a run for another target or kind of input."""


class Journal:
    """Writes a run's progress, fenced by its lease; made for one execution."""

    def __init__(self, database: Database, lease: Lease, clock: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._lease = lease
        self._clock = clock
        self._scheduler: Scheduler | None = None

    def run_row(self) -> ProbeRunRow:
        """The run as it stands."""
        with self._database.read() as session:
            return RunRepository(session).get(self._lease.run_id)

    def earlier_probes(self, dataset: StoredDataset) -> tuple[ProbeObservation, ...]:
        """What other runs measured on this data."""
        with self._database.read() as session:
            return measured_on(dataset, session).probes

    def begin(
        self, prepared: Prepared, plan: Json, dataset: StoredDataset, question: Question, snapshot: Snapshot
    ) -> None:
        """The plan and the trials are kept; what was kept before stays."""
        self._prepared, self._dataset, self._question, self._snapshot = prepared, dataset, question, snapshot
        arms = [(prepared.entries[a.model].name, a.strategy.value) for a in prepared.plan.arms]
        with self._lease.write() as (session, leases, row):
            leases.add_trials(row.id, arms)
            if row.plan is None:
                row.plan = plan
                sample = prepared.sample
                if sample.n_train + sample.n_validation < dataset.profile.n_examples:
                    note = (
                        f"trained on {sample.n_train} and validated on {sample.n_validation} of "
                        f"{dataset.profile.n_examples} examples, which is what the budget allows"
                    )
                    row.warnings = [*row.warnings, note]
                task = TASKS[dataset.task_type]
                if task.target is not Target.CLASS or task.modality is not Modality.TEXT:
                    row.warnings = [*row.warnings, ELSEWHERE]
            session.flush()

    def say(self, now: str) -> None:
        """What the run is doing, for those who watch."""
        with self._lease.write() as (_, leases, row):
            self._say(leases, row, now)

    def _say(self, leases: LeaseRepository, row: ProbeRunRow, now: str) -> None:
        row.now = now
        charged = row.charged_seconds
        leases.append_event(
            row,
            "progress",
            {
                "charged_seconds": round(charged, 3),
                "budget_seconds": row.budget_seconds,
                "fraction": round(min(charged / row.budget_seconds, 1.0), 4),
                "now": now,
            },
            self._clock(),
        )

    def spend(self, **seconds: float) -> None:
        """Add to what is shown beside the budget."""
        with self._lease.write() as (_, _leases, row):
            row.spent = _added(row.spent, seconds)

    def remaining_seconds(self) -> float:
        """Of the budget."""
        row = self.run_row()
        return row.budget_seconds - row.charged_seconds

    def records(self) -> list[Record]:
        """What the scheduler was told so far."""
        with self._database.read() as session:
            return [Record.from_json(r) for r in LeaseRepository(session).records(self._lease.run_id)]

    def watch(self, scheduler: Scheduler) -> None:
        """Keep the ranking of this scheduler from here on."""
        self._scheduler = scheduler
        with self._lease.write() as (session, leases, row):
            self._rank(session, leases, row)

    def has_baselines(self) -> bool:
        """Whether they were measured before."""
        return bool(self.run_row().baselines)

    def baselines(self, results: Sequence[BaselineScore], seconds: float) -> None:
        """Keep the baselines and charge them."""
        metric = self._prepared.plan.metric
        with self._lease.write() as (_, leases, row):
            row.baselines = [
                {"name": r.name, "score": score_document(measured_interval(metric, r.metric, r.std_error))}
                for r in results
            ]
            leases.charge(row, seconds)
            self._lease.settle()

    def lose(self, model: int, record: Record, why: str) -> None:
        """A candidate cannot take part: that is the outcome of all its arms."""
        with self._lease.write() as (session, leases, row):
            known = [Record.from_json(r) for r in leases.records(row.id)]
            if any(r.kind is Kind.FEATURES and r.model == model for r in known):
                return
            leases.add_record(row.id, row.attempt, len(known), record.to_json())
            for trial in self._trials(session, model):
                trial.status, trial.why = TrialStatus.FAILED, why

    def start(self, action: Action, now: str) -> None:
        """An action begins: its trials run, and those who watch are told."""
        with self._lease.write() as (session, leases, row):
            for trial in self._trials(session, action.model, action.arm):
                if not TrialStatus(trial.status).is_final:
                    trial.status = TrialStatus.RUNNING
            self._say(leases, row, now)

    def record(self, scheduler: Scheduler, record: Record, result: TrialResult) -> None:
        """Everything that an action brought, at once."""
        with self._lease.write() as (session, leases, row):
            leases.add_record(row.id, row.attempt, len(leases.records(row.id)), record.to_json())
            leases.charge(row, record.seconds)
            self._lease.settle()
            for trial in self._trials(session, record.model, record.arm):
                self._update_trial(leases, row, trial, record, result, scheduler)
            self._rank(session, leases, row)

    def _update_trial(
        self,
        leases: LeaseRepository,
        row: ProbeRunRow,
        trial: ProbeTrialRow,
        record: Record,
        result: TrialResult,
        scheduler: Scheduler,
    ) -> None:
        strategy = scheduler.plan.arms[trial.arm].strategy
        is_head_pass = record.kind is Kind.FEATURES and strategy.value == "head"
        trial.status = scheduler.status(trial.arm)
        if record.outcome != OUTCOME_FINISHED:
            trial.why = result.why
        trial.peak_memory_bytes = max(trial.peak_memory_bytes, result.peak_memory_bytes)
        if record.kind is Kind.FEATURES:
            trial.transferability = dict(result.transferability)
            trial.vocabulary = dict(result.vocabulary) or None
        if record.kind is Kind.SLICE or is_head_pass:
            trial.seconds += record.seconds
            if record.score is not None and record.outcome == OUTCOME_FINISHED:
                self._add_point(leases, row, trial, record, result)

    def _add_point(
        self,
        leases: LeaseRepository,
        row: ProbeRunRow,
        trial: ProbeTrialRow,
        record: Record,
        result: TrialResult,
    ) -> None:
        point = ProbePointRow(
            trial_id=trial.id,
            step=record.step,
            examples_seen=result.examples_seen,
            seconds=round(trial.seconds, 3),
            loss=result.loss,
            metric=record.score,
        )
        leases.add_point(point)
        event = {
            "model": trial.model,
            "strategy": trial.strategy,
            "step": point.step,
            "examples_seen": point.examples_seen,
            "seconds": point.seconds,
            "loss": point.loss,
            "metric": point.metric,
        }
        leases.append_event(row, "point", event, self._clock())

    def refit(self, found: Mapping[str, Any], charged: float = 0.0) -> None:
        """Keep how far the winner's training on all the data is, and charge it."""
        with self._lease.write() as (_, leases, row):
            before = row.refit or {}
            row.refit = {**before, **found, "seconds": round(before.get("seconds", 0.0) + charged, 3)}
            if charged:
                leases.charge(row, charged)
                self._lease.settle()
                self._say(leases, row, row.now)

    def review(self, found: Mapping[str, Any], charged: float = 0.0) -> None:
        """Keep what a look at all predictions says, charge it, and rank the blend."""
        with self._lease.write() as (session, leases, row):
            row.review = dict(found)
            row.warnings = [*row.warnings, *found.get("warnings", ())]
            if charged:
                leases.charge(row, charged)
                self._lease.settle()
            self._rank(session, leases, row)

    def charge(self, seconds: float) -> None:
        """Of work that leaves nothing else to keep."""
        with self._lease.write() as (_, leases, row):
            leases.charge(row, seconds)
            self._lease.settle()

    def warn(self, warning: str) -> None:
        """Say this of the run, once."""
        with self._lease.write() as (_, _leases, row):
            if warning not in row.warnings:
                row.warnings = [*row.warnings, warning]

    def charge_interrupted(self, seconds: float) -> None:
        """A cancelled action counts, though nothing came of it."""
        with self._lease.write() as (_, leases, row):
            leases.charge(row, seconds)

    def end(self, status: RunStatus, decision: str) -> None:
        """The run ends: open trials are stopped, results go back, the last event is sent."""
        with self._lease.write() as (session, leases, row):
            for trial in RunRepository(session).trials(row.id):
                if not TrialStatus(trial.status).is_final:
                    trial.status = TrialStatus.STOPPED
                    trial.why = trial.why or _why_stopped(trial, status, decision)
            if self._scheduler is not None and status is not RunStatus.FAILED:
                put_back(self._measured(self._scheduler), self._dataset, row.id, session)
            started = row.started_at or row.created_at
            watts = self._question.device.watts
            row.spent = {
                **row.spent,
                "charged_seconds": round(row.charged_seconds, 3),
                "wall_seconds": round((self._clock() - started).total_seconds(), 3),
                "energy_wh": round(row.charged_seconds * watts / 3600, 3),
            }
            leases.finish(row, status, decision, self._clock())

    def release(self) -> None:
        """Another worker may have the run at once."""
        with self._lease.write() as (_, _leases, row):
            row.lease_expires_at = self._clock() - dt.timedelta(seconds=1)

    def fail(self, decision: str) -> None:
        """The run cannot go on."""
        with self._lease.write() as (_, leases, row):
            leases.finish(row, RunStatus.FAILED, decision, self._clock())

    def _trials(self, session: Session, model: int, arm: int | None = None) -> list[ProbeTrialRow]:
        arms = self._prepared.plan.arms
        trials = RunRepository(session).trials(self._lease.run_id)
        return [t for t in trials if arms[t.arm].model == model and arm in {None, t.arm}]

    def _measured(self, scheduler: Scheduler) -> list[ProbeObservation]:
        return measured_figures(
            scheduler,
            self._prepared.entries,
            self._dataset,
            self._lease.run_id,
            self._clock().date(),
            self._prepared.sample.n_validation,
        )

    def _rank(self, session: Session, leases: LeaseRepository, row: ProbeRunRow) -> None:
        scheduler = self._scheduler
        if scheduler is None:
            return
        ranked = ranked_rows(scheduler, self._question, self._snapshot.base, self._measured(scheduler))
        known = {t.model: t.vocabulary for t in RunRepository(session).trials(row.id) if t.vocabulary}
        language = self._question.language
        rows = with_vocabulary(ranked, known, language)
        row.ranking = with_blend(rows, (row.review or {}).get("blend"), language)
        shown = [
            {
                "rank": r["rank"],
                "model": r["model"],
                "strategy": r["strategy"],
                "score": r["score"],
                "p_best": r["p_best"],
            }
            for r in row.ranking
        ]
        leases.append_event(row, "ranking", {"ranking": shown}, self._clock())


def _why_stopped(trial: ProbeTrialRow, status: RunStatus, decision: str) -> str:
    if status is RunStatus.CANCELLED:
        return "the run was cancelled"
    if not trial.transferability:
        return f"the run ended before its turn: {decision}"
    return "not worth more of the budget"


def _added(spent: Mapping[str, float], more: Mapping[str, float]) -> dict[str, float]:
    return {**spent, **{name: round(spent.get(name, 0.0) + value, 3) for name, value in more.items()}}
