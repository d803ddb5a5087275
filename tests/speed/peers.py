"""What `/recommend` is measured beside, under the same server: a bare hello-world, and a handler that only
validates the same body, inserts one row of the same shape and returns a body of the same size.
"""

import datetime as dt
import os
import secrets

from fastapi import FastAPI, Response
from sqlalchemy import insert

from app.api.schemas.recommend import RecommendRequest
from app.db import Database
from app.main import create_app
from app.tables import RecommendationRow

BODY_BYTES = int(os.environ.get("SPEED_BODY_BYTES", "20000"))


def hello() -> FastAPI:
    """Bare FastAPI."""
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"hello": "world"}

    return app


def plain() -> FastAPI:
    """Validate, insert, return."""
    app = FastAPI()
    database = Database(os.environ["SPEED_DATABASE_URL"])
    RecommendationRow.metadata.create_all(database.engine)
    content = b'{"text":"' + b"x" * (BODY_BYTES - 11) + b'"}'
    document = {"text": "x" * (BODY_BYTES - 11)}

    @app.post("/recommend")
    def recommend(request: RecommendRequest) -> Response:
        key = secrets.token_hex(32)
        with database.write() as session:
            session.execute(
                insert(RecommendationRow).values(
                    id=f"rec_{key[:24]}",
                    body_sha256=key,
                    language="en",
                    database_version="speed",
                    request=request.model_dump(mode="json"),
                    document=document,
                    created_at=dt.datetime.now(dt.UTC),
                )
            )
        return Response(content, media_type="application/json")

    return app


def service() -> FastAPI:
    """The service itself."""
    return create_app()
