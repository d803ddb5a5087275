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
    text = "x" * BODY_BYTES
    stored = text.encode()

    @app.post("/recommend")
    def recommend(request: RecommendRequest) -> Response:
        made = {
            "id": f"rec_{secrets.token_hex(12)}",
            "database_version": "speed",
            "language": "en",
            "document": stored,
            "excluded": b"",
            "model_list": None,
            "created_at": dt.datetime.now(dt.UTC),
        }
        with database.write() as session:
            session.execute(insert(RecommendationRow).values(made))
        return Response(text, media_type="application/json")

    return app


def service() -> FastAPI:
    """The service itself."""
    return create_app()
