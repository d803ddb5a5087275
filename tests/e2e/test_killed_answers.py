"""An answer that was given can be read again, whatever happened to the process that gave it."""

import signal
import threading
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Service

pytestmark = pytest.mark.slow
KILLED_AFTER = 300
CLIENTS = 4


def ask_on(service: Service, number: int, given: list[bytes], enough: threading.Event) -> None:
    with httpx.Client(base_url=service.client.base_url, timeout=30, trust_env=False) as client:
        for i in range(10_000):
            body: dict[str, Any] = {
                "task": {"description": "Sentiment of English movie reviews, two classes"},
                "data": {"n_examples": 100 + CLIENTS * i + number},
            }
            try:
                response = client.post("/recommend", json=body)
            except httpx.TransportError:
                return  # the server was killed
            assert response.status_code == 200, response.text
            given.append(response.content)
            if len(given) >= KILLED_AFTER:
                enough.set()


def test_every_answer_given_before_a_kill_is_there_after_it(serve: Serve) -> None:
    service = serve()
    given: list[bytes] = []
    enough = threading.Event()
    clients = [
        threading.Thread(target=ask_on, args=(service, number, given, enough)) for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    assert enough.wait(120)
    service.end(signal.SIGKILL)
    for client in clients:
        client.join()
    service.start()
    assert len(given) >= KILLED_AFTER
    for content in given:
        recommendation_id = content.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode()
        assert service.client.get(f"/recommendations/{recommendation_id}").content == content
