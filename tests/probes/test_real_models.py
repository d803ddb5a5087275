"""Real weights on real data: what is frozen, trained and scored is worth something."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from app.demo import REVIEWS_FILE
from app.probes.backbones import load_backbone
from app.probes.baselines.classes import predict_tfidf
from app.probes.data import Part
from app.probes.tasks.text_classification import Classification
from app.probes.transferability import ESTIMATORS
from tests.probes.last_layer import last_layer

ROOT = Path(__file__).parents[2]
L6 = "package-index/sentence-transformers--all-MiniLM-L6-v2"
STATIC = "package-index/dleemiller--word-llama-l2-supercat"
N_TRAIN, N_TEST = 300, 300

Rows = list[tuple[str, int]]


def model_folder(name: str) -> Path:
    models = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", ROOT / ".cache" / "models"))
    found = sorted((models / name).glob("*/config.json"))
    if not found:
        pytest.skip(f"no weights in {models / name}: run `make weights`")
    return found[-1].parent


def reviews() -> Rows:
    found = sorted((ROOT / ".cache").rglob(REVIEWS_FILE))
    if not found:
        pytest.skip(f"no {REVIEWS_FILE} below .cache: run `make weights`")
    with found[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [(row["text"], int(row["label"] == "fresh")) for row in rows]
    chosen = np.random.default_rng(0).permutation(len(pairs))[: N_TRAIN + N_TEST]
    return [pairs[i] for i in chosen]


def sst2() -> Rows:
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    path = shared / "data" / "tasks" / "sst2" / "train.csv"
    if not path.exists():
        pytest.skip(f"no development data in {shared}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], int(row["label"] == "positive")) for row in csv.DictReader(file)]
    chosen = np.random.default_rng(0).permutation(len(rows))[: N_TRAIN + N_TEST]
    return [rows[i] for i in chosen]


def head_accuracy(folder: Path, rows: Rows) -> float:
    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    features = last_layer(load_backbone(folder), texts, max_length=64)
    head = Classification(2).fit_head(
        features[:N_TRAIN], labels[:N_TRAIN], np.arange(N_TRAIN), seed=0, weights=None
    )
    return float(np.mean(head.classifier.predict(features[N_TRAIN:]) == labels[N_TRAIN:]))


def tfidf_accuracy(rows: Rows) -> float:
    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    every = np.arange(N_TRAIN + N_TEST)
    whole = Part(rows=every, texts=texts, labels=labels, groups=every)
    train, test = whole.take(every[:N_TRAIN]), whole.take(every[N_TRAIN:])
    return float(np.mean(predict_tfidf(train, test, 0) == test.labels))


def majority(rows: Rows) -> float:
    share = float(np.mean([label for _, label in rows[N_TRAIN:]]))
    return max(share, 1.0 - share)


@pytest.mark.weights
def test_minilm_head_beats_majority_on_reviews() -> None:
    rows = reviews()
    assert head_accuracy(model_folder(L6), rows) > majority(rows) + 0.05


@pytest.mark.weights
def test_static_vectors_head_beats_majority_on_reviews() -> None:
    rows = reviews()
    assert head_accuracy(model_folder(STATIC), rows) > majority(rows) + 0.03


@pytest.mark.weights
@pytest.mark.shared
def test_minilm_head_beats_classical_terms_on_sst2() -> None:
    rows = sst2()
    assert head_accuracy(model_folder(L6), rows) > tfidf_accuracy(rows) > majority(rows)


@pytest.mark.weights
@pytest.mark.shared
def test_estimators_prefer_a_sentence_encoder_to_static_vectors_on_sst2() -> None:
    rows = sst2()[:N_TRAIN]
    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    features = [
        last_layer(load_backbone(model_folder(model)), texts, max_length=64) for model in (L6, STATIC)
    ]
    for name in ESTIMATORS.keys() - {"nleep"}:  # clusters of 300 sentences do not follow their sentiment
        encoder, static = (ESTIMATORS[name](f, labels, n_classes=2, seed=0) for f in features)
        assert encoder > static, name


@pytest.mark.weights
def test_sentences_of_one_meaning_are_near_in_minilm() -> None:
    vectors = last_layer(
        load_backbone(model_folder(L6)),
        ["A man is eating food.", "A man eats a meal.", "The stock market fell sharply."],
        max_length=32,
    )
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > unit[0] @ unit[2] + 0.3
