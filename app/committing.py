"""Answers stored a few at a time: one transaction for all that came in while the last was written.

An answer is given once it is committed, never before. A transaction costs as much as several rows, so that
requests that come in side by side share one; a lone request waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

import structlog

from app.db import Database
from app.repository import NewRecommendation, RecommendationRepository, StoredRecommendation

MOST_TOGETHER = 64
"""Answers a transaction: it shall not hold SQLite's one write lock for long."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class _Waiting:
    made: NewRecommendation
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[StoredRecommendation | None]


class GroupCommit:
    """One thread that stores answers for coroutines."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Waiting] = deque()
        self._calls: SimpleQueue[bool] = SimpleQueue()
        self._thread = Thread(target=self._work, name="group-commit", daemon=True)

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def stop(self) -> None:
        """Store what waits, then end."""
        self._calls.put(False)
        self._thread.join()

    async def store(self, made: NewRecommendation) -> StoredRecommendation | None:
        """The answer is committed.

        Returns:
            What was stored under this id before; None where this is the first.

        Raises:
            SQLAlchemyError: It could not be stored.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(made, loop, loop.create_future())
        self._waiting.append(waiting)
        # Not at once: the requests that are being answered in the same turn of the loop come along.
        loop.call_soon(self._calls.put, True)
        return await waiting.future

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            goes_on = self._calls.get()
            while not self._calls.empty():
                goes_on &= self._calls.get()
            while self._waiting:
                n = min(len(self._waiting), MOST_TOGETHER)
                self._commit([self._waiting.popleft() for _ in range(n)])

    def _commit(self, together: Sequence[_Waiting]) -> None:
        error: Exception | None = None
        taken: dict[str, StoredRecommendation] = {}
        try:
            with self._database.write() as session:
                taken = RecommendationRepository(session).add([w.made for w in together])
        except Exception as caught:  # noqa: BLE001  (each waiting request is told)
            if len(together) > 1:  # one that cannot be stored shall not fail the others
                for waiting in together:
                    self._commit([waiting])
                return
            error = caught
        for loop in {waiting.loop for waiting in together}:
            mine = [w for w in together if w.loop is loop]
            try:
                loop.call_soon_threadsafe(_settle, mine, taken, error)
            except RuntimeError:  # the loop was closed: nobody waits any longer
                log.warning("answers stored for nobody", n=len(mine))


def _settle(
    together: Sequence[_Waiting], taken: dict[str, StoredRecommendation], error: Exception | None
) -> None:
    for waiting in together:
        if waiting.future.done():  # cancelled: the caller has gone
            continue
        if error is None:
            waiting.future.set_result(taken.get(waiting.made.id))
        else:
            waiting.future.set_exception(error)
