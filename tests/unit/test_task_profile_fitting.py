"""Fitting what the reader learns from labelled descriptions."""

from pathlib import Path

import numpy as np
import pytest

from app.task_profile.lexicon import TYPES
from app.task_profile.ngrams import N_BUCKETS, ngram_buckets, ngram_scores, word_model
from models_registry.vocabulary import TaskType

fitting = pytest.importorskip("app.fitting.task_words", reason="needs scikit-learn (extra: probe)")
DATA = Path(__file__).parents[1] / "data"


def test_fitted_ngrams_know_misspelt_words() -> None:
    weights = fitting.fit_ngrams(fitting.lexicon_phrases())
    assert TYPES[int(np.argmax(ngram_scores("sumarisaton", weights)))] is TaskType.SUMMARIZATION
    assert TYPES[int(np.argmax(ngram_scores("machin tranzlation", weights)))] is TaskType.TRANSLATION


def test_fit_is_deterministic() -> None:
    described = fitting.load_descriptions([DATA / "task_descriptions.yaml"])
    first, second = (fitting.fit_ngrams(described) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_saved_model_is_read_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    fitting.save(word_model(), path)
    with np.load(path) as stored:
        np.testing.assert_array_equal(stored["weights"].astype(np.float32), word_model().weights)
        assert float(stored["temperature"]) == word_model().temperature


def test_buckets_are_distinct_and_in_range() -> None:
    buckets = ngram_buckets("酒店评论 sentiment")
    assert len(set(buckets.tolist())) == len(buckets)
    assert buckets.min() >= 0
    assert buckets.max() < N_BUCKETS


def test_fit_never_reads_the_held_out_half() -> None:
    described = fitting.load_descriptions([DATA / "task_descriptions.yaml"])
    held_out = fitting.load_descriptions([DATA / "task_descriptions_heldout.yaml"])
    assert not set(described.texts) & set(held_out.texts)
