"""`POST /recommend` and what is kept of it."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.errors import FieldFault
from app.problems import faults_of
from app.task_profile import UnreadableTaskError
from models_registry.vocabulary import TaskType
from tests.api.contracts import HOTEL, Contract


def recommend(client: TestClient, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = client.post("/recommend", json=body, headers=headers)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def changed(**parts: object) -> dict[str, Any]:
    return {**HOTEL, **parts}


def test_a_described_task_is_answered_as_documented(client: TestClient, contract: Contract) -> None:
    document = recommend(client, HOTEL)

    contract.holds(document, "post", "/recommend", 200)
    assert document["interpretation"]["type"] == "text-classification"
    assert document["interpretation"]["languages"] == ["zh"]
    assert len(document["ranking"]) == 10


def test_ranks_count_from_one_and_intervals_hold_their_means(client: TestClient) -> None:
    rows = recommend(client, HOTEL)["ranking"]

    assert [row["rank"] for row in rows] == list(range(1, 11))
    assert all(row["score"]["low"] <= row["score"]["mean"] <= row["score"]["high"] for row in rows)


def test_p_best_sums_to_one_over_all_eligible_models(client: TestClient) -> None:
    rows = recommend(client, changed(top_k=200))["ranking"]

    assert abs(sum(row["p_best"] for row in rows) - 1.0) < 5e-5 * len(rows) + 1e-9


def test_the_same_question_gets_the_same_stored_answer(client: TestClient) -> None:
    first, second = recommend(client, HOTEL), recommend(client, HOTEL)

    assert first == second


def test_spelling_out_nulls_and_defaults_asks_the_same_question(client: TestClient) -> None:
    spelt = {
        "task": {**HOTEL["task"], "type": None, "modality": None, "languages": [], "metric": None},
        "data": {**HOTEL["data"], "class_counts": None, "dataset_id": None},
        "budget": {**HOTEL["budget"], "price_per_hour": None, "max_price": None},
        "constraints": {"max_parameters": None, "licences": None, "include": None, "exclude": None},
        "weights": {"quality": 1.0, "latency": 0.0, "cost": 0.0},
        "top_k": 10,
    }

    assert recommend(client, spelt)["id"] == recommend(client, HOTEL)["id"]


def test_chinese_is_answered_in_chinese(client: TestClient) -> None:
    document = recommend(client, HOTEL, **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    sentences = [document["advice"]["text"], *document["ranking"][0]["reasons"]]

    assert all(re.search(r"[\u4e00-\u9fff]", sentence) for sentence in sentences)


def test_english_is_the_answer_to_other_languages(client: TestClient) -> None:
    document = recommend(client, HOTEL, **{"Accept-Language": "fr, zh;q=0"})

    assert not re.search(r"[\u4e00-\u9fff]", document["advice"]["text"])


def test_facts_in_the_words_fill_what_the_request_left_out(client: TestClient) -> None:
    description = "classify English news into 4 topics on a T4, at most 30 minutes of training"
    facts = recommend(client, {"task": {"description": description}})["interpretation"]["facts"]

    assert facts["n_classes"] == 4
    assert facts["device"] == "NVIDIA T4"
    assert facts["train_hours"] == 0.5


def test_the_request_beats_the_words(client: TestClient) -> None:
    description = "classify English news into 4 topics on a T4, at most 30 minutes of training"
    body = {"task": {"description": description}, "data": {"n_classes": 7}, "budget": {"device": "cpu"}}
    document = recommend(client, body)

    assert document["interpretation"]["facts"]["n_classes"] == 7
    assert "device" not in document["interpretation"]["facts"]


def test_every_model_is_ranked_or_excluded(client: TestClient) -> None:
    document = recommend(client, changed(top_k=200))

    ranked, excluded = len(document["ranking"]), sum(document["excluded_counts"].values())
    assert ranked + excluded == document["database"]["n_models"]


def test_a_parameter_limit_excludes_larger_models_and_says_so(client: TestClient) -> None:
    document = recommend(client, changed(constraints={"max_parameters": 50_000_000}, top_k=200))

    assert all(row["model"]["n_parameters"] <= 50_000_000 for row in document["ranking"])
    assert document["excluded_counts"]["parameters"] > 0


def test_memory_that_fits_no_model_gives_an_empty_ranking_with_its_reason(client: TestClient) -> None:
    document = recommend(client, changed(budget={"device": "cpu", "device_memory_gb": 0.01}))

    assert document["ranking"] == []
    assert "memory" in document["advice"]["text"]


def test_a_task_that_no_model_can_do_gives_an_empty_ranking_with_its_reason(client: TestClient) -> None:
    undone = [t for t in TaskType if not client.get("/models", params={"task_type": t}).json()["items"]]
    if not undone:
        pytest.skip("the catalogue has a model for every task type")
    document = recommend(client, {"task": {"type": undone[0]}})

    assert document["ranking"] == []
    assert undone[0] in document["advice"]["text"]


def test_a_device_without_a_stated_memory_has_its_own(client: TestClient) -> None:
    small = recommend(client, changed(budget={"device": "cpu"}, top_k=200))
    large = recommend(client, changed(budget={"device": "NVIDIA H100"}, top_k=200))

    assert len(large["ranking"]) >= len(small["ranking"])
    assert all(row["cost"]["peak_memory_bytes"] <= 8e9 for row in small["ranking"])


def test_included_models_alone_are_ranked(client: TestClient) -> None:
    name = recommend(client, HOTEL)["ranking"][3]["model"]["name"]
    document = recommend(client, changed(constraints={"include": [name]}))

    assert [row["model"]["name"] for row in document["ranking"]] == [name]


def test_excluded_models_are_not_ranked(client: TestClient) -> None:
    name = recommend(client, HOTEL)["ranking"][0]["model"]["name"]
    document = recommend(client, changed(constraints={"exclude": [name]}, top_k=200))

    assert name not in {row["model"]["name"] for row in document["ranking"]}


def test_an_alias_of_the_metric_is_its_metric(client: TestClient) -> None:
    document = recommend(client, changed(task={**HOTEL["task"], "metric": "Macro F1"}))

    assert document["interpretation"]["metric"] == "f1_macro"
    assert document["ranking"][0]["score"]["metric"] == "f1_macro"


def test_the_price_follows_from_hours_and_rate(client: TestClient) -> None:
    body = changed(budget={"device": "NVIDIA T4", "price_per_hour": 3.6, "n_devices": 2})
    cost = recommend(client, body)["ranking"][0]["cost"]

    assert abs(cost["price"] - cost["train_seconds"] * 2 * 3.6 / 3600) < 1e-3


def test_a_recommendation_is_kept_as_it_was_given(client: TestClient, contract: Contract) -> None:
    given = recommend(client, HOTEL)
    kept = client.get(f"/recommendations/{given['id']}")

    assert kept.json() == given
    contract.holds(kept.json(), "get", "/recommendations/{recommendation_id}", 200)


def test_pages_hold_every_excluded_model_once(client: TestClient, contract: Contract) -> None:
    given = recommend(client, HOTEL)
    names: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 17} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/recommendations/{given['id']}/excluded", params=params).json()
        contract.holds(page, "get", "/recommendations/{recommendation_id}/excluded", 200)
        names += [row["model"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(names) == len(set(names)) == sum(given["excluded_counts"].values())
    assert names[:20] == [row["model"] for row in given["excluded"]]


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_report_loads_nothing_and_runs_nothing(client: TestClient) -> None:
    page = client.get(f"/recommendations/{recommend(client, HOTEL)['id']}/report")
    references = _References()
    references.feed(page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert references.found == []
    assert "script" not in references.tags
    assert "url(" not in page.text


def test_the_report_names_the_ranked_models(client: TestClient) -> None:
    given = recommend(client, HOTEL)
    page = client.get(f"/recommendations/{given['id']}/report").text

    assert all(row["model"]["id"] in page for row in given["ranking"])


def test_an_unreadable_description_is_answered_with_the_nearest_tasks(
    client: TestClient, contract: Contract
) -> None:
    response = client.post("/recommend", json={"task": {"description": "qwerty zxcvb"}})

    assert response.status_code == 422
    contract.holds(response.json(), "post", "/recommend", 422)
    assert [error["pointer"] for error in response.json()["errors"]] == ["/task/description", "/task/type"]
    assert "summarization" in response.json()["errors"][1]["detail"]


def test_a_vague_description_is_answered_with_task_types() -> None:
    error = UnreadableTaskError("it", (TaskType.TRANSLATION, TaskType.DIALOGUE))

    assert FieldFault(pointer="/task/type", detail="perhaps translation") in faults_of(error)


def test_what_the_data_call_for_is_advised_with_their_numbers(client: TestClient, contract: Contract) -> None:
    data = {"n_examples": 30, "class_counts": {"good": 27, "bad": 3}, "n_unlabelled": 9_000}
    task = {"type": "text-classification", "languages": ["en"], "domain": "financial"}
    document = recommend(client, {"task": task, "data": data})
    steps = {step["kind"]: step for step in document["advice"]["steps"]}

    contract.holds(document, "post", "/recommend", 200)
    assert list(steps) == [
        "few-shot-contrastive",
        "augmentation",
        "self-training",
        "further-pretraining",
        "class-imbalance",
    ]
    assert "9 to 1" in steps["class-imbalance"]["why"]
    assert document["ranking"][0]["model"]["id"] in steps["further-pretraining"]["text"]


def test_advice_is_in_the_language_asked_for_and_on_the_report(client: TestClient) -> None:
    body = {"task": {"type": "text-classification"}, "data": {"n_examples": 300}}
    document = recommend(client, body, **{"Accept-Language": "zh"})
    (step,) = document["advice"]["steps"]

    assert re.search(r"[\u4e00-\u9fff]", step["text"] + step["why"])
    assert step["text"] in client.get(f"/recommendations/{document['id']}/report").text


def test_nothing_more_is_advised_where_nothing_calls_for_it(client: TestClient) -> None:
    assert recommend(client, HOTEL)["advice"]["steps"] == []


def test_a_limit_on_latency_names_what_is_faster_than_the_best(client: TestClient) -> None:
    document = recommend(client, changed(constraints={"max_latency_ms": 500.0}, top_k=50))
    steps = {step["kind"]: step for step in document["advice"]["steps"]}
    latencies = [row["cost"]["latency_ms"] for row in document["ranking"]]
    fastest = document["ranking"][latencies.index(min(latencies))]

    assert document["ranking"][0]["model"]["id"] in steps["quantisation"]["text"]
    assert fastest["model"]["id"] in steps["distillation"]["text"]
