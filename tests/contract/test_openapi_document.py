"""The OpenAPI document and its pages: complete, runnable, and without anything from the internet."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.conftest import CopyOfShipped

OPERATIONS = {
    "recommend",
    "get_recommendation",
    "list_excluded",
    "get_recommendation_report",
    "create_dataset",
    "list_datasets",
    "get_dataset",
    "compare_datasets",
    "delete_dataset",
    "create_probe_run",
    "get_probe_run_explanations",
    "list_probe_runs",
    "get_probe_run",
    "get_probe_run_artifact",
    "list_probe_run_artifacts",
    "cancel_probe_run",
    "stream_probe_run_events",
    "get_probe_run_report",
    "list_models",
    "get_model",
    "register_model",
    "list_benchmarks",
    "list_figures",
    "import_figures",
    "list_tasks",
    "get_health",
    "get_readiness",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, copy_shipped: CopyOfShipped) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("openapi")
    copy_shipped(folder)
    app = create_app(Settings(data_dir=folder))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, o) for path, item in document["paths"].items() for method, o in item.items()]


def test_operation_ids_are_the_stable_ones(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for _, _, operation in operations(document)} == OPERATIONS


def test_every_operation_has_a_summary_and_a_description(document: dict[str, Any]) -> None:
    assert all(o.get("summary") and o.get("description") for _, _, o in operations(document))


def test_errors_are_documented_as_problems_alone(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {"application/problem+json"}, operation["operationId"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r"#/components/schemas/([\w.-]+)", str(document)))

    assert references <= set(document["components"]["schemas"])


def test_json_bodies_carry_examples_that_run_as_they_stand(
    client: TestClient, document: dict[str, Any]
) -> None:
    ran = 0
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            examples = content["application/json"]["examples"]
            for example in examples.values():
                response = client.request(method, path, json=example["value"])
                assert 200 <= response.status_code < 300, f"{path}: {response.text}"
                ran += 1

    assert ran >= 5


def test_the_interface_page_names_nothing_of_another_host(client: TestClient) -> None:
    page = client.get("/docs").text
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)

    assert links
    assert not re.search(r"https?://", page)
    assert all(client.get(link).status_code == 200 for link in links)


def test_the_validator_badge_is_off(client: TestClient) -> None:
    assert '"validatorUrl": null' in client.get("/docs").text


def test_the_style_sheet_loads_nothing_of_another_host(client: TestClient) -> None:
    sheet = client.get("/static-offline-docs/swagger-ui.css").text

    assert not re.search(r"url\(\s*[\"']?https?:", sheet)
    assert "@import" not in sheet


def test_serving_a_request_imports_no_training_library(tmp_path: Path, copy_shipped: CopyOfShipped) -> None:
    copy_shipped(tmp_path)
    program = textwrap.dedent(
        f"""
        import sys
        from fastapi.testclient import TestClient
        from app.api.probe_runs import EXAMPLE
        from app.main import create_app
        from app.settings import Settings
        from pathlib import Path

        with TestClient(create_app(Settings(data_dir=Path({str(tmp_path)!r})))) as client:
            body = {{"task": {{"description": "classify English reviews"}}}}
            assert client.post("/recommend", json=body).status_code == 200
            assert client.post("/probe-run", json=EXAMPLE).status_code == 202
        heavy = {{"torch", "transformers", "evaluate", "sklearn", "datasets", "onnx"}} & set(sys.modules)
        assert not heavy, heavy
        """
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stderr
