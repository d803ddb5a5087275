"""One probe run from lease to end: prepare, probe, rank, put the results back.

Every step asks the scheduler, works, and persists in one fenced transaction: the record, the curve's point,
the charge, the ranking and the events. A worker that takes the run over finds all of them or none.
"""

import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import structlog

from app.datasets.profile import DatasetProfile
from app.datasets.storage import dataset_folder, load_dataset
from app.db import Database
from app.probes.concluding import Concluding
from app.probes.device_speed import measured_device
from app.probes.journal import Journal
from app.probes.kept_plan import plan_from_json, plan_to_json
from app.probes.lease import Lease
from app.probes.plan import Action, Kind, Record, Stop
from app.probes.planning import Prepared, UnfitCandidateError, prepare
from app.probes.refit_plan import with_refit
from app.probes.refitting import Refitting
from app.probes.repository import LostLeaseError
from app.probes.results import question_for_run
from app.probes.sample import RunData, prepare_data
from app.probes.scheduler import Scheduler
from app.probes.states import RunStatus
from app.probes.trial_process import ForkServer
from app.probes.trials import InterruptedTrialError, TrialPool
from app.probes.weights import ensure_weights
from app.question import Question
from app.ranking.probe_model import load_probe_model
from app.settings import Settings
from app.snapshot import Snapshot
from models_registry.hubs import HubError, hub_for

log = structlog.get_logger(__name__)


CANCELLED = "cancelled: this is the best answer so far"


class WorkerStoppingError(Exception):
    """This worker was told to end; the run is left to the next one."""


