"""An app over a small real database, made by the migrations; its catalogue and figures are real entries."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

os.environ.setdefault("OMP_NUM_THREADS", "1")

from app.api.dependencies import Services
from app.main import create_app
from app.settings import Settings
from tests.api.contracts import Contract
from tests.conftest import CopyOfShipped


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, copy_shipped: CopyOfShipped) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    copy_shipped(folder)
    return Settings(data_dir=folder, poll_seconds=0.05, max_upload_bytes=200_000)


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def services(client: TestClient, app: FastAPI) -> Services:
    found: Services = app.state.services
    return found


@pytest.fixture(scope="session")
def openapi(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False  # so that a field that is not documented is noticed
    return document


@pytest.fixture(scope="session")
def contract(openapi: dict[str, Any]) -> Contract:
    return Contract(openapi)


@pytest.fixture
def reviews_csv(tmp_path: Path) -> bytes:
    good = ["a warm and funny film", "one of the best of the year", "wonderful acting", "a joy to watch"]
    bad = ["dull from start to end", "a waste of two hours", "wooden acting", "walked out of it"]
    rows = ["text,label"]
    for i in range(15):
        rows += [f"{text} {i},{label}" for label, texts in (("good", good), ("bad", bad)) for text in texts]
    return "\n".join(rows).encode()
