"""Leases, fencing and event numbers of probe runs, against SQLite and, where there is one, PostgreSQL."""

import datetime as dt
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db import Database
from app.probes.lease import Lease
from app.probes.repository import LeaseRepository, LostLeaseError, RunRepository
from app.probes.states import RunStatus, TrialStatus
from app.probes.tables import ProbePointRow, ProbeRunRow
from models_registry.orm import Base

POSTGRES = os.environ.get("ADVISOR_TEST_POSTGRES_URL", "")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LEASE = dt.timedelta(seconds=10)
LATER = NOW + 2 * LEASE


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'advisor.db'}"
        return
    if not POSTGRES:
        pytest.skip("ADVISOR_TEST_POSTGRES_URL is not set")
    schema = f"probes_{uuid.uuid4().hex}"
    engine = create_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    own = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


def queued(database: Database, n: int = 1) -> list[str]:
    ids = []
    for i in range(n):
        with database.write() as session:
            created = NOW + dt.timedelta(microseconds=i)
            row = RunRepository(session).create(
                dataset_id="ds_0", request={}, budget_seconds=60.0, body_sha256="", now=created
            )
            ids.append(row.id)
    return ids


def acquire(database: Database, owner: str = "one", now: dt.datetime = NOW) -> ProbeRunRow | None:
    with database.write() as session:
        return LeaseRepository(session).acquire(owner, now, LEASE)


def held(database: Database) -> Lease:
    row = acquire(database)
    assert row is not None
    return Lease(database, row.id, row.attempt, lambda: NOW, LEASE)


def run(database: Database, run_id: str) -> ProbeRunRow:
    with database.read() as session:
        return RunRepository(session).get(run_id)


