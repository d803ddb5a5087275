"""`/recommend` and `/recommendations`."""

import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Path
from fastapi.responses import HTMLResponse
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
from app.api.pages import recommendation_page
from app.api.recommending import recommend
from app.api.schemas.problem import problems
from app.api.schemas.ranking import ExclusionPage, Recommendation
from app.api.schemas.recommend import ENGLISH_EXAMPLE, EXAMPLE, RecommendRequest
from app.documents import exclusion_rows
from app.exclusions import Exclusions, Listed, ModelList
from app.repository import RecommendationRepository, StoredRecommendation

router = APIRouter(tags=["recommend"])
RecommendationId = Annotated[str, Path(pattern=r"^rec_[0-9a-f]{24}$", description="Id of a recommendation.")]


@router.post(
    "/recommend",
    operation_id="recommend",
    summary="Rank pretrained models for a task, without training",
    response_model=Recommendation,
    responses=problems(404, 413, 415, 422, 503),
)
async def recommend_models(
    request: Annotated[
        RecommendRequest,
        Body(
            openapi_examples={
                "chinese": {"summary": "In Chinese words", "value": EXAMPLE},
                "english": {"summary": "In English words, on a card", "value": ENGLISH_EXAMPLE},
            }
        ),
    ],
    services: ServicesHere,
    language: LanguageHere,
) -> Response:
    """Which model to fine-tune, how, what it costs, and why; `Accept-Language: zh` answers in Chinese."""
    stored = await recommend(request, language, services)
    return Response(stored.document, media_type="application/json")


@router.get(
    "/recommendations/{recommendation_id}",
    operation_id="get_recommendation",
    summary="A recommendation as it was given",
    response_model=Recommendation,
    responses=problems(404, 422),
)
def get_recommendation(recommendation_id: RecommendationId, services: ServicesHere) -> Response:
    """The same body that `POST /recommend` returned."""
    return Response(_find(recommendation_id, services).document, media_type="application/json")


@router.get(
    "/recommendations/{recommendation_id}/excluded",
    operation_id="list_excluded",
    summary="Every model that a recommendation left out, with the reason",
    response_model=ExclusionPage,
    responses=problems(404, 422),
)
def list_excluded(
    recommendation_id: RecommendationId, services: ServicesHere, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Those that came nearest first."""
    start = _offset(cursor)
    end = start + limit
    rows, is_more = _excluded(recommendation_id, start, end, services)
    return json_response({"items": rows, "next_cursor": encode_cursor(str(end)) if is_more else None})


@router.get(
    "/recommendations/{recommendation_id}/report",
    operation_id="get_recommendation_report",
    summary="A recommendation as a page to look at",
    response_class=HTMLResponse,
    responses=problems(404, 422),
)
def get_report(recommendation_id: RecommendationId, services: ServicesHere) -> Response:
    """Self-contained: no script, nothing loaded from elsewhere."""
    stored = _find(recommendation_id, services)
    return HTMLResponse(recommendation_page(json.loads(stored.document), stored.language))


def _excluded(
    recommendation_id: str, start: int, end: int, services: Services
) -> tuple[Sequence[object], bool]:
    """Some of the models left out, and whether there are more."""
    stored = _find(recommendation_id, services)
    if stored.model_list is None:
        rows: list[object] = json.loads(stored.excluded)
        return rows[start:end], end < len(rows)
    exclusions = Exclusions.unpacked(stored.excluded)
    page = exclusions.page(_listed(stored.model_list, services), start, end)
    return exclusion_rows(page), end < len(exclusions)


def _listed(version: str, services: Services) -> Listed:
    """The list of models of this version; the newest is at hand."""
    snapshot = services.snapshots.ready()
    if snapshot is not None and snapshot.models.version == version:
        return snapshot.base.candidates
    with services.database.read() as session:
        return ModelList(RecommendationRepository(session).model_list(version))


def _find(recommendation_id: str, services: Services) -> StoredRecommendation:
    with services.database.read() as session:
        found = RecommendationRepository(session).get(recommendation_id)
    if found is None:
        raise UnknownResourceError("recommendation")
    return found


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    text = decode_cursor(cursor)
    if not text.isdecimal() or len(text) > 9:
        raise invalid_cursor()
    return int(text)
