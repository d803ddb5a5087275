"""Errors are problem documents with JSON pointers, whatever was wrong."""

import importlib
import inspect
import json
import pkgutil
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app as app_package
import benchmarks
import models_registry
from app.problems import MEDIA_TYPE, json_pointer, kind_of
from tests.api.contracts import HOTEL, Contract

NEVER_SERVED = {
    # Offline, or in the worker: none of these can reach a route.
    "app.probes": "the worker's",
    "app.fitting": "offline",
    "app.evaluation": "offline",
    "app.demo": "the command line",
    "app.cli": "the command line",
    "app.importing": "the command line",
    "models_registry.hubs": "the worker's",
    "benchmarks.importers": "offline",
    "benchmarks.external": "the command line",
}
BUGS = {
    "CatalogueError": "the shipped catalogue is broken: nothing that a request could change",
    "MalformedTableError": "the shipped figures are broken: nothing that a request could change",
    "InvalidModelNameError": "told in words by app.naming",
    "UnknownModelError": "told in words by app.naming",
    "AmbiguousModelError": "told in words by app.naming",
    "CurveCalibrationError": "the shipped calibration is broken",
    "LexiconError": "the shipped lexicon is broken",
}


def _modules(package: ModuleType) -> list[str]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    names = [info.name for info in found]
    return [n for n in names if not any(n == p or n.startswith(f"{p}.") for p in NEVER_SERVED)]


def _leaf_errors() -> list[type[Exception]]:
    found: set[type[Exception]] = set()
    for package in (app_package, benchmarks, models_registry):
        for name in [*_modules(package), "app.probes.repository"]:
            for _, item in inspect.getmembers(importlib.import_module(name), inspect.isclass):
                if issubclass(item, Exception) and item.__module__ == name:
                    found.add(item)
    return sorted((e for e in found if not e.__subclasses__()), key=lambda e: e.__name__)


@pytest.mark.parametrize("error", _leaf_errors(), ids=lambda e: e.__name__)
def test_every_error_that_can_reach_a_route_has_its_status(error: type[Exception]) -> None:
    if error.__name__ in BUGS or error.__name__ == "LostLeaseError":
        assert kind_of(error) is None
    else:
        assert kind_of(error) is not None


def pointers(problem: dict[str, Any]) -> set[str]:
    return {error["pointer"] for error in problem["errors"]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/task"),
        ({"task": {}}, "/task"),
        ({"task": {"description": "   "}}, "/task"),
        ({"task": {"type": "sentiment"}}, "/task/type"),
        ({"task": {"type": "text-classification", "metric": "goodness"}}, "/task/metric"),
        ({"task": {"type": "text-classification", "modality": "audio"}}, "/task/modality"),
        ({**HOTEL, "colour": "red"}, "/colour"),
        ({**HOTEL, "data": {"n_examples": -1}}, "/data/n_examples"),
        ({**HOTEL, "data": {"class_counts": {"a/b~c": -1}}}, "/data/class_counts/a~1b~0c"),
        ({**HOTEL, "budget": {"device": "abacus"}}, "/budget/device"),
        ({**HOTEL, "budget": {"train_hours": 1e300}}, "/budget/train_hours"),
        ({**HOTEL, "budget": {"n_devices": 0}}, "/budget/n_devices"),
        ({**HOTEL, "constraints": {"include": ["no/such-model"]}}, "/constraints/include/0"),
        ({**HOTEL, "constraints": {"include": ["../../etc/passwd"]}}, "/constraints/include/0"),
        ({**HOTEL, "constraints": {"hubs": ["attic"]}}, "/constraints/hubs/0"),
        ({**HOTEL, "weights": {"quality": 0.0}}, "/weights"),
        ({**HOTEL, "top_k": 0}, "/top_k"),
        ({**HOTEL, "data": {"dataset_id": "../../etc/passwd"}}, "/dataset_id"),
    ],
)
def test_a_bad_field_is_pointed_at(
    client: TestClient, contract: Contract, body: dict[str, Any], pointer: str
) -> None:
    response = client.post("/recommend", json=body)

    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    contract.holds(response.json(), "post", "/recommend", 422)
    assert pointer in pointers(response.json())


