"""`/models`."""

from bisect import bisect_right
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response

from app.api.dependencies import (
    Cursor,
    Limit,
    ServicesHere,
    decode_cursor,
    encode_cursor,
    json_response,
)
from app.api.errors import UnknownResourceError
from app.api.schemas.catalogue import ModelDocument, ModelPage, NewModel
from app.api.schemas.problem import problems
from models_registry.entry import ModelEntry
from models_registry.repository import ModelRepository
from models_registry.vocabulary import MULTILINGUAL, TaskType

router = APIRouter(tags=["catalogue"])
EXAMPLE = {
    "hub": "local",
    "id": "acme-ticket-encoder",
    "revision": "v1",
    "family": "bert",
    "architecture": "encoder",
    "modality": "text",
    "task_types": ["text-classification"],
    "languages": ["en"],
    "n_parameters": 22713216,
    "n_embedding_parameters": 11917056,
    "embedding_width": 384,
    "n_layers": 6,
    "max_length": 512,
    "forward_flops": 21592320,
    "flops_unit": "token",
    "weights": {"format": "safetensors", "n_bytes": 90852864},
    "licence": "apache-2.0",
    "release_date": "2026-01-31",
    "sources": ["https://example.org/acme-ticket-encoder"],
}


@router.get(
    "/models",
    operation_id="list_models",
    summary="Models that can be recommended",
    response_model=ModelPage,
    responses=problems(422, 503),
)
def list_models(
    services: ServicesHere,
    task_type: TaskType | None = None,
    family: Annotated[str | None, Query(max_length=100)] = None,
    language: Annotated[str | None, Query(max_length=8)] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """By name."""
    after = decode_cursor(cursor) if cursor else ""
    table = services.snapshots.current().base.candidates
    wanted = np.ones(len(table), dtype=bool)
    if task_type is not None:
        wanted &= table.does(task_type)
    if family is not None:
        wanted &= table.facts.families.where(lambda name: name == family)
    if language is not None:
        wanted &= table.facts.languages.where(lambda mine: bool(mine & {language, MULTILINGUAL}))
    wanted[: bisect_right(table.names, after)] = False
    places = wanted.nonzero()[0]
    shown = [table.entries[int(place)] for place in places[:limit]]
    following = encode_cursor(shown[-1].name) if len(places) > limit else None
    return json_response({"items": [_model(entry) for entry in shown], "next_cursor": following})


@router.get(
    "/models/{name:path}",
    operation_id="get_model",
    summary="One model",
    response_model=ModelDocument,
    responses=problems(404, 422, 503),
)
def get_model(
    name: Annotated[
        str,
        Path(
            description="hub:id@revision; parts that leave no doubt may be dropped.",
            examples=["huggingface:google-bert/bert-base-uncased"],
        ),
    ],
    services: ServicesHere,
) -> Response:
    """As the registry describes it."""
    found = services.snapshots.current().naming.find(name)
    if isinstance(found, str):
        raise UnknownResourceError("model")
    return json_response(_model(found))


@router.post(
    "/models",
    operation_id="register_model",
    summary="Register a model of your own",
    status_code=201,
    response_model=ModelDocument,
    responses=problems(409, 413, 415, 422),
)
def register_model(
    request: Annotated[
        NewModel, Body(openapi_examples={"local": {"summary": "A local model", "value": EXAMPLE}})
    ],
    services: ServicesHere,
) -> Response:
    """It takes part in recommendations from then on; the same entry again changes nothing."""
    entry = ModelEntry.model_validate(request.model_dump())
    with services.database.write() as session:
        ModelRepository(session).add(entry)
    services.snapshots.expire()
    return json_response(_model(entry), 201, {"Location": f"/models/{entry.name}"})


def _model(entry: ModelEntry) -> dict[str, object]:
    return {"name": entry.name, **entry.model_dump(mode="json")}
