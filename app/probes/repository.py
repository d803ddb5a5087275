"""Reads and writes of probe runs. Nothing here commits; the caller owns the transaction."""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from app.probes.states import RunStatus, TrialStatus
from app.probes.tables import ProbePointRow, ProbeRecordRow, ProbeRunRow, ProbeTrialRow, RunEventRow

Json = Mapping[str, Any]


class ProbeError(Exception):
    """Base of what this room reports."""


class UnknownRunError(ProbeError):
    """There is no run of this id."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(run_id)


class RunFinishedError(ProbeError):
    """The run has ended, so it can no longer be cancelled."""

    def __init__(self, run_id: str, status: str) -> None:
        self.run_id = run_id
        self.status = status
        super().__init__(f"{run_id} is {status}")


class LostLeaseError(ProbeError):
    """Another worker has taken the run over; nothing of this one may be written any more."""

    def __init__(self, run_id: str, attempt: int) -> None:
        self.run_id = run_id
        self.attempt = attempt
        super().__init__(f"{run_id} attempt {attempt}")


class RunRepository:
    """Probe runs as the API sees them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        *,
        dataset_id: str,
        request: Json,
        budget_seconds: float,
        body_sha256: str,
        now: dt.datetime,
        project: str = "default",
        idempotency_key: str | None = None,
        warnings: Sequence[str] = (),
    ) -> ProbeRunRow:
        """A queued run; its id is random."""
        row = ProbeRunRow(
            id=f"run_{secrets.token_hex(12)}",
            project=project,
            status=RunStatus.QUEUED,
            dataset_id=dataset_id,
            request=dict(request),
            budget_seconds=budget_seconds,
            body_sha256=body_sha256,
            idempotency_key=idempotency_key,
            warnings=list(warnings),
            created_at=now,
        )
        self._session.add(row)
        self._session.flush()
        return row

    def get(self, run_id: str) -> ProbeRunRow:
        """The run of this id.

        Raises:
            UnknownRunError: There is none.
        """
        row = self._session.get(ProbeRunRow, run_id)
        if row is None:
            raise UnknownRunError(run_id)
        return row

    def by_key(self, project: str, idempotency_key: str) -> ProbeRunRow | None:
        """The run that was created under this Idempotency-Key."""
        return self._session.scalar(
            select(ProbeRunRow).where(
                ProbeRunRow.project == project, ProbeRunRow.idempotency_key == idempotency_key
            )
        )

    def page(self, *, after: str | None, limit: int, status: str | None = None) -> list[ProbeRunRow]:
        """Runs, the newest first, from behind the run of id `after`."""
        query = (
            select(ProbeRunRow).order_by(ProbeRunRow.created_at.desc(), ProbeRunRow.id.desc()).limit(limit)
        )
        if status is not None:
            query = query.where(ProbeRunRow.status == status)
        if after is not None:
            query = self._behind(query, self.get(after))
        return list(self._session.scalars(query))

    @staticmethod
    def _behind(query: Select[ProbeRunRow], cursor: ProbeRunRow) -> Select[ProbeRunRow]:
        older = ProbeRunRow.created_at < cursor.created_at
        same = (ProbeRunRow.created_at == cursor.created_at) & (ProbeRunRow.id < cursor.id)
        return query.where(or_(older, same))

    def trials(self, run_id: str) -> list[ProbeTrialRow]:
        """Trials of the run in the order of their arms."""
        query = select(ProbeTrialRow).where(ProbeTrialRow.run_id == run_id).order_by(ProbeTrialRow.arm)
        return list(self._session.scalars(query))

    def points(self, run_id: str) -> dict[int, list[ProbePointRow]]:
        """Points of every trial, by trial id, in the order of their steps."""
        query = (
            select(ProbePointRow)
            .join(ProbeTrialRow, ProbeTrialRow.id == ProbePointRow.trial_id)
            .where(ProbeTrialRow.run_id == run_id)
            .order_by(ProbePointRow.trial_id, ProbePointRow.step)
        )
        found: dict[int, list[ProbePointRow]] = {}
        for point in self._session.scalars(query):
            found.setdefault(point.trial_id, []).append(point)
        return found

    def request_cancel(self, run_id: str, now: dt.datetime) -> ProbeRunRow:
        """Ask for the end of a run: a queued one ends at once, a running one at its next heartbeat.

        Raises:
            UnknownRunError: There is no such run.
            RunFinishedError: It has ended already, other than by a cancel.
        """
        row = self._session.get(ProbeRunRow, run_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise UnknownRunError(run_id)
        if row.status == RunStatus.CANCELLED:
            return row
        if RunStatus(row.status).is_final:
            raise RunFinishedError(run_id, row.status)
        row.cancel_requested = True
        if row.status == RunStatus.QUEUED:
            row.status, row.finished_at, row.decision = RunStatus.CANCELLED, now, "cancelled before it began"
            self._append(row, "done", {"status": RunStatus.CANCELLED.value}, now)
        self._session.flush()
        return row

    def uses_dataset(self, dataset_id: str) -> bool:
        """Whether a run that has not ended needs this data set."""
        live = (RunStatus.QUEUED, RunStatus.RUNNING)
        query = select(func.count()).where(ProbeRunRow.dataset_id == dataset_id, ProbeRunRow.status.in_(live))
        return bool(self._session.scalar(query))

    def newest_answer(self, dataset_id: str) -> ProbeRunRow | None:
        """The run on this data set that was the last to succeed; None where none has."""
        done = select(ProbeRunRow).where(
            ProbeRunRow.dataset_id == dataset_id, ProbeRunRow.status == RunStatus.SUCCEEDED
        )
        newest = done.order_by(ProbeRunRow.finished_at.desc(), ProbeRunRow.id.desc()).limit(1)
        return self._session.scalar(newest)

    def forget_refits(self, dataset_id: str) -> list[str]:
        """Runs name no model any more that was trained on this data set; returns all runs over it."""
        found = []
        for row in self._session.scalars(select(ProbeRunRow).where(ProbeRunRow.dataset_id == dataset_id)):
            if row.refit is not None:
                row.refit = {**row.refit, "artifacts": [], "why": "deleted with its data set"}
            found.append(row.id)
        return found

    def events_after(self, run_id: str, number: int, limit: int = 1000) -> list[RunEventRow]:
        """Events of a run behind this number, in order."""
        query = select(RunEventRow).where(RunEventRow.run_id == run_id, RunEventRow.number > number)
        return list(self._session.scalars(query.order_by(RunEventRow.number).limit(limit)))

    def _append(self, row: ProbeRunRow, kind: str, data: Json, now: dt.datetime) -> None:
        row.last_event += 1
        event = RunEventRow(run_id=row.id, number=row.last_event, kind=kind, data=dict(data), created_at=now)
        self._session.add(event)


class LeaseRepository:
    """Probe runs as a worker sees them: every write is fenced by the attempt that the lease gave."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def acquire(self, owner: str, now: dt.datetime, lease: dt.timedelta) -> ProbeRunRow | None:
        """Lease the oldest run that waits or whose lease has expired, by one atomic statement.

        What a lost worker had in flight is charged up to its last heartbeat.
        """
        free = or_(
            ProbeRunRow.status == RunStatus.QUEUED,
            (ProbeRunRow.status == RunStatus.RUNNING) & (ProbeRunRow.lease_expires_at < now),
        )
        oldest = select(ProbeRunRow.id).where(free).order_by(ProbeRunRow.created_at, ProbeRunRow.id).limit(1)
        if self._session.get_bind().dialect.name == "postgresql":
            oldest = oldest.with_for_update(skip_locked=True)
        statement = (
            update(ProbeRunRow)
            .where(ProbeRunRow.id == oldest.scalar_subquery(), free)
            .values(
                status=RunStatus.RUNNING,
                lease_owner=owner,
                lease_expires_at=now + lease,
                attempt=ProbeRunRow.attempt + 1,
                charged_seconds=ProbeRunRow.charged_seconds + ProbeRunRow.in_flight_seconds,
                in_flight_seconds=0.0,
                started_at=func.coalesce(ProbeRunRow.started_at, now),
            )
            .returning(ProbeRunRow.id)
        )
        run_id = self._session.scalar(statement, execution_options={"synchronize_session": False})
        return None if run_id is None else self._session.get_one(ProbeRunRow, run_id, populate_existing=True)

    def hold(self, run_id: str, attempt: int) -> ProbeRunRow:
        """The run, locked for this transaction.

        Raises:
            LostLeaseError: The attempt is no longer the newest, or the run has ended.
        """
        query = select(ProbeRunRow).where(ProbeRunRow.id == run_id).with_for_update()
        row = self._session.scalar(query, execution_options={"populate_existing": True})
        if row is None or row.attempt != attempt or row.status != RunStatus.RUNNING:
            raise LostLeaseError(run_id, attempt)
        return row

    def beat(self, row: ProbeRunRow, *, in_flight: float, now: dt.datetime, lease: dt.timedelta) -> bool:
        """Renew the lease, note what is in flight; returns whether a cancel was asked for."""
        row.lease_expires_at = now + lease
        row.in_flight_seconds = in_flight
        return row.cancel_requested

    def charge(self, row: ProbeRunRow, seconds: float) -> None:
        """Charge a finished slice; nothing is in flight any more."""
        row.charged_seconds += seconds
        row.in_flight_seconds = 0.0

    def add_trials(self, run_id: str, arms: Sequence[tuple[str, str]]) -> list[ProbeTrialRow]:
        """Waiting trials of these (model, strategy); those that exist are returned as they are."""
        existing = {t.arm: t for t in RunRepository(self._session).trials(run_id)}
        for arm, (model, strategy) in enumerate(arms):
            if arm not in existing:
                trial = ProbeTrialRow(
                    run_id=run_id, arm=arm, model=model, strategy=strategy, status=TrialStatus.WAITING
                )
                self._session.add(trial)
                existing[arm] = trial
        self._session.flush()
        return [existing[arm] for arm in sorted(existing)]

    def add_record(self, run_id: str, attempt: int, number: int, record: Json) -> None:
        """Keep what the scheduler was told."""
        self._session.add(ProbeRecordRow(run_id=run_id, attempt=attempt, number=number, record=dict(record)))

    def records(self, run_id: str) -> list[dict[str, Any]]:
        """Everything that the scheduler was told, in order."""
        query = select(ProbeRecordRow.record).where(ProbeRecordRow.run_id == run_id)
        return list(self._session.scalars(query.order_by(ProbeRecordRow.number)))

    def add_point(self, point: ProbePointRow) -> None:
        """Append a point of a learning curve."""
        self._session.add(point)

    def append_event(self, row: ProbeRunRow, kind: str, data: Json, now: dt.datetime) -> None:
        """Append an event; the caller holds the run's row."""
        RunRepository(self._session)._append(row, kind, data, now)  # noqa: SLF001  # the other half of this file

    def finish(self, row: ProbeRunRow, status: RunStatus, decision: str, now: dt.datetime) -> None:
        """End the run and give the lease back."""
        row.status, row.decision, row.finished_at = status, decision, now
        row.lease_owner, row.lease_expires_at, row.in_flight_seconds, row.now = None, None, 0.0, ""
        self.append_event(row, "done", {"status": status.value, "decision": decision}, now)
