"""Repeats are answered from memory: the same answer in the same language, as long as it is the answer."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.advice import advise
from app.api.dependencies import Services
from app.api.questions import question_of
from app.api.schemas.recommend import RecommendRequest
from app.question import Question
from app.ranking.phrases import Language
from app.task_profile.reading import read_task
from app.task_profile.words import TaskWords
from tests.api.contracts import HOTEL
from tests.factories import make_entry


@pytest.fixture
def advised(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """The questions that were worked out rather than remembered."""
    asked: list[Question] = []

    def counted(question: Question, *rest: Any) -> Any:
        asked.append(question)
        return advise(question, *rest)

    monkeypatch.setattr("app.api.recommending.advise", counted)
    return asked


def ask(client: TestClient, body: dict[str, Any], language: str = "en") -> bytes:
    response = client.post("/recommend", json=body, headers={"Accept-Language": language})
    assert response.status_code == 200, response.text
    return response.content


def unseen(n_examples: int) -> dict[str, Any]:
    return {**HOTEL, "data": {"n_examples": n_examples}}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_repeat_is_the_stored_answer_and_is_not_worked_out_again(
    client: TestClient, advised: list[Question], language: str
) -> None:
    first, second = (ask(client, unseen(7001), language) for _ in range(2))
    kept = client.get(f"/recommendations/{json.loads(second)['id']}")

    assert len(advised) == 1
    assert first == second == kept.content


def test_a_repeat_in_another_language_is_another_answer(client: TestClient) -> None:
    english, chinese = ask(client, unseen(7002)), ask(client, unseen(7002), "zh")

    assert json.loads(english)["advice"]["text"] != json.loads(chinese)["advice"]["text"]
    assert ask(client, unseen(7002), "zh") == chinese


def test_a_new_model_ends_the_repeats(client: TestClient, services: Services) -> None:
    before = json.loads(ask(client, unseen(7003)))
    entry = make_entry("org/registered-between-repeats", languages=("zh",))
    assert client.post("/models", json=entry.model_dump(mode="json")).status_code == 201
    after = json.loads(ask(client, unseen(7003)))

    assert after["database"]["n_models"] == before["database"]["n_models"] + 1
    assert after["id"] != before["id"]


def test_exclusions_are_paged_in_the_words_of_their_time(client: TestClient, services: Services) -> None:
    given = json.loads(ask(client, unseen(7004)))
    pages = f"/recommendations/{given['id']}/excluded"
    before = client.get(pages, params={"limit": 500}).json()
    entry = make_entry("aaa/first-by-name", languages=("zh",))
    assert client.post("/models", json=entry.model_dump(mode="json")).status_code == 201
    ask(client, unseen(7005))  # the new list of models is in force

    assert client.get(pages, params={"limit": 500}).json() == before


def test_requests_side_by_side_get_the_answers_they_get_alone(app: FastAPI, client: TestClient) -> None:
    asked = [unseen(8000 + i) for i in range(24)]

    async def together() -> list[bytes]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://advisor") as side_by_side:
            responses = await asyncio.gather(*(side_by_side.post("/recommend", json=b) for b in asked))
        return [r.content for r in responses]

    answers = asyncio.run(together())

    assert answers == [ask(client, body) for body in asked]
    assert all(
        client.get(f"/recommendations/{json.loads(answer)['id']}").content == answer for answer in answers
    )


def test_a_body_in_pieces_is_read_whole(client: TestClient) -> None:
    content = json.dumps(unseen(7006)).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    pieces = (content[i : i + 7] for i in range(0, len(content), 7))
    response = client.post("/recommend", content=pieces, headers=headers)

    assert response.content == ask(client, unseen(7006))


@pytest.mark.parametrize(
    "description", ["情感分析：中文酒店评论，两类，6200 条", "classify 20k pairs of questions into 5 classes"]
)
def test_words_beside_other_numbers_are_read_as_if_anew(services: Services, description: str) -> None:
    for data in (
        {},
        {"n_examples": 12, "mean_length": 3.5},
        {"n_classes": 9},
        {"class_counts": {"a": 1, "b": 9}},
    ):
        request = RecommendRequest.model_validate({"task": {"description": description}, "data": data})
        asked = question_of(request, naming=services.snapshots.current().naming, language=Language.ENGLISH)
        fresh = read_task(TaskWords(description=description, **data)).profile

        for name in ("task_type", "languages", "domain", "metric", "n_examples", "n_classes", "mean_length"):
            assert getattr(asked.profile, name) == getattr(fresh, name), (name, data)
