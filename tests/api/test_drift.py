"""`GET /datasets/{id}/drift`: two uploads beside each other."""

import random
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.dependencies import Services
from app.probes.repository import RunRepository
from app.probes.states import RunStatus
from app.problems import MEDIA_TYPE
from tests.api.contracts import Contract
from tests.images import image_bytes, write_zip

FILMS = ["film", "plot", "actor", "scene", "camera", "script", "story", "drama", "music", "cast", "comedy"]
PHONES = ["battery", "screen", "charger", "signal", "price", "cable", "warranty", "button", "speaker", "case"]


def table(words: list[str], *, seed: int, n: int = 400, positive: float = 0.5) -> bytes:
    draw = random.Random(seed)
    rows = ["text,label"]
    for _ in range(n):
        label = "good" if draw.random() < positive else "bad"
        rows.append(f"{label} {' '.join(draw.choices(words, k=8))},{label}")
    return "\n".join(rows).encode()


def upload(client: TestClient, content: bytes, **form: str) -> str:
    response = client.post(
        "/datasets",
        files={"file": ("data.csv", content, "text/csv")},
        data={"task_type": "text-classification", **form},
    )
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def compare(client: TestClient, earlier: str, later: str, **headers: str) -> dict[str, Any]:
    response = client.get(f"/datasets/{earlier}/drift", params={"later_dataset_id": later}, headers=headers)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


@pytest.fixture(scope="module")
def films(client: TestClient) -> str:
    return upload(client, table(FILMS, seed=1))


def test_more_of_the_same_needs_no_new_probe(client: TestClient, contract: Contract, films: str) -> None:
    document = compare(client, films, upload(client, table(FILMS, seed=2)))

    contract.holds(document, "get", "/datasets/{dataset_id}/drift", 200)
    assert document["recommendation"]["action"] == "keep"
    assert not document["drifted"]
    assert document["telling_words"] == []


def test_other_texts_ask_for_a_new_probe_and_are_told_by_their_words(
    client: TestClient, contract: Contract, films: str
) -> None:
    document = compare(client, films, upload(client, table(PHONES, seed=3)))

    contract.holds(document, "get", "/datasets/{dataset_id}/drift", 200)
    assert document["recommendation"]["action"] == "probe_again"
    assert document["inputs"]["size"] == "marked"
    assert document["inputs"]["low"] <= document["inputs"]["value"] <= document["inputs"]["high"]
    assert {word["word"] for word in document["telling_words"]} <= {*FILMS, *PHONES}
    assert document["telling_words"]
    assert document["labels"]["size"] == "none"


def test_other_shares_of_labels_are_told_from_other_texts(client: TestClient, films: str) -> None:
    document = compare(client, films, upload(client, table(FILMS, seed=4, positive=0.9)))

    assert document["labels"]["size"] == "marked"
    assert document["label_shares"][0]["later_share"] != document["label_shares"][0]["earlier_share"]
    assert document["recommendation"]["action"] == "probe_again"


def test_a_new_class_asks_for_a_new_probe(client: TestClient, films: str) -> None:
    more = table(FILMS, seed=5) + b"".join(b"\nno idea what this is %d,mixed" % i for i in range(20))
    document = compare(client, films, upload(client, more))

    assert document["new_classes"] == {"mixed": 20}
    assert document["recommendation"]["action"] == "probe_again"


def test_few_examples_are_not_called_steady(client: TestClient, films: str) -> None:
    document = compare(client, films, upload(client, table(FILMS, seed=6, n=30)))

    assert document["recommendation"]["action"] == "collect_more"
    assert document["inputs"]["size"] == "unclear"


def test_copies_and_their_changed_labels_are_counted(client: TestClient, films: str) -> None:
    lines = table(FILMS, seed=1).decode().splitlines()
    swapped = [
        line.replace(",good", ",?").replace(",bad", ",good").replace(",?", ",bad") for line in lines[1:]
    ]
    document = compare(client, films, upload(client, "\n".join([lines[0], *swapped]).encode()))

    assert document["copies"] == {"n": 400, "share": 1.0, "n_relabelled": 400}
    assert document["recommendation"]["action"] == "probe_again"


def test_the_same_two_data_sets_get_the_same_answer(client: TestClient, films: str) -> None:
    later = upload(client, table(PHONES, seed=7))

    assert compare(client, films, later) == compare(client, films, later)


def test_the_answer_is_in_the_language_asked_for(client: TestClient, films: str) -> None:
    document = compare(client, films, upload(client, table(PHONES, seed=3)), **{"Accept-Language": "zh"})
    sentences = [document["recommendation"]["text"], document["inputs"]["text"], document["lengths"]["text"]]

    assert all(re.search(r"[\u4e00-\u9fff]", sentence) for sentence in sentences)


