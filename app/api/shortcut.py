"""The short way of `POST /recommend`: what succeeds is answered before routing, all else goes the long way.

Routing, dependencies and validation by the framework cost half as much again as the answer itself. Whatever
is not an ordinary success (another media type, a fault in the body, an error) is passed on untouched to the
route, which says what is wrong: there is one place that makes problems.
"""

import datetime as dt
from dataclasses import dataclass

from cachetools import LRUCache
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.dependencies import Services, preferred_language
from app.api.recommending import recommend
from app.api.schemas.recommend import RecommendRequest
from app.problems import PROBLEMS

PATH = "/recommend"
MOST_BYTES = 2**16
"""Longer bodies (long lists of models) go the long way."""
KEPT_ANSWERS = 1_024
"""Answers kept for repeats, about 35 KB each."""
_JSON = b"application/json"
_EXPECTED: tuple[type[Exception], ...] = (ValidationError, *PROBLEMS)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer with what must still hold for it to be the answer.

    Attributes:
        body: As it was given.
        version: Of the database.
        until: When its row may be removed.
    """

    body: bytes
    version: str
    until: dt.datetime


class RepeatedAnswers:
    """The newest answers by what was asked, byte for byte."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[bytes, str], _Kept] = LRUCache(KEPT_ANSWERS)

    def find(self, key: tuple[bytes, str], version: str, now: dt.datetime) -> bytes | None:
        """The answer to this question, if it is the same from this version of the database."""
        found = self._kept.get(key)
        if found is None or found.version != version or found.until < now:
            return None
        return found.body

    def keep(self, key: tuple[bytes, str], answer: _Kept) -> None:
        """Remember an answer that is stored; the one not asked for longest is forgotten."""
        self._kept[key] = answer


class RecommendShortcut:
    """Answers `POST /recommend` where all is as it should be; passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answers = RepeatedAnswers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        accept_language = _accept_language(scope)
        if accept_language is None:
            await self._app(scope, receive, send)
            return
        body, messages = await _read(receive)
        answer = await self._answer(body, accept_language, scope) if body else None
        if answer is None:
            await self._app(scope, _again(messages, receive), send)
            return
        head = [(b"content-type", _JSON), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, body: bytes, accept_language: str, scope: Scope) -> bytes | None:
        """The answer; None where the route has something to say."""
        app: Starlette = scope["app"]
        services: Services = app.state.services
        snapshot = services.snapshots.ready()
        if snapshot is None:
            return None
        key, version = (body, accept_language), snapshot.database.version
        found = self._answers.find(key, version, services.now())
        if found is not None:
            return found
        try:
            request = RecommendRequest.model_validate_json(body)
            stored = await recommend(request, preferred_language(accept_language), services)
        except _EXPECTED:
            return None
        if request.data.dataset_id is None:  # else the answer changes with what probes measure
            until = stored.created_at + dt.timedelta(days=services.settings.recommendation_days)
            self._answers.keep(key, _Kept(stored.document, version, until))
        return stored.document


def _accept_language(scope: Scope) -> str | None:
    """The header, empty where there is none; None where the request is not plain JSON of moderate size."""
    media_type, length, language = b"", 0, ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"accept-language":
            language = value.decode("latin-1")
    return language if media_type == _JSON and 0 < length <= MOST_BYTES else None


async def _read(receive: Receive) -> tuple[bytes, list[Message]]:
    """The body, empty where the client left, and the messages that brought it."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body", False):
        messages.append(await receive())
    if messages[-1]["type"] != "http.request":
        return b"", messages
    return b"".join(message["body"] for message in messages), messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Receives these messages once more, then what follows."""
    waiting = iter(messages)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay
