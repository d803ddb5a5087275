"""A worker's hold on a run: renewed in the background, checked before every write."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import Database
from app.probes.repository import LeaseRepository, LostLeaseError
from app.probes.tables import ProbeRunRow

log = structlog.get_logger(__name__)

BEATS_A_LEASE = 4
"""Heartbeats in one lease time: three may be lost before the lease is."""


class Lease:
    """Renews the lease of a run while it is open; tells when it is lost or a cancel was asked for.

    Thread-safe: the heartbeat runs in a thread of its own and touches only events and the meter.
    """

    def __init__(
        self,
        database: Database,
        run_id: str,
        attempt: int,
        clock: Callable[[], dt.datetime],
        duration: dt.timedelta,
    ) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self.lost = threading.Event()
        self.cancelled = threading.Event()
        self.interrupted = threading.Event()  # set together with either, and where the worker is to end
        self._database = database
        self._clock = clock
        self._duration = duration
        self._closed = threading.Event()
        self._began = time.monotonic()
        self._slice_began: float | None = None
        self._n_devices = 1
        self._thread = threading.Thread(target=self._beat_until_closed, name=f"lease-{run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join(timeout=10)

    @property
    def held_seconds(self) -> float:
        """How long this worker has had the run."""
        return time.monotonic() - self._began

    @contextmanager
    def metered(self, n_devices: int = 1) -> Iterator[None]:
        """Time of so many devices is being used: heartbeats note how much is in flight."""
        self._n_devices = n_devices
        self._slice_began = time.monotonic()
        try:
            yield
        finally:
            self._slice_began = None

    def settle(self) -> None:
        """What was in flight is charged by the open transaction: no later heartbeat may note it again."""
        self._slice_began = None

    @contextmanager
    def write(self) -> Iterator[tuple[Session, LeaseRepository, ProbeRunRow]]:
        """A write transaction in which the run is held; nothing is written by a worker that lost it.

        Raises:
            LostLeaseError: Another worker has it.
        """
        with self._database.write() as session:
            repository = LeaseRepository(session)
            yield session, repository, repository.hold(self.run_id, self.attempt)

    def _beat_until_closed(self) -> None:
        pause = self._duration.total_seconds() / BEATS_A_LEASE
        while not self._closed.wait(pause):
            try:
                self._beat()
            except LostLeaseError:
                self.lost.set()
                self.interrupted.set()
                return
            except SQLAlchemyError as error:  # the database may be away for a moment; the lease decides
                log.warning("lease.beat_failed", run=self.run_id, error=type(error).__name__)

    def _beat(self) -> None:
        with self.write() as (_, repository, row):
            began = self._slice_began  # read while the run is held: see `settle`
            in_flight = 0.0 if began is None else (time.monotonic() - began) * self._n_devices
            if repository.beat(row, in_flight=in_flight, now=self._clock(), lease=self._duration):
                self.cancelled.set()
                self.interrupted.set()