def test_the_last_run_is_named_with_what_the_change_means_for_it(
    client: TestClient, services: Services, contract: Contract
) -> None:
    earlier = upload(client, table(FILMS, seed=8))
    steady, other = upload(client, table(FILMS, seed=9)), upload(client, table(PHONES, seed=10))
    before = compare(client, earlier, steady)["last_run"]
    with services.database.write() as session:
        run = RunRepository(session).create(
            dataset_id=earlier, request={}, budget_seconds=1.0, body_sha256="", now=services.now()
        )
        run.status, run.finished_at = RunStatus.SUCCEEDED, services.now()
        score = {"metric": "accuracy", "mean": 0.9, "low": 0.85, "high": 0.93, "level": 0.8}
        run.ranking = [{"model": {"name": "hub:a/b@1", "id": "a/b"}, "strategy": "full", "score": score}]
        run_id = run.id
    after, changed = compare(client, earlier, steady), compare(client, earlier, other)

    contract.holds(changed, "get", "/datasets/{dataset_id}/drift", 200)
    assert before is None
    assert (after["last_run"]["id"], after["last_run"]["score"]) == (run_id, score)
    assert "speaks against" in after["last_run"]["text"]
    assert "neither the score nor the choice" in changed["last_run"]["text"]


def test_a_last_run_that_a_blend_won_is_named_too(
    client: TestClient, services: Services, contract: Contract
) -> None:
    earlier, later = upload(client, table(FILMS, seed=11)), upload(client, table(FILMS, seed=12))
    with services.database.write() as session:
        run = RunRepository(session).create(
            dataset_id=earlier, request={}, budget_seconds=1.0, body_sha256="", now=services.now()
        )
        run.status, run.finished_at = RunStatus.SUCCEEDED, services.now()
        score = {"metric": "accuracy", "mean": 0.9, "low": 0.85, "high": 0.93, "level": 0.8}
        model = {"name": "ensemble:a+b", "id": "a + b"}
        run.ranking = [{"model": model, "strategy": "ensemble", "score": score}]
    document = compare(client, earlier, later)

    contract.holds(document, "get", "/datasets/{dataset_id}/drift", 200)
    assert document["last_run"]["strategy"] == "ensemble"
    assert "weighted mean of several models" in document["last_run"]["text"]


def test_images_are_compared_by_their_labels_and_this_is_said(client: TestClient, tmp_path: Path) -> None:
    def images(n_cold: int, seed: int) -> str:
        kinds = [0] * n_cold + [1] * 60
        files = {
            f"{('cold', 'warm')[kind]}/{i}.png": image_bytes(kind, seed + i, side=8)
            for i, kind in enumerate(kinds)
        }
        content = write_zip(tmp_path / f"{seed}.zip", files).read_bytes()
        response = client.post(
            "/datasets",
            files={"file": ("images.zip", content, "application/zip")},
            data={"task_type": "image-classification"},
        )
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    document = compare(client, images(60, 0), images(6, 1_000))

    assert (document["inputs"], document["lengths"]) == (None, None)
    assert document["labels"]["size"] == "marked"
    assert "Files are not looked into" in document["notes"][0]


def test_a_data_set_of_another_task_is_refused(client: TestClient, films: str) -> None:
    rows = [f"first {i},second {i},{i % 2}" for i in range(20)]
    content = "\n".join(["text,text_pair,label", *rows]).encode()
    pairs = upload(client, content, task_type="text-pair-classification")
    response = client.get(f"/datasets/{films}/drift", params={"later_dataset_id": pairs})

    assert response.status_code == 422
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["errors"][0]["pointer"] == "/later_dataset_id"
    assert "text-pair-classification" in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("later", ["ds_0123456789abcdef", "../../etc", "same"])
def test_an_unusable_later_data_set_is_pointed_at(
    client: TestClient, contract: Contract, films: str, later: str
) -> None:
    chosen = films if later == "same" else later
    response = client.get(f"/datasets/{films}/drift", params={"later_dataset_id": chosen})

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/later_dataset_id"
    contract.holds(response.json(), "get", "/datasets/{dataset_id}/drift", 422)


def test_an_earlier_data_set_that_is_not_there_is_not_found(client: TestClient, films: str) -> None:
    response = client.get("/datasets/ds_0123456789abcdef/drift", params={"later_dataset_id": films})

    assert response.status_code == 404


def test_without_a_later_data_set_there_is_nothing_to_compare(client: TestClient, films: str) -> None:
    assert client.get(f"/datasets/{films}/drift").json()["errors"][0]["pointer"] == "/later_dataset_id"
