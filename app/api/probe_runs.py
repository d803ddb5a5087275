"""`/probe-run` and `/probe-runs`."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Request
from fastapi.responses import FileResponse, HTMLResponse
from pydantic_core import to_json
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.api.dependencies import (
    Cursor,
    LanguageHere,
    Limit,
    Services,
    ServicesHere,
    decode_cursor,
    encode_cursor,
    invalid_cursor,
    json_response,
)
from app.api.errors import UnknownResourceError
from app.api.pages import run_page
from app.api.probing import create_run
from app.api.schemas.probe_runs import EXAMPLE, ProbeRunRequest
from app.api.schemas.problem import problems
from app.api.schemas.ranking import ArtifactList, Explanations, ProbeRun, ProbeRunPage
from app.documents import Document
from app.explanation_documents import explanations_document
from app.probes.artifact_files import artifact_file
from app.probes.repository import RunRepository, UnknownRunError
from app.probes.states import RunStatus
from app.run_documents import run_document, run_summary

router = APIRouter(tags=["probe"])
RunId = Annotated[str, Path(pattern=r"^run_[0-9a-f]{24}$", description="Id of a probe run.")]


@router.post(
    "/probe-run",
    operation_id="create_probe_run",
    summary="Fine-tune candidates on your data for a limited time",
    status_code=202,
    response_model=ProbeRun,
    responses=problems(404, 413, 415, 422, 503),
)
def create_probe_run(
    request: Annotated[
        ProbeRunRequest,
        Body(openapi_examples={"inline": {"summary": "With the examples in the body", "value": EXAMPLE}}),
    ],
    services: ServicesHere,
    language: LanguageHere,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    ] = None,
) -> Response:
    """Queued at once; its ranking starts from the published figures and improves."""
    run = create_run(request, idempotency_key, language, services)
    return json_response(run_document(run), 202, {"Location": f"/probe-runs/{run.id}"})


@router.get(
    "/probe-runs",
    operation_id="list_probe_runs",
    summary="Probe runs",
    response_model=ProbeRunPage,
    responses=problems(422),
)
def list_probe_runs(
    services: ServicesHere, status: RunStatus | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Newest first."""
    after = decode_cursor(cursor) if cursor else None
    with services.database.read() as session:
        try:
            runs = RunRepository(session).page(
                after=after, limit=limit + 1, status=status.value if status else None
            )
        except UnknownRunError:
            raise invalid_cursor() from None
    shown = runs[:limit]
    following = encode_cursor(shown[-1].id) if len(runs) > limit else None
    return json_response({"items": [run_summary(run) for run in shown], "next_cursor": following})


@router.get(
    "/probe-runs/{run_id}",
    operation_id="get_probe_run",
    summary="A probe run with its ranking so far",
    response_model=ProbeRun,
    responses=problems(404, 422),
)
def get_probe_run(run_id: RunId, services: ServicesHere) -> Response:
    """A run that is out of budget or cancelled keeps the best answer it had."""
    return json_response(_run(run_id, services))


@router.post(
    "/probe-runs/{run_id}/cancel",
    operation_id="cancel_probe_run",
    summary="End a probe run early",
    response_model=ProbeRun,
    responses=problems(404, 409, 422),
)
def cancel_probe_run(run_id: RunId, services: ServicesHere) -> Response:
    """A queued run ends at once, a running one shortly; cancelling twice changes nothing."""
    with services.database.write() as session:
        RunRepository(session).request_cancel(run_id, services.now())
    return json_response(_run(run_id, services))


@router.get(
    "/probe-runs/{run_id}/events",
    operation_id="stream_probe_run_events",
    summary="Events of a probe run as they happen",
    response_class=EventSourceResponse,
    responses=problems(404, 422),
)
async def stream_events(
    run_id: RunId,
    request: Request,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{0,9}$")] = None,
) -> Response:
    """Server-sent `progress`, `point`, `ranking` and `done`; `Last-Event-ID` resumes behind that event."""
    services: Services = request.app.state.services
    after = int(last_event_id or 0)
    if await run_in_threadpool(_is_over, run_id, after, services):
        return Response(status_code=204)  # tells an EventSource not to come back
    return EventSourceResponse(_messages(run_id, after, services))


@router.get(
    "/probe-runs/{run_id}/report",
    operation_id="get_probe_run_report",
    summary="A probe run as a page to look at",
    response_class=HTMLResponse,
    responses=problems(404, 422),
)
def get_report(run_id: RunId, services: ServicesHere, language: LanguageHere) -> Response:
    """Self-contained: no script, nothing loaded from elsewhere."""
    return HTMLResponse(run_page(_run(run_id, services), language))


@router.get(
    "/probe-runs/{run_id}/artifacts",
    operation_id="list_probe_run_artifacts",
    summary="Files of the trained winner",
    response_model=ArtifactList,
    responses=problems(404, 422),
)
def list_artifacts(run_id: RunId, services: ServicesHere) -> Response:
    """Of a run that was asked to refit, once it has ended."""
    return json_response({"items": _artifacts(run_id, services)})


@router.get(
    "/probe-runs/{run_id}/artifacts/{path:path}",
    operation_id="get_probe_run_artifact",
    summary="A file of the trained winner",
    response_class=FileResponse,
    responses=problems(404, 422),
)
def get_artifact(
    run_id: RunId, path: Annotated[str, Path(max_length=500)], services: ServicesHere
) -> Response:
    """Only what the run names is served."""
    file = artifact_file(services.settings.data_dir, run_id, path)
    if path not in {found["path"] for found in _artifacts(run_id, services)} or not file.is_file():
        raise UnknownResourceError("file of a trained model")
    return FileResponse(file, media_type="application/octet-stream", filename=file.name)


@router.get(
    "/probe-runs/{run_id}/explanations",
    operation_id="get_probe_run_explanations",
    summary="What moved the winner's predictions on a few validation examples",
    response_model=Explanations,
    responses=problems(404, 422),
)
def get_explanations(run_id: RunId, services: ServicesHere) -> Response:
    """Of a run that was asked to explain, once it has ended: words of a text or cells of an image."""
    with services.database.read() as session:
        run = RunRepository(session).get(run_id)
        dataset_id = run.dataset_id
    found = explanations_document(services.settings.data_dir, run_id, dataset_id)
    if found is None:
        raise UnknownResourceError("explanation of this run; ask for one with explain")
    return json_response(found)


def _artifacts(run_id: str, services: Services) -> list[dict[str, Any]]:
    with services.database.read() as session:
        refit = RunRepository(session).get(run_id).refit or {}
    found: list[dict[str, Any]] = refit.get("artifacts", [])
    return found


def _run(run_id: str, services: Services) -> Document:
    with services.database.read() as session:
        repository = RunRepository(session)
        return run_document(repository.get(run_id), repository.trials(run_id), repository.points(run_id))


def _is_over(run_id: str, after: int, services: Services) -> bool:
    """Whether the run has ended and this client has seen all of it."""
    with services.database.read() as session:
        run = RunRepository(session).get(run_id)
        return RunStatus(run.status).is_final and after >= run.last_event


async def _messages(run_id: str, after: int, services: Services) -> AsyncIterator[ServerSentEvent]:
    async for event in services.broadcast.events(run_id, after):
        yield ServerSentEvent(data=to_json(event.data).decode(), event=event.kind, id=str(event.number))
