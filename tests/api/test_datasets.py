"""Data sets over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.dependencies import Services
from app.probes.repository import RunRepository
from app.problems import MEDIA_TYPE
from benchmarks.figures import FigureKind
from benchmarks.repository import FigureRepository
from tests.api.contracts import Contract
from tests.factories import make_figure


def upload(client: TestClient, content: bytes, **form: str) -> dict[str, Any]:
    response = client.post(
        "/datasets",
        files={"file": ("reviews.csv", content, "text/csv")},
        data={"task_type": "text-classification", **form},
    )
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"/datasets/{response.json()['id']}"
    document: dict[str, Any] = response.json()
    return document


def test_an_upload_is_profiled_as_documented(
    client: TestClient, contract: Contract, reviews_csv: bytes
) -> None:
    document = upload(client, reviews_csv)

    contract.holds(document, "post", "/datasets", 201)
    assert document["profile"]["class_counts"] == {"bad": 60, "good": 60}
    assert document["n_examples"] == 120


def test_the_same_upload_is_the_same_data_set(client: TestClient, reviews_csv: bytes) -> None:
    assert upload(client, reviews_csv)["id"] == upload(client, reviews_csv)["id"]


def test_a_data_set_is_found_and_listed(client: TestClient, contract: Contract, reviews_csv: bytes) -> None:
    document = upload(client, reviews_csv)
    found = client.get(f"/datasets/{document['id']}").json()
    page = client.get("/datasets").json()

    assert found == document
    assert document["id"] in {item["id"] for item in page["items"]}
    contract.holds(page, "get", "/datasets", 200)


def test_a_recommendation_reads_the_profile(client: TestClient, reviews_csv: bytes) -> None:
    dataset = upload(client, reviews_csv)
    body = {"task": {"description": "film reviews"}, "data": {"dataset_id": dataset["id"]}}
    read = client.post("/recommend", json=body).json()["interpretation"]

    assert read["type"] == "text-classification"
    assert read["languages"] == ["en"]
    assert read["facts"]["n_examples"] == 120


def test_probe_figures_of_the_data_change_the_answer_and_the_version(
    client: TestClient, services: Services, reviews_csv: bytes
) -> None:
    dataset = upload(client, reviews_csv + b"\nanother one,good")
    body = {"task": {"type": "text-classification"}, "data": {"dataset_id": dataset["id"]}, "top_k": 200}
    before = client.post("/recommend", json=body).json()
    row = before["ranking"][20]
    figure = make_figure(
        f"{row['model']['hub']}:{row['model']['id']}",
        dataset["id"],
        0.999,
        kind=FigureKind.PROBE,
        std_error=0.001,
        n_test=24,
    )
    with services.database.write() as session:
        FigureRepository(session).add_probe_figures([figure], dataset_sha256=dataset["sha256"])
    after = client.post("/recommend", json=body).json()

    raised = next(r for r in after["ranking"] if r["model"]["name"] == row["model"]["name"])
    assert raised["rank"] < row["rank"]
    assert after["database"]["version"] != before["database"]["version"]
    assert after["database"]["n_figures"] == before["database"]["n_figures"] + 1


def test_deletion_removes_files_record_and_probe_figures(
    client: TestClient, services: Services, reviews_csv: bytes
) -> None:
    dataset = upload(client, reviews_csv + b"\nto be deleted,bad")
    figure = make_figure("huggingface:a/b", dataset["id"], 0.5, kind=FigureKind.PROBE)
    with services.database.write() as session:
        FigureRepository(session).add_probe_figures([figure], dataset_sha256=dataset["sha256"])
    features = services.settings.data_dir / "features" / dataset["id"]
    features.mkdir(parents=True)

    response = client.delete(f"/datasets/{dataset['id']}")

    assert response.status_code == 204
    assert client.get(f"/datasets/{dataset['id']}").status_code == 404
    assert not (services.settings.data_dir / "datasets" / dataset["id"]).exists()
    assert not features.exists()
    with services.database.read() as session:
        assert FigureRepository(session).probe_figures(dataset["sha256"]) == ()


def test_deletion_leaves_another_data_set_of_the_same_bytes(client: TestClient, services: Services) -> None:
    lines = [f"good film {i},bad sequel {i},{('one', 'two')[i % 2]}" for i in range(40)]
    content = "\n".join(["first,second,label", *lines]).encode()
    gone, kept = (upload(client, content, text_column=column) for column in ("first", "second"))
    for dataset in (gone, kept):
        (services.settings.data_dir / "features" / dataset["id"]).mkdir(parents=True)
        figure = make_figure("huggingface:a/b", dataset["id"], 0.5, kind=FigureKind.PROBE)
        with services.database.write() as session:
            FigureRepository(session).add_probe_figures([figure], dataset_sha256=dataset["sha256"])
    client.delete(f"/datasets/{gone['id']}")
    with services.database.read() as session:
        left = FigureRepository(session).probe_figures(kept["sha256"])

    assert gone["sha256"] == kept["sha256"]
    assert [f.figure.benchmark for f in left] == [kept["id"]]
    assert (services.settings.data_dir / "features" / kept["id"]).is_dir()


def test_a_data_set_in_use_is_kept(client: TestClient, services: Services, reviews_csv: bytes) -> None:
    dataset = upload(client, reviews_csv + b"\nin use,bad")
    with services.database.write() as session:
        run = RunRepository(session).create(
            dataset_id=dataset["id"], request={}, budget_seconds=1.0, body_sha256="", now=services.now()
        )
        run_id = run.id
    refused = client.delete(f"/datasets/{dataset['id']}")
    client.post(f"/probe-runs/{run_id}/cancel")
    accepted = client.delete(f"/datasets/{dataset['id']}")

    assert (refused.status_code, accepted.status_code) == (409, 204)
    assert refused.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"", {}),
        (b"text,label\n", {}),
        (b"text,label\na,x\nb,x\n", {}),
        (b"a,b\n1,2\n", {"text_column": "nowhere"}),
        (b"text,label\nhello,\nworld,\n", {}),
        (b"\x00\x01\x02\x03" * 200, {}),
        (b"text,label\na,x\nb,y\n", {"task_type": "text-to-speech"}),
        (b"text,label\na,x\nb,y\n", {"task_type": "guessing"}),
    ],
)
def test_unusable_data_is_refused_and_nothing_is_left(
    client: TestClient, services: Services, content: bytes, form: dict[str, str]
) -> None:
    folder = services.settings.data_dir / "datasets"
    before = set(folder.iterdir()) if folder.exists() else set()
    response = client.post(
        "/datasets",
        files={"file": ("data.csv", content, "text/csv")},
        data={"task_type": "text-classification", **form},
    )

    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["detail"]
    incoming = folder / ".incoming"
    assert set(folder.iterdir()) - {incoming} == before - {incoming}
    assert list((folder / ".incoming").iterdir()) == []


def test_an_upload_over_the_limit_is_too_large(client: TestClient) -> None:
    content = b"text,label\n" + b"some words,x\nother words,y\n" * 20_000
    response = client.post(
        "/datasets",
        files={"file": ("big.csv", content, "text/csv")},
        data={"task_type": "text-classification"},
    )

    assert response.status_code == 413
    assert response.headers["content-type"] == MEDIA_TYPE


def test_a_body_far_over_the_limit_is_cut_off_before_it_is_stored(client: TestClient) -> None:
    def parts() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 2**17

    response = client.post(
        "/datasets", content=parts(), headers={"content-type": "multipart/form-data; boundary=b"}
    )

    assert response.status_code == 413
    assert response.headers["content-type"] == MEDIA_TYPE


def test_json_where_a_form_is_due_is_unsupported(client: TestClient) -> None:
    assert client.post("/datasets", json={}).status_code == 415
