"""Events of probe runs to every connection of this process: one poller reads, all connections listen.

A connection reads the database only when it opens. It listens first and reads then, so that nothing falls
between the two; what comes twice is told by its number.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app.db import Database
from app.probes.repository import RunRepository

QUEUE_LENGTH = 1_000
"""Events that a slow connection may lag behind; it is closed then and resumes by Last-Event-ID."""
DONE = "done"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One event of a run.

    Attributes:
        number: Counts per run, from 1.
        kind: `progress`, `point`, `ranking` or `done`.
        data: What happened.
    """

    number: int
    kind: str
    data: dict[str, Any]


Listener = asyncio.Queue[RunEvent | None]


class EventBroadcast:
    """The poller of a process. All methods but `start` and `stop` are called in its event loop."""

    def __init__(self, database: Database, *, interval_seconds: float) -> None:
        self._database = database
        self._interval = interval_seconds
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._seen: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Polls from now on."""
        self._task = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Ends polling and every stream."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for listeners in self._listeners.values():
            for listener in listeners:
                _close(listener)

    async def events(self, run_id: str, after: int) -> AsyncIterator[RunEvent]:
        """Events of the run behind this number, up to and with the one that ends it."""
        with self._listening(run_id) as listener:
            number = after
            for event in await run_in_threadpool(self._read_all, run_id, after):
                number = event.number
                yield event
                if event.kind == DONE:
                    return
            self._seen.setdefault(run_id, number)
            while (event_or_end := await listener.get()) is not None:
                if event_or_end.number > number:
                    number = event_or_end.number
                    yield event_or_end
                if event_or_end.kind == DONE:
                    return

    @contextmanager
    def _listening(self, run_id: str) -> Iterator[Listener]:
        listener: Listener = asyncio.Queue(QUEUE_LENGTH)
        self._listeners[run_id].add(listener)
        try:
            yield listener
        finally:
            self._listeners[run_id].discard(listener)
            if not self._listeners[run_id]:
                del self._listeners[run_id]
                self._seen.pop(run_id, None)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            seen = dict(self._seen)
            if not seen:
                continue
            try:
                found = await run_in_threadpool(self._read_new, seen)
            except SQLAlchemyError as error:
                log.warning("events not read", error=type(error).__name__)  # the next round reads them
                continue
            for run_id, events in found.items():
                self._fan_out(run_id, events)

    def _fan_out(self, run_id: str, events: list[RunEvent]) -> None:
        for event in events:
            if run_id in self._seen:
                self._seen[run_id] = event.number
            for listener in tuple(self._listeners.get(run_id, ())):
                try:
                    listener.put_nowait(event)
                except asyncio.QueueFull:
                    self._listeners[run_id].discard(listener)
                    _close(listener)

    def _read_all(self, run_id: str, after: int) -> list[RunEvent]:
        found: list[RunEvent] = []
        with self._database.read() as session:
            repository = RunRepository(session)
            while rows := repository.events_after(run_id, found[-1].number if found else after):
                found += [RunEvent(number=r.number, kind=r.kind, data=r.data) for r in rows]
        return found

    def _read_new(self, seen: dict[str, int]) -> dict[str, list[RunEvent]]:
        """By run, since numbers are given under the run's lock: row ids may be committed out of order."""
        with self._database.read() as session:
            repository = RunRepository(session)
            return {
                run_id: [
                    RunEvent(number=r.number, kind=r.kind, data=r.data)
                    for r in repository.events_after(run_id, number)
                ]
                for run_id, number in seen.items()
            }


def _close(listener: Listener) -> None:
    """Ends the stream of this listener, whatever waits in it."""
    while not listener.empty():
        listener.get_nowait()
    listener.put_nowait(None)
