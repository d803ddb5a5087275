"""Bodies of a media type that no route reads are refused before anything is read."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import UnsupportedMediaError
from app.problems import PROBLEMS, detail_of, problem_response

JSON = "application/json"
FORM = "multipart/form-data"
_WANTED = {"/datasets": FORM}


class MediaTypeGate:
    """Answers 415 where a POST carries something else than its route reads; all else passes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        error = _refused(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if error is None:
            await self._app(scope, receive, send)
            return
        kind = PROBLEMS[UnsupportedMediaError]
        await problem_response(kind, detail=detail_of(error))(scope, receive, send)


def _refused(scope: Scope) -> UnsupportedMediaError | None:
    headers = Headers(scope=scope)
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return None  # no body: the route says what it misses
    wanted = _WANTED.get(scope["path"], JSON)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == JSON or (media_type.startswith("application/") and media_type.endswith("+json"))
    fits = media_type == FORM if wanted == FORM else is_json
    return None if fits else UnsupportedMediaError(wanted)
