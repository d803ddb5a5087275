"""Runs for targets other than one class, from the request to the queued run."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from benchmarks.metrics import METRICS
from tests.api.contracts import Contract

WORDS = ("film", "plot", "cast", "score", "scene", "light", "song", "end")
TEXTS = [f"the {WORDS[i % 8]} was number {i}" for i in range(48)]
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "multi-label-classification": [
        {"text": text, "label": [["drama"], ["drama", "war"], []][i % 3]} for i, text in enumerate(TEXTS)
    ],
    "text-regression": [{"text": text, "label": i / 7} for i, text in enumerate(TEXTS)],
    "sentence-similarity": [
        {"text": text, "text_pair": TEXTS[i - 1], "label": i % 6} for i, text in enumerate(TEXTS)
    ],
    "text-retrieval": [{"text": text, "text_pair": f"answer {i}"} for i, text in enumerate(TEXTS)],
    "question-answering": [
        {
            "text": f"What was number {i}?",
            "text_pair": text,
            "label": [{"text": text.split()[1], "answer_start": 4}] if i % 5 else [],
        }
        for i, text in enumerate(TEXTS)
    ],
    "token-classification": [
        {"text": text.split(), "label": ["O", "B-THING", "O", "O", "O"]} for text in TEXTS
    ],
    "text-generation": [{"text": text} for text in TEXTS],
    "summarization": [
        {"text": f"{text}, and so on. " * 9, "label": [text, f"{text}!"][: i % 2 + 1]}
        for i, text in enumerate(TEXTS)
    ],
    "translation": [{"text": text, "label": f"le film {i}"} for i, text in enumerate(TEXTS)],
    "dialogue": [{"text": ["Hi.", text], "label": f"Number {i}?"} for i, text in enumerate(TEXTS)],
}
DEFAULT = {
    "multi-label-classification": "f1_micro",
    "text-regression": "spearmanr",
    "sentence-similarity": "spearmanr",
    "text-retrieval": "ndcg_at_10",
    "token-classification": "entity_f1",
    "question-answering": "token_f1",
    "text-generation": "perplexity",
    "summarization": "rougeL",
    "translation": "bleu",
    "dialogue": "perplexity",
}


def create(client: TestClient, status: int, **body: Any) -> dict[str, Any]:
    response = client.post("/probe-run", json={"budget": {"seconds": 60}, **body})
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize("task_type", EXAMPLES)
def test_a_run_is_queued_in_its_own_metric(client: TestClient, contract: Contract, task_type: str) -> None:
    run = create(client, 202, examples=EXAMPLES[task_type], task={"type": task_type})
    contract.holds(run, "post", "/probe-run", 202)
    assert run["ranking"]
    assert {row["score"]["metric"] for row in run["ranking"]} == {DEFAULT[task_type]}
    scores = [row["score"] for row in run["ranking"]]
    assert all(s["low"] <= s["mean"] <= s["high"] for s in scores)
    assert all(s["high"] <= METRICS[s["metric"]].high for s in scores)


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"strategies": ["head", "prefix"]}, "/strategies/1", "not available for texts that are written"),
        ({"refit": True}, "/refit", "not written out yet"),
        ({"task": {"type": "dialogue", "metric": "accuracy"}}, "/task/metric", "perplexity"),
        (
            {"candidates": ["package-index:sentence-transformers/all-MiniLM-L6-v2@0.1.0"]},
            "/candidates/0",
            "cannot be fine-tuned",
        ),
    ],
)
def test_what_models_that_write_are_not_asked_for_is_refused(
    client: TestClient, contract: Contract, body: dict[str, Any], pointer: str, said: str
) -> None:
    problem = create(client, 422, **{"examples": EXAMPLES["dialogue"], "task": {"type": "dialogue"}, **body})
    contract.holds(problem, "post", "/probe-run", 422)
    assert problem["errors"][0]["pointer"] == pointer
    assert said in problem["errors"][0]["detail"]


def test_spans_are_tags_too(client: TestClient) -> None:
    rows = [
        {"text": text, "label": [{"start": 4, "end": 4 + len(text.split()[1]), "label": "THING"}]}
        for text in TEXTS
    ]
    assert create(client, 202, examples=rows, task={"type": "token-classification"})["ranking"]


@pytest.mark.parametrize(
    ("task_type", "row", "said"),
    [
        ("text-regression", {"text": "a", "label": "good"}, "no finite number"),
        ("multi-label-classification", {"text": "a", "label": 3}, "no list"),
        ("token-classification", {"text": ["a", "b"], "label": ["O"]}, "another number of tags"),
        (
            "token-classification",
            {"text": "a", "label": [{"start": 0, "end": 9, "label": "X"}]},
            "what is no span of its text",
        ),
        (
            "question-answering",
            {"text": "q", "text_pair": "an answer", "label": [{"text": "answer", "answer_start": 4}]},
            "stands elsewhere in its passage",
        ),
        ("question-answering", {"text": "q", "text_pair": "b", "label": "a"}, "not in its passage"),
        ("question-answering", {"text": "q", "text_pair": "b", "label": 3}, "what is no answer"),
        ("text-classification", {"text": ["a"], "label": "x"}, "a list or an object"),
        ("translation", {"text": ["a"], "label": "x"}, "a list or an object"),
        (
            "summarization",
            {"text": "a", "label": [{"start": 0, "end": 1, "label": "x"}]},
            "things than texts",
        ),
        ("text-classification", {"text": "a", "label": ["x"]}, "a list or an object"),
    ],
)
def test_a_target_of_another_kind_is_refused_with_what_is_wrong(
    client: TestClient, contract: Contract, task_type: str, row: dict[str, Any], said: str
) -> None:
    problem = create(client, 422, examples=[*EXAMPLES.get(task_type, []), row], task={"type": task_type})
    contract.holds(problem, "post", "/probe-run", 422)
    assert {error["pointer"] for error in problem["errors"]} == {"/examples"}
    assert said in problem["errors"][0]["detail"]


def test_a_squad_file_is_uploaded_and_probed(client: TestClient, contract: Contract) -> None:
    paragraphs = [
        {"context": text, "qas": [{"id": f"{i}", "question": f"What was {i}?", "answers": [answer]}]}
        for i, text in enumerate(TEXTS)
        for answer in [{"text": text.split()[1], "answer_start": 4}]
    ]
    held = {"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}
    dataset = client.post(
        "/datasets",
        files={"file": ("train-v1.1.json", json.dumps(held), "application/json")},
        data={"task_type": "question-answering"},
    )
    assert dataset.status_code == 201, dataset.text
    contract.holds(dataset.json(), "post", "/datasets", 201)
    assert dataset.json()["format"] == "squad-json"
    run = create(
        client, 202, dataset_id=dataset.json()["id"], task={"metric": "exact_match"}, strategies=["full"]
    )
    assert {row["score"]["metric"] for row in run["ranking"]} == {"exact_match"}


@pytest.mark.parametrize("model", ["dleemiller/word-llama-l2-supercat", "openai-community/gpt2"])
def test_what_reads_no_pairs_is_no_candidate_for_answers(client: TestClient, model: str) -> None:
    body = {"examples": EXAMPLES["question-answering"], "task": {"type": "question-answering"}}
    problem = create(client, 422, candidates=[model], **body)
    assert "cannot be fine-tuned for question-answering" in problem["errors"][0]["detail"]