def test_of_workers_that_race_for_a_run_one_gets_it(database: Database, url: str) -> None:
    queued(database)
    found: list[str | None] = []
    together = threading.Barrier(6)

    def race(owner: str) -> None:
        own = Database(url)
        together.wait()
        row = acquire(own, owner)
        found.append(None if row is None else row.lease_owner)
        own.close()

    threads = [threading.Thread(target=race, args=(f"worker-{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 6
    assert len([owner for owner in found if owner is not None]) == 1


def test_workers_that_race_for_many_runs_share_them_without_one_twice(database: Database, url: str) -> None:
    ids = queued(database, 8)
    found: list[str] = []

    def race(owner: str) -> None:
        own = Database(url)
        misses = 0
        while misses < 5:  # SKIP LOCKED may pass over a run that another is just leasing
            row = acquire(own, owner)
            if row is None:
                misses += 1
            else:
                found.append(row.id)
        own.close()

    threads = [threading.Thread(target=race, args=(f"worker-{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(ids)


def test_the_oldest_run_is_leased_first(database: Database) -> None:
    first, second = queued(database, 2)

    assert [row and row.id for row in (acquire(database), acquire(database), acquire(database))] == [
        first,
        second,
        None,
    ]


def test_a_run_is_taken_over_only_when_its_lease_has_expired(database: Database) -> None:
    queued(database)
    acquire(database)

    assert acquire(database, "two", NOW + LEASE / 2) is None
    taken = acquire(database, "two", LATER)
    assert taken is not None
    assert (taken.attempt, taken.lease_owner) == (2, "two")


def test_a_heartbeat_keeps_the_lease(database: Database) -> None:
    queued(database)
    lease = held(database)
    with lease.write() as (_, repository, row):
        repository.beat(row, in_flight=0.0, now=LATER, lease=LEASE)

    assert acquire(database, "two", LATER + LEASE / 2) is None


def test_what_a_lost_worker_had_in_flight_is_charged_to_its_last_heartbeat(database: Database) -> None:
    (run_id,) = queued(database)
    lease = held(database)
    with lease.write() as (_, repository, row):
        repository.charge(row, 3.0)
        repository.beat(row, in_flight=4.5, now=NOW, lease=LEASE)
    acquire(database, "two", LATER)
    taken = run(database, run_id)

    assert (taken.charged_seconds, taken.in_flight_seconds) == (7.5, 0.0)


def test_a_charged_slice_is_not_in_flight_any_more(database: Database) -> None:
    (run_id,) = queued(database)
    lease = held(database)
    with lease.write() as (_, repository, row):
        repository.beat(row, in_flight=4.5, now=NOW, lease=LEASE)
    with lease.write() as (_, repository, row):
        repository.charge(row, 5.0)
    acquire(database, "two", LATER)

    assert run(database, run_id).charged_seconds == 5.0


def test_a_worker_whose_run_was_taken_over_cannot_write(database: Database) -> None:
    (run_id,) = queued(database)
    lease = held(database)
    acquire(database, "two", LATER)
    with pytest.raises(LostLeaseError), lease.write() as (_, repository, row):
        repository.charge(row, 5.0)

    assert run(database, run_id).charged_seconds == 0.0


def test_nothing_is_written_to_a_run_that_has_ended(database: Database) -> None:
    queued(database)
    lease = held(database)
    with lease.write() as (_, repository, row):
        repository.finish(row, RunStatus.SUCCEEDED, "done", NOW)

    with pytest.raises(LostLeaseError), lease.write():
        pass


def test_a_transaction_that_fails_leaves_nothing_of_a_slice(database: Database) -> None:
    (run_id,) = queued(database)
    lease = held(database)
    with pytest.raises(ZeroDivisionError):
        fail_half_way(lease)
    with database.read() as session:
        runs = RunRepository(session)
        left = (runs.trials(run_id), runs.points(run_id), runs.events_after(run_id, 0))

    assert left == ([], {}, [])
    assert run(database, run_id).charged_seconds == 0.0


def fail_half_way(lease: Lease) -> None:
    with lease.write() as (_, repository, row):
        (trial,) = repository.add_trials(row.id, [("m", "head")])
        repository.add_point(
            ProbePointRow(trial_id=trial.id, step=0, examples_seen=1, seconds=1.0, loss=None, metric=0.5)
        )
        repository.charge(row, 1.0)
        repository.append_event(row, "point", {}, NOW)
        raise ZeroDivisionError


def test_trials_are_added_once(database: Database) -> None:
    (run_id,) = queued(database)
    arms = [("m", "head"), ("m", "full")]
    lease = held(database)
    for _ in range(2):
        with lease.write() as (_, repository, _):
            repository.add_trials(run_id, arms)
    with database.read() as session:
        trials = RunRepository(session).trials(run_id)

    assert [(t.model, t.strategy) for t in trials] == arms
    assert {t.status for t in trials} == {TrialStatus.WAITING}


def test_event_numbers_have_no_gap_whoever_appends(database: Database, url: str) -> None:
    (run_id,) = queued(database)
    acquire(database)
    n_threads, n_each = 4, 10

    def append(name: str) -> None:
        own = Database(url)
        lease = Lease(own, run_id, 1, lambda: NOW, LEASE)
        for i in range(n_each):
            with lease.write() as (_, repository, row):
                repository.append_event(row, "progress", {"of": name, "i": i}, NOW)
        own.close()

    threads = [threading.Thread(target=append, args=(f"t{i}",)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        numbers = [event.number for event in RunRepository(session).events_after(run_id, 0)]

    assert numbers == list(range(1, n_threads * n_each + 1))


def test_a_cancel_of_a_running_run_is_told_with_the_next_heartbeat(database: Database) -> None:
    (run_id,) = queued(database)
    lease = held(database)
    with database.write() as session:
        RunRepository(session).request_cancel(run_id, NOW)
    with lease.write() as (_, repository, row):
        is_cancelled = repository.beat(row, in_flight=0.0, now=NOW, lease=LEASE)

    assert is_cancelled
    assert run(database, run_id).status == RunStatus.RUNNING


def test_a_cancelled_queued_run_is_never_leased(database: Database) -> None:
    (run_id,) = queued(database)
    with database.write() as session:
        RunRepository(session).request_cancel(run_id, NOW)

    assert acquire(database) is None


def test_only_a_run_that_has_not_ended_uses_its_data(database: Database) -> None:
    (run_id,) = queued(database)
    seen = [uses_data(database)]
    lease = held(database)
    seen.append(uses_data(database))
    with lease.write() as (_, repository, row):
        repository.finish(row, RunStatus.SUCCEEDED, "", NOW)
    seen.append(uses_data(database))

    assert run(database, run_id).status == RunStatus.SUCCEEDED
    assert seen == [True, True, False]


def uses_data(database: Database) -> bool:
    with database.read() as session:
        return RunRepository(session).uses_dataset("ds_0")
