"""`/healthz` and `/readyz`."""

from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from app.api.dependencies import ServicesHere, json_response
from app.api.errors import NotReadyError
from app.api.schemas.problem import problems
from app.api.schemas.ranking import Health, Readiness
from app.documents import database_document

router = APIRouter(tags=["health"])


@router.get(
    "/healthz", operation_id="get_health", summary="Whether the process answers", response_model=Health
)
async def get_health(request: Request) -> Response:
    """Says nothing of the database."""
    return json_response({"status": "ok", "version": request.app.version})


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="Whether questions can be answered",
    response_model=Readiness,
    responses=problems(503),
)
def get_readiness(services: ServicesHere) -> Response:
    """The database answers and holds models and figures."""
    try:
        snapshot = services.snapshots.current()
    except SQLAlchemyError as error:
        raise NotReadyError from error
    return json_response({"status": "ready", "database": database_document(snapshot.database)})