def test_an_unknown_device_is_answered_with_the_known_ones(client: TestClient) -> None:
    response = client.post("/recommend", json={**HOTEL, "budget": {"device": "abacus"}})

    assert "NVIDIA T4" in response.json()["errors"][0]["detail"]


def test_an_unknown_dataset_is_not_found(client: TestClient) -> None:
    response = client.post("/recommend", json={**HOTEL, "data": {"dataset_id": "ds_0123456789abcdef"}})

    assert response.status_code == 404
    assert response.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    "raw", [b"{", b"[1, 2", b"\xff\xfe", b'{"task": NaN}', b'"text"', b"null", b"[" * 5000]
)
def test_a_body_that_is_no_object_is_a_problem(client: TestClient, raw: bytes) -> None:
    response = client.post("/recommend", content=raw, headers={"content-type": "application/json"})

    assert response.status_code in {400, 422}
    assert response.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/recommend", 405),
        ("GET", "/recommendations/rec_000000000000000000000000", 404),
        ("GET", "/recommendations/..%2F..", 404),
        ("GET", "/recommendations/x%00", 422),
        ("GET", "/probe-runs/run_000000000000000000000000", 404),
        ("GET", "/probe-runs/run_000000000000000000000000/events", 404),
        ("POST", "/probe-runs/run_000000000000000000000000/cancel", 404),
        ("GET", "/models/no/such", 404),
        ("GET", "/datasets/ds_0123456789abcdef", 404),
        ("GET", "/datasets/%00", 422),
        ("GET", "/figures?limit=0", 422),
        ("GET", "/figures?cursor=%21", 422),
        ("GET", "/figures?cursor=AAAA", 422),
        ("GET", "/probe-runs?cursor=AAAA", 422),
        ("GET", "/benchmarks?cursor=AAAA", 422),
        ("GET", "/models?cursor=AAAA", 422),
        ("GET", "/figures?model=%00", 422),
        ("GET", "/datasets?cursor=AAAA", 422),
        ("GET", "/models?model=x&limit=100000", 422),
    ],
)
def test_wrong_addresses_are_problems(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["status"] == status


def test_another_media_type_is_unsupported(client: TestClient) -> None:
    response = client.post("/recommend", content=b"<task/>", headers={"content-type": "text/xml"})

    assert response.status_code == 415
    assert response.headers["content-type"] == MEDIA_TYPE


def test_an_endless_body_is_too_large(client: TestClient) -> None:
    response = client.post(
        "/recommend",
        content=(b'{"task": "' + b"x" * 2**20 for _ in range(6)),
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 413
    assert response.headers["content-type"] == MEDIA_TYPE


def test_an_unexpected_failure_says_nothing_of_its_inside(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("app.api.recommending.advise", fail)
    response = client.post("/recommend", json=HOTEL)

    assert response.status_code == 500
    assert response.headers["content-type"] == MEDIA_TYPE
    assert "secret" not in response.text


def test_pointers_escape_what_they_must() -> None:
    assert json_pointer(["a/b", "c~d", 0]) == "/a~1b/c~0d/0"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["task", "data", "budget", "constraints", "weights", "top_k"]
PART_FIELDS = (
    "description type languages metric n_examples n_classes mean_length class_counts dataset_id device "
    "device_memory_gb train_hours max_parameters hubs include"
)
PARTS = st.dictionaries(st.sampled_from(PART_FIELDS.split()), JSON, max_size=4)
RUN_FIELDS = "dataset_id examples task candidates strategies budget stop seed"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(FIELDS), PARTS | JSON, max_size=5) | JSON)
def test_no_body_makes_recommend_fail(client: TestClient, body: object) -> None:
    assert _post(client, "/recommend", body) < 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(
        st.sampled_from(
            ["dataset_id", "examples", "task", "candidates", "strategies", "budget", "stop", "seed"]
        ),
        JSON | st.lists(st.fixed_dictionaries({"text": st.text(), "label": st.text()}), max_size=4),
        max_size=5,
    )
)
def test_no_body_makes_probe_run_fail(client: TestClient, body: object) -> None:
    assert _post(client, "/probe-run", body) < 500


def _post(client: TestClient, path: str, body: object) -> int:
    raw = json.dumps(body).encode()
    return client.post(path, content=raw, headers={"content-type": "application/json"}).status_code
