"""Fitting what the reader learns from labelled descriptions."""

import random
from pathlib import Path

import numpy as np
import pytest

from app.task_profile.classifier import NONE, TYPES, classifier, concept_keys, unpack
from app.task_profile.features import NGRAM_BUCKETS, WORD_BUCKETS, ngram_buckets, word_buckets
from models_registry.vocabulary import TaskType

Stored = dict[str, np.ndarray]

fitting = pytest.importorskip("app.fitting.task_words", reason="needs scikit-learn (extra: probe)")
examples = pytest.importorskip("app.fitting.task_examples")
DATA = Path(__file__).parents[1] / "data"
NAME_BYTES = 30


@pytest.fixture(scope="module")
def fitted() -> Stored:
    few = examples.filled_templates(random.Random(0)) + examples.gibberish(random.Random(0))
    described = examples.load_labelled(DATA / "task_descriptions.yaml")
    taught = [*few, *described]
    stored: Stored = fitting.fit_examples(taught, [fitting.features_of(e.text) for e in taught])
    return stored


def _read(stored: Stored, text: str) -> int:
    return int(np.argmax(unpack(stored).scores(fitting.features_of(text))[: NONE + 1]))


def test_fitted_model_knows_tasks_and_their_absence(fitted: Stored) -> None:
    assert TYPES[_read(fitted, "summaries of minutes")] is TaskType.SUMMARIZATION
    assert TYPES[_read(fitted, "给句子翻译成德语")] is TaskType.TRANSLATION
    assert _read(fitted, "qzx vwk jjpq") == NONE


def test_fit_is_deterministic() -> None:
    described = examples.load_labelled(DATA / "task_descriptions.yaml")
    features = [fitting.features_of(e.text) for e in described]
    first, second = (fitting.fit_examples(described, features) for _ in range(2))
    np.testing.assert_array_equal(first["words"], second["words"])


def test_saved_model_is_read_back_the_same(tmp_path: Path, fitted: Stored) -> None:
    path = tmp_path / "weights.npz"
    fitting.save(fitted, path)
    with np.load(path) as stored:
        read = unpack({name: stored[name] for name in stored.files})
    features = fitting.features_of("sentiment of reviews")
    np.testing.assert_array_equal(read.scores(features), unpack(fitted).scores(features))


def test_shipped_model_knows_the_shipped_lexicon() -> None:
    assert set(classifier().concepts) == set(concept_keys())


def test_buckets_are_distinct_and_in_range() -> None:
    buckets = ngram_buckets("酒店评论 sentiment")
    assert len(set(buckets.tolist())) == len(buckets)
    assert 0 <= buckets.min() <= buckets.max() < NGRAM_BUCKETS
    words, pairs = word_buckets(["酒", "店", "sentiment"])
    assert (len(words), len(pairs)) == (3, 2)
    assert max(words.max(), pairs.max()) < WORD_BUCKETS


def test_no_held_out_description_is_learned_from() -> None:
    learned = {e.text for e in examples.own_descriptions()}
    held: set[str] = set()
    for path in DATA.glob("task_descriptions*.yaml"):
        described = {e.text for e in examples.load_labelled(path)}
        if path.stem.endswith("_heldout"):
            held |= described
        else:
            learned |= described
    # mere names of tasks, such as `text classification`, are bound to be in both
    n_shared = sum(len(text.encode()) > NAME_BYTES for text in held & learned)
    assert n_shared == 0
