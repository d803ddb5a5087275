"""What routes share: the parts that `create_app` joined, and small readers of headers and cursors."""

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from app.api.broadcast import EventBroadcast
from app.api.errors import InvalidRequestError
from app.committing import GroupCommit
from app.db import Database
from app.ranking.phrases import Language
from app.settings import Settings
from app.snapshot import SnapshotCache

DEFAULT_PROJECT = "default"
"""Whose everything is, until keys tell projects apart."""
_LANGUAGES = frozenset(language.value for language in Language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one app.

    Attributes:
        settings: What the operator set.
        database: Engine and sessions.
        snapshots: What questions are answered from.
        commits: Stores answers.
        broadcast: Events of running probes.
        now: The clock, UTC.
    """

    settings: Settings
    database: Database
    snapshots: SnapshotCache
    commits: GroupCommit
    broadcast: EventBroadcast
    now: Callable[[], dt.datetime]


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _language(accept_language: Annotated[str | None, Header()] = None) -> Language:
    return preferred_language(accept_language)


ServicesHere = Annotated[Services, Depends(_services)]
LanguageHere = Annotated[Language, Depends(_language)]
Cursor = Annotated[
    str | None, Query(max_length=500, pattern=r"^[A-Za-z0-9_=\-]+$", description="`next_cursor` of a page.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="Entries a page.")]


def preferred_language(header: str | None) -> Language:
    """Chinese where an Accept-Language header prefers it to English, else English."""
    best, weight = Language.ENGLISH, 0.0
    for part in (header or "").lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        code, quality = tag.split("-")[0], _quality(parameters)
        if code in _LANGUAGES and quality > weight:  # the first of equals
            best, weight = Language(code), quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def json_response(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The document as JSON; plain dicts are dumped as they are, since tests check their shapes."""
    return Response(to_json(document), status, headers, media_type="application/json")


def encode_cursor(text: str) -> str:
    """An opaque cursor that holds this text."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The text of a cursor.

    Raises:
        InvalidRequestError: It is not one that this service gave out.
    """
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (ValueError, binascii.Error):
        raise invalid_cursor() from None
    if not text.isprintable():  # PostgreSQL takes no NUL in a parameter
        raise invalid_cursor()
    return text


def invalid_cursor() -> InvalidRequestError:
    """For a cursor that this service did not give out."""
    return InvalidRequestError.at("/cursor", "not a cursor of this list; use next_cursor of the page before")
