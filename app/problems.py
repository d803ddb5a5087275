"""Errors as RFC 9457 problems: the one table from error type to status, type and title.

Error types know no HTTP; an error that is not in the table is our own fault and answered with a bare 500.
"""

import http
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.errors import (
    DatasetInUseError,
    FieldFault,
    IdempotencyConflictError,
    InvalidRequestError,
    NotReadyError,
    UnknownResourceError,
    UnsupportedMediaError,
)
from app.datasets.errors import DatasetError
from app.datasets.storage import DatasetNotFoundError
from app.datasets.upload import UploadTooLargeError
from app.fits import EmptyDatabaseError, FitError
from app.probes.repository import RunFinishedError, UnknownRunError
from app.ranking.devices import UnknownDeviceError
from app.ranking.evidence import UnknownFigureError
from app.task_profile.words import TaskConflictError, UnreadableTaskError
from benchmarks.figures import InvalidFigureError
from benchmarks.metrics import METRICS, UnknownMetricError
from models_registry.repository import ModelExistsError
from models_registry.vocabulary import TaskType

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:model-selection-advisor:problem:"
MAX_FAULTS = 50
"""A bulk import may be wrong a thousand times in the same way."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """How errors of a type are answered.

    Attributes:
        status: HTTP status.
        slug: Last part of the type URI.
        title: What all errors of this type have in common.
    """

    status: int
    slug: str
    title: str


INVALID = Kind(422, "invalid-request", "The request cannot be carried out as it is")
PROBLEMS: Mapping[type[Exception], Kind] = MappingProxyType(
    {
        RequestValidationError: INVALID,
        InvalidRequestError: INVALID,
        InvalidFigureError: INVALID,
        UnknownMetricError: INVALID,
        UnknownDeviceError: INVALID,
        TaskConflictError: INVALID,
        UnreadableTaskError: Kind(422, "unreadable-task", "The words name no recognisable task"),
        DatasetError: Kind(422, "unusable-data", "The data cannot be used as it is"),
        UploadTooLargeError: Kind(413, "too-large", "The body is too large"),
        DatasetNotFoundError: Kind(404, "unknown-dataset", "There is no such data set"),
        DatasetInUseError: Kind(409, "dataset-in-use", "A run that has not ended needs the data set"),
        ModelExistsError: Kind(409, "model-exists", "The name is taken by another description"),
        UnknownRunError: Kind(404, "unknown-run", "There is no such run"),
        RunFinishedError: Kind(409, "run-finished", "The run has ended"),
        IdempotencyConflictError: Kind(
            422, "idempotency-conflict", "The Idempotency-Key was used with another body"
        ),
        UnknownResourceError: Kind(404, "not-found", "There is no such resource"),
        UnknownFigureError: Kind(404, "unknown-figure", "No such figure bears on the ranking"),
        UnsupportedMediaError: Kind(415, "unsupported-media-type", "The body is of another kind"),
        EmptyDatabaseError: Kind(503, "no-evidence", "There are no models or figures to answer from"),
        FitError: Kind(503, "no-fit", "The figures could not be fitted to"),
        NotReadyError: Kind(503, "not-ready", "The service cannot answer yet"),
    }
)
_OF_STATUS = MappingProxyType(
    {
        400: Kind(400, "unreadable-body", "The body cannot be read"),
        404: Kind(404, "not-found", "There is no such resource"),
        405: Kind(405, "method-not-allowed", "The resource does not answer this method"),
        413: Kind(413, "too-large", "The body is too large"),
        415: Kind(415, "unsupported-media-type", "The body is of another kind"),
    }
)
_INTERNAL = Kind(500, "internal", "The service failed")


def kind_of(error_type: type[BaseException]) -> Kind | None:
    """How errors of this type are answered: by its own entry or its nearest base's; None if by none."""
    for ancestor in error_type.__mro__:
        if issubclass(ancestor, Exception) and ancestor in PROBLEMS:
            return PROBLEMS[ancestor]
    return None


def install_problem_handlers(app: FastAPI) -> None:
    """Every error of this app is answered with a problem document."""
    for error_type in PROBLEMS:
        app.add_exception_handler(error_type, _answer)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unexpected)


