"""The worker: leases a run, works on it slice by slice, and persists every result before the next.

Any process may be killed at any time. What is kept with the run (its plan and the records of its scheduler)
is enough for another worker to go on; what is written is fenced by the attempt that the lease gave.
"""

import ctypes
import datetime as dt
import os
import secrets
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from app.db import Database
from app.fits import EmptyDatabaseError
from app.probes.execution import RunExecution
from app.probes.lease import Lease
from app.probes.repository import LeaseRepository, LostLeaseError
from app.settings import Settings
from app.snapshot import SnapshotCache

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The wall clock, the only one that leases and time stamps are made with."""
    return dt.datetime.now(dt.UTC)


class Worker:
    """One worker process."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._snapshots = SnapshotCache(database, settings.fits_dir)
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.stopping = threading.Event()
        self._lease: Lease | None = None

    def stop(self) -> None:
        """End soon: what is at work is interrupted, and left to the next worker."""
        self.stopping.set()
        if self._lease is not None:
            self._lease.interrupted.set()

    def run_once(self) -> bool:
        """Work on one run to its end; False where none was waiting."""
        lease_time = dt.timedelta(seconds=self._settings.lease_seconds)
        with self._database.write() as session:
            row = LeaseRepository(session).acquire(self._owner, self._clock(), lease_time)
        if row is None:
            return False
        log.info("run.leased", run=row.id, attempt=row.attempt)
        self._lease = lease = Lease(self._database, row.id, row.attempt, self._clock, lease_time)
        if row.cancel_requested:  # of a worker that was lost before it noticed
            lease.cancelled.set()
        if row.cancel_requested or self.stopping.is_set():
            lease.interrupted.set()
        self._snapshots.expire()  # the run may name a model that was registered a moment ago
        with lease:
            execution = RunExecution(
                database=self._database,
                settings=self._settings,
                snapshot=self._snapshots.current(),
                lease=lease,
                clock=self._clock,
                stopping=self.stopping,
            )
            try:
                execution.run()
            except LostLeaseError:
                log.warning("run.lost", run=row.id, attempt=row.attempt)
        return True

    def run_until(self, *, idle: bool) -> None:
        """Work until told to stop, or, where `idle`, until nothing is waiting."""
        sweep(self._settings.data_dir)
        with suppress(EmptyDatabaseError):  # there is no run then either
            self._snapshots.current()  # takes seconds, which no run should wait for
        while not self.stopping.is_set():
            if not self.run_once():
                if idle:
                    return
                self.stopping.wait(self._settings.poll_seconds)


def sweep(data_dir: Path, *, older_than_days: float = 7.0) -> None:
    """Remove working folders of runs that ended long ago and were not cleaned up by their worker."""
    runs = data_dir / "runs"
    limit = time.time() - older_than_days * 86_400
    for folder in runs.iterdir() if runs.is_dir() else ():
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)


def work(settings: Settings, *, until_idle: bool = False) -> None:
    """Entry point of `advisor worker`."""
    database = Database(settings.url)
    worker = Worker(database, settings)

    def stop(_signal: int, _frame: object) -> None:
        # In a thread: this one may be interrupted while it holds the lock of the event that is set.
        threading.Thread(target=worker.stop).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _wait_for_schema(database, worker.stopping)
    try:
        worker.run_until(idle=until_idle)
    finally:
        database.close()


def end_with_parent() -> None:
    """This process is told to end when the one that started it is gone, however that ended (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_for_schema(database: Database, stopping: threading.Event) -> None:
    """Wait until the API process (or `advisor migrate`) has made the tables."""
    from app.migrations import is_current

    while not stopping.is_set() and not is_current(database):
        stopping.wait(0.5)
