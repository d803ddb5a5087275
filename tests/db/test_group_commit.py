"""Answers that come in together are committed together, and none is given before it is committed."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from app.committing import GroupCommit
from app.db import Database
from app.migrations import upgrade
from app.repository import ModelListSource, NewRecommendation, RecommendationRepository, StoredRecommendation

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    upgrade(url)
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def commits(database: Database) -> Iterator[GroupCommit]:
    commits = GroupCommit(database)
    commits.start()
    yield commits
    commits.stop()


def answer(number: int) -> NewRecommendation:
    return NewRecommendation(
        id=f"rec_{number:024x}",
        database_version="1",
        language="en",
        document=b'{"number": %d}' % number,
        excluded=b"{}",
        models=ModelListSource(version="models", packed=lambda: b"[]"),
        created_at=NOW,
    )


def stored(number: int, database: Database) -> StoredRecommendation | None:
    with database.read() as session:
        return RecommendationRepository(session).get(answer(number).id)


def test_answers_that_wait_for_one_transaction_share_the_next(
    database: Database, commits: GroupCommit
) -> None:
    begun: list[object] = []
    event.listen(database.engine, "commit", begun.append)

    async def ask() -> None:
        with database.write():  # nobody else can write meanwhile
            waiting = [asyncio.ensure_future(commits.store(answer(i))) for i in range(20)]
            await asyncio.sleep(0.2)
            assert not any(w.done() for w in waiting)
        await asyncio.gather(*waiting)

    asyncio.run(ask())

    assert len(begun) <= 3  # the one that held them up, the first of them, all others
    assert all(stored(i, database) is not None for i in range(20))


def test_an_answer_given_before_is_returned_as_it_was_stored(
    database: Database, commits: GroupCommit
) -> None:
    async def ask() -> list[StoredRecommendation | None]:
        first = await commits.store(answer(1))
        later = replace(answer(1), created_at=NOW + dt.timedelta(days=1))
        return [first, await commits.store(later)]

    first, second = asyncio.run(ask())

    assert first is None
    assert second == stored(1, database)
    assert second is not None
    assert second.created_at == NOW


def test_an_answer_that_cannot_be_stored_fails_alone(database: Database, commits: GroupCommit) -> None:
    bad = replace(answer(2), language=None)  # type: ignore[arg-type]

    async def ask() -> list[object]:
        with database.write():
            answers = (answer(0), answer(1), bad, answer(3))
            waiting = [asyncio.ensure_future(commits.store(made)) for made in answers]
            await asyncio.sleep(0.1)
        return await asyncio.gather(*waiting, return_exceptions=True)

    results = asyncio.run(ask())

    assert [isinstance(r, SQLAlchemyError) for r in results] == [False, False, True, False]
    assert [stored(i, database) is not None for i in range(4)] == [True, True, False, True]


def test_stopping_stores_what_waits(database: Database) -> None:
    commits = GroupCommit(database)

    async def ask() -> None:
        waiting = [asyncio.ensure_future(commits.store(answer(i))) for i in range(5)]
        await asyncio.sleep(0)  # all are in the queue
        commits.start()
        await asyncio.to_thread(commits.stop)
        await asyncio.gather(*waiting)

    asyncio.run(ask())

    assert all(stored(i, database) is not None for i in range(5))


def test_lists_of_models_go_with_the_last_answer_that_needs_them(
    database: Database, commits: GroupCommit
) -> None:
    asyncio.run(commits.store(answer(1)))
    with database.write() as session:
        assert RecommendationRepository(session).model_list("models") == b"[]"
        assert RecommendationRepository(session).delete_before(NOW) == 0
        assert RecommendationRepository(session).delete_before(NOW + dt.timedelta(seconds=1)) == 1
    with database.read() as session, pytest.raises(SQLAlchemyError):
        RecommendationRepository(session).model_list("models")
