"""Services for the tests of the whole way; each is stopped at the end, whatever happened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import CopyOfShipped
from tests.e2e.serving import MODELS_DIR, Service, link_models

Serve = Callable[..., Service]


@pytest.fixture(scope="module")
def models_dir() -> Path:
    """The fetched weights."""
    if not (MODELS_DIR / "package-index").is_dir():
        pytest.skip(f"no weights in {MODELS_DIR}: `make weights` fetches them")
    return MODELS_DIR


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory, copy_shipped: CopyOfShipped) -> Iterator[Serve]:
    """Makes services with settings of their own."""
    made: list[Service] = []

    def start(*, with_models: bool = False, **environment: str) -> Service:
        data_dir = tmp_path_factory.mktemp("service")
        copy_shipped(data_dir)
        if with_models:
            link_models(data_dir)
        service = Service(data_dir, **environment)
        made.append(service)
        service.start()
        return service

    yield start
    for service in made:
        service.close()
