"""Problem documents in OpenAPI."""

from typing import Any

from app.api.schemas.base import ResponseModel

PROBLEM_MEDIA_TYPE = "application/problem+json"
_DESCRIPTIONS = {
    404: "There is no such resource.",
    409: "The state of the resource forbids it.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    422: "The request cannot be carried out; `errors` says where and why.",
    503: "The service cannot answer yet.",
}


class ProblemError(ResponseModel):
    """One thing wrong with a request."""

    pointer: str
    detail: str


class Problem(ResponseModel):
    """An error as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemError] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its `responses`."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses}
