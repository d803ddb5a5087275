"""`/benchmarks` and `/figures`."""

from typing import Annotated

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from app.api.dependencies import (
    DEFAULT_PROJECT,
    Cursor,
    Limit,
    ServicesHere,
    decode_cursor,
    encode_cursor,
    invalid_cursor,
    json_response,
)
from app.api.errors import FieldFault, InvalidRequestError
from app.api.schemas.catalogue import (
    FIGURES_EXAMPLE,
    BenchmarkPage,
    FigurePage,
    ImportReport,
    NewFigure,
    NewFigures,
)
from app.api.schemas.problem import problems
from app.problems import json_pointer
from benchmarks.figures import Benchmark, Figure, FigureKind, InvalidFigureError, Protocol
from benchmarks.repository import FigureFilter, FigureRepository
from benchmarks.rows import StoredFigure
from models_registry.vocabulary import TaskType

router = APIRouter(tags=["figures"])
Filter = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


@router.get(
    "/benchmarks",
    operation_id="list_benchmarks",
    summary="Benchmarks that figures are known for",
    response_model=BenchmarkPage,
    responses=problems(422),
)
def list_benchmarks(
    services: ServicesHere, task_type: TaskType | None = None, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """By name."""
    with services.database.read() as session:
        found = FigureRepository(session).benchmarks()
    after = decode_cursor(cursor) if cursor else ""
    wanted = [b for b in found if b.name > after and task_type in {None, b.task_type}]
    shown = wanted[:limit]
    following = encode_cursor(shown[-1].name) if len(wanted) > limit else None
    return json_response({"items": [_benchmark(b) for b in shown], "next_cursor": following})


@router.get(
    "/figures",
    operation_id="list_figures",
    summary="Figures in the database, each with its source",
    response_model=FigurePage,
    responses=problems(422),
)
def list_figures(
    services: ServicesHere,
    model: Filter = None,
    benchmark: Filter = None,
    protocol: Protocol | None = None,
    kind: FigureKind | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Oldest first."""
    wanted = FigureFilter(
        model=model, benchmark=benchmark, protocol=protocol, kind=kind, project=DEFAULT_PROJECT
    )
    with services.database.read() as session:
        page = FigureRepository(session).page(wanted, after=_row_number(cursor), limit=limit)
    following = None if page.next_after is None else encode_cursor(str(page.next_after))
    return json_response({"items": [_figure(f) for f in page.figures], "next_cursor": following})


@router.post(
    "/figures",
    operation_id="import_figures",
    summary="Import published figures",
    response_model=ImportReport,
    responses=problems(413, 415, 422),
)
def import_figures(
    request: Annotated[
        NewFigures, Body(openapi_examples={"one": {"summary": "One figure", "value": FIGURES_EXAMPLE}})
    ],
    services: ServicesHere,
) -> Response:
    """All or none; those that the database holds already stay as they are."""
    figures = _figures(request.figures)
    with services.database.write() as session:
        report = FigureRepository(session).bulk_import(figures)
    if report.inserted:
        services.snapshots.expire()
    return json_response({"inserted": report.inserted, "unchanged": report.unchanged})


def _figures(sent: tuple[NewFigure, ...]) -> list[Figure]:
    figures, faults = [], []
    for i, new in enumerate(sent):
        try:
            figures.append(Figure(**new.model_dump(), kind=FigureKind.PUBLISHED))
        except InvalidFigureError as error:
            pointer = json_pointer(["figures", i, error.field])
            faults.append(FieldFault(pointer=pointer, detail=error.detail))
    if faults:
        raise InvalidRequestError(faults)
    return figures


def _row_number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    text = decode_cursor(cursor)
    if not text.isdecimal() or len(text) > 18:
        raise invalid_cursor()
    return int(text)


def _benchmark(benchmark: Benchmark) -> dict[str, object]:
    return {
        "name": benchmark.name,
        "task_type": benchmark.task_type.value,
        "modality": benchmark.modality.value,
        "languages": list(benchmark.languages),
        "domain": benchmark.domain.value,
        "metric": benchmark.metric,
        "n_classes": benchmark.n_classes,
        "n_train": benchmark.n_train,
        "suite": benchmark.suite,
        "aliases": list(benchmark.aliases),
        "source": benchmark.source,
    }


def _figure(stored: StoredFigure) -> dict[str, object]:
    figure = stored.figure
    return {
        "id": stored.id,
        "model": figure.model,
        "benchmark": figure.benchmark,
        "metric": figure.metric,
        "value": figure.value,
        "protocol": figure.protocol.value,
        "split": figure.split,
        "std_error": figure.std_error,
        "n_test": figure.n_test,
        "source": figure.source,
        "as_of": figure.as_of.isoformat(),
        "kind": figure.kind.value,
    }