def problem_response(
    kind: Kind,
    *,
    detail: str | None = None,
    faults: Sequence[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The problem document as a response."""
    body: dict[str, Any] = {"type": TYPE_PREFIX + kind.slug, "title": kind.title, "status": kind.status}
    if detail:
        body["detail"] = detail
    if faults or kind.status == http.HTTPStatus.UNPROCESSABLE_ENTITY:
        body["errors"] = [{"pointer": f.pointer, "detail": f.detail} for f in faults[:MAX_FAULTS]]
    return Response(to_json(body), kind.status, headers, media_type=MEDIA_TYPE)


def json_pointer(parts: Iterable[str | int]) -> str:
    """These steps as an RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def faults_of(error: Exception) -> tuple[FieldFault, ...]:  # noqa: PLR0911  (one line a type)
    """What is wrong where, as far as the error knows."""
    match error:
        case RequestValidationError():
            return tuple(_validation_fault(e) for e in error.errors())
        case InvalidRequestError():
            return error.faults
        case DatasetError():
            return (FieldFault(pointer=error.pointer, detail=f"{error.detail} {error.remedy}"),)
        case UnreadableTaskError():
            return _task_faults(error)
        case TaskConflictError():
            detail = f"{error.type} works on {error.expected}; leave modality out or change the type"
            return (FieldFault(pointer="/task/modality", detail=detail),)
        case UnknownMetricError():
            detail = f"no such metric; the names are {', '.join(METRICS)}"
            return (FieldFault(pointer="/task/metric", detail=detail),)
        case UnknownDeviceError():
            detail = f"no such device; the names are {', '.join(error.known)}"
            return (FieldFault(pointer="/budget/device", detail=detail),)
        case InvalidFigureError():
            return (FieldFault(pointer=json_pointer([error.field]), detail=error.detail),)
        case IdempotencyConflictError():
            detail = "use a new key for a new request, or repeat the body that the key was first used with"
            return (FieldFault(pointer="", detail=detail),)
        case _:
            return ()


def detail_of(error: Exception) -> str | None:  # noqa: PLR0911
    """One sentence on this occurrence; None where the title says it all."""
    match error:
        case UploadTooLargeError() | DatasetNotFoundError():
            return f"{error.detail} {error.remedy}"
        case UnknownResourceError():
            return f"There is no {error.kind} of this id."
        case DatasetInUseError():
            return "Cancel the run, or wait for its end; GET /probe-runs lists runs."
        case RunFinishedError():
            return f"It is {error.status} and can no longer be cancelled."
        case IdempotencyConflictError():
            return f"It belongs to {error.run_id}."
        case UnsupportedMediaError():
            return f"Send {error.wanted}."
        case UnreadableTaskError():
            return "Name the task in the description (for example: sentiment analysis), or give its type."
        case _:
            faults = faults_of(error)
            return faults[0].detail if len(faults) == 1 else None


def _validation_fault(error: Mapping[str, Any]) -> FieldFault:
    where, *steps = error["loc"]
    if error["type"] == "json_invalid":
        return FieldFault(pointer="", detail=f"not JSON, from character {steps[0] if steps else 0} on")
    if error["type"] == "extra_forbidden":
        return FieldFault(pointer=json_pointer(steps), detail="there is no such field")
    detail = str(error["msg"])
    if where != "body":
        detail = f"{where} parameter: {detail}"
    return FieldFault(pointer=json_pointer(steps), detail=detail)


def _task_faults(error: UnreadableTaskError) -> tuple[FieldFault, ...]:
    said = FieldFault(pointer="/task/description", detail="names no recognisable task")
    perhaps = [FieldFault(pointer="/task/type", detail=f"perhaps {near.value}") for near in error.nearest]
    every = FieldFault(pointer="/task/type", detail=f"one of: {', '.join(TaskType)}")
    return (said, *(perhaps or [every]))


def _answer(request: Request, error: Exception) -> Response:  # noqa: ARG001  (the handler's signature)
    kind = kind_of(type(error)) or _INTERNAL
    return problem_response(kind, detail=detail_of(error), faults=faults_of(error))


def _answer_http(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, HTTPException):
        raise error
    phrase = http.HTTPStatus(error.status_code).phrase
    kind = _OF_STATUS.get(error.status_code, Kind(error.status_code, "http", phrase))
    return problem_response(kind, headers=error.headers)


def _answer_unexpected(request: Request, error: Exception) -> Response:
    # The message may quote the user's data: the type is enough to find the fault, the body says nothing.
    log.error("request failed", path=request.scope.get("path"), error=type(error).__name__)
    return problem_response(_INTERNAL)