class RunExecution:
    """Works on one leased run."""

    def __init__(
        self,
        *,
        database: Database,
        settings: Settings,
        snapshot: Snapshot,
        lease: Lease,
        clock: Callable[[], dt.datetime],
        stopping: threading.Event,
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._lease = lease
        self._stopping = stopping
        self._journal = Journal(database, lease, clock)
        self._folder = settings.data_dir / "runs" / lease.run_id

    def run(self) -> None:
        """Work until the run has ended, or this worker may no longer write to it.

        Raises:
            LostLeaseError: Another worker has the run.
        """
        try:
            self._work()
        except LostLeaseError:
            raise
        except WorkerStoppingError:
            self._journal.release()
            return
        except UnfitCandidateError as error:
            self._journal.fail(str(error))
        except Exception as error:  # a run that cannot go on must say so rather than be retried for ever
            log.exception("run.failed", run=self._lease.run_id, error=type(error).__name__)
            self._journal.fail(f"internal error: {type(error).__name__}")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _work(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with closing(ForkServer(self._folder)) as server:
            self._work_with(server)

    def _work_with(self, server: ForkServer) -> None:
        row = self._journal.run_row()
        request: Mapping[str, Any] = row.request
        dataset = load_dataset(self._settings.data_dir, row.dataset_id)
        question = question_for_run(dataset, request, self._journal.earlier_probes(dataset))
        prepared = self._prepared(row.plan, request, question, dataset.profile, server)
        data = prepare_data(
            dataset_folder(self._settings.data_dir, dataset.id),
            self._folder,
            prepared.sample,
            prepared.plan.seed,
        )
        self._journal.begin(prepared, plan_to_json(prepared), dataset, question, self._snapshot)
        self._journal.spend(warmup_seconds=self._lease.held_seconds)
        folders = self._weights(prepared)
        if self._lease.cancelled.is_set():
            self._journal.end(RunStatus.CANCELLED, CANCELLED)
            return
        with TrialPool(prepared, dataset, data, folders, request, self._settings, server) as pool:
            self._journal.say("starting the trial processes")
            self._journal.spend(warmup_seconds=pool.warm_up())
            concluding = Concluding(
                journal=self._journal,
                lease=self._lease,
                pool=pool,
                prepared=prepared,
                data_dir=self._settings.data_dir,
                blend=bool(request.get("ensemble")),
                explain=bool(request.get("explain")),
                has_groups=data.examples.compared is not None,
                language=question.language,
            )
            try:
                self._baselines(pool)
                self._probe(prepared, pool, concluding, self._refitting(request, prepared, data, pool))
            except InterruptedTrialError:
                self._interrupted(pool)

    def _prepared(
        self,
        kept: Mapping[str, Any] | None,
        request: Mapping[str, Any],
        question: Question,
        profile: DatasetProfile,
        server: ForkServer,
    ) -> Prepared:
        """The plan that was kept when the run began, or a new one."""
        by_name = {e.name: e for e in self._snapshot.entries}
        if kept is not None:
            return plan_from_json(kept, by_name)
        device = measured_device(question.device, server, self._settings.data_dir / "device.json")
        entries = [by_name[name] for name in request["candidates"]]
        prepared = prepare(
            question,
            self._snapshot.base,
            entries,
            request,
            device,
            profile.n_examples,
            profile.p95_length,
            0 if profile.interactions is None else profile.interactions.n_items,
        )
        if not request.get("refit"):
            return prepared
        return with_refit(prepared, profile.n_examples, float(request["budget"]["seconds"]))

    def _refitting(
        self, request: Mapping[str, Any], prepared: Prepared, data: RunData, pool: TrialPool
    ) -> Refitting | None:
        """What ends a run that is to train its winner on all the data."""
        if not request.get("refit"):
            return None
        return Refitting(
            journal=self._journal,
            lease=self._lease,
            pool=pool,
            prepared=prepared,
            data=data,
            data_dir=self._settings.data_dir,
        )

    def _weights(self, prepared: Prepared) -> dict[int, Path]:
        """Weights of every candidate; one that cannot be had is that candidate's outcome."""
        began = time.monotonic()
        hubs = partial(
            hub_for,
            local_root=self._settings.local_models_dir,
            silence_seconds=self._settings.hub_timeout_seconds,
        )
        folders: dict[int, Path] = {}
        for model, entry in enumerate(prepared.entries):
            if self._lease.interrupted.is_set():
                self._check()
                break
            remaining = self._settings.download_seconds - (time.monotonic() - began)
            self._journal.say(f"fetching {entry.id}")
            try:
                folders[model] = ensure_weights(
                    entry, self._settings.data_dir / "models", hubs=hubs, seconds=max(remaining, 1.0)
                )
            except HubError as error:
                self._journal.lose(model, _lost(model), f"{type(error).__name__}: {error.detail}")
        self._journal.spend(download_seconds=time.monotonic() - began)
        return folders

    def _baselines(self, pool: TrialPool) -> None:
        """Majority and TF-IDF with logistic regression: sometimes a pretrained model is not worth it."""
        if self._journal.has_baselines():
            return
        self._journal.say("classical baselines")
        with self._lease.metered():
            scores, seconds = pool.baselines(self._journal.remaining_seconds(), self._lease.interrupted)
            self._journal.baselines(scores, seconds)

    def _interrupted(self, pool: TrialPool) -> None:
        """What was used is charged; a cancel is the end, a lost lease or a stopping worker is not."""
        self._journal.charge_interrupted(pool.last_seconds)
        self._check()
        self._journal.end(RunStatus.CANCELLED, CANCELLED)

    def _probe(
        self, prepared: Prepared, pool: TrialPool, concluding: Concluding, refitting: Refitting | None
    ) -> None:
        """Ask, work, persist, until the scheduler stops."""
        scheduler = Scheduler(prepared.plan, load_probe_model(), self._journal.records())
        self._journal.watch(scheduler)
        if refitting is not None and refitting.kept_decision is not None:
            self._finish(scheduler, refitting.kept_decision, refitting)
            return
        while True:
            self._check()
            if self._lease.cancelled.is_set():
                self._journal.end(RunStatus.CANCELLED, CANCELLED)
                return
            step = scheduler.next(self._journal.remaining_seconds() - concluding.reserved_seconds)
            match step:
                case Stop():
                    decision = _decision(scheduler, step)
                    if scheduler.rankable() and (said := concluding.run(scheduler)):
                        decision += f"; {said}"
                    self._finish(scheduler, decision, refitting)
                    return
                case Action():
                    self._act(scheduler, step, pool, prepared)
                case _:
                    assert_never(step)

    def _act(self, scheduler: Scheduler, action: Action, pool: TrialPool, prepared: Prepared) -> None:
        entry = prepared.entries[action.model]
        what = "features" if action.kind is Kind.FEATURES else f"training to step {action.until_step}"
        self._journal.start(action, f"{entry.id}: {what}")
        with self._lease.metered(1 if action.kind is Kind.FEATURES else prepared.n_devices):
            result = pool.perform(action, self._journal.remaining_seconds(), self._lease.interrupted)
            record = Record(
                kind=action.kind,
                model=action.model,
                arm=action.arm,
                outcome=result.outcome,
                seconds=result.seconds,
                step=result.step,
                score=result.score,
                std_error=result.std_error,
                estimators=dict(result.estimates),
            )
            log.info(
                "action.ended",
                run=self._lease.run_id,
                kind=action.kind.value,
                model=entry.id,
                outcome=result.outcome,
                seconds=round(result.seconds, 3),
                pass_seconds=round(result.pass_seconds, 3),
            )
            scheduler.tell(record)
            self._journal.record(scheduler, record, result)

    def _finish(self, scheduler: Scheduler, decision: str, refitting: Refitting | None) -> None:
        if not scheduler.rankable():
            self._journal.end(RunStatus.FAILED, decision)
            return
        if refitting is not None:
            decision = f"{decision}; {refitting.run(scheduler, decision)}"
        self._journal.end(RunStatus.SUCCEEDED, decision)

    def _check(self) -> None:
        """Stop at once where nothing may be written any more, or this worker is to end."""
        if self._lease.lost.is_set():
            raise LostLeaseError(self._lease.run_id, self._lease.attempt)
        if self._stopping.is_set():
            raise WorkerStoppingError


def _decision(scheduler: Scheduler, stop: Stop) -> str:
    """Why a run has stopped, in words."""
    detail = ", ".join(f"{name} {value:.3g}" for name, value in stop.detail.items())
    decision = f"{stop.reason} ({detail})" if detail else stop.reason
    if scheduler.rankable() and not scheduler.scores():
        decision += "; nothing could be measured, so this is what published figures say"
    return decision


def _lost(model: int) -> Record:
    """What the scheduler is told of a candidate whose weights could not be had."""
    return Record(kind=Kind.FEATURES, model=model, arm=None, outcome="failed", seconds=0.0)
