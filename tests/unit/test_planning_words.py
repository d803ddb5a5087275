"""How many examples of many words a feature pass sees."""

import pytest

from app.probes.sample_size import MIN_FEATURES, MOST_WORDS_SEEN, Sample, with_fewer_seen


@pytest.mark.parametrize(("words", "seen"), [(10.0, 4_000), (200.0, 500), (1e9, MIN_FEATURES)])
def test_features_of_words_fit_into_memory(words: float, seen: int) -> None:
    found = with_fewer_seen(Sample(n_train=8_000, n_validation=500, n_features=4_000), words)
    assert (found.n_train, found.n_validation, found.n_seen) == (8_000, 500, seen)
    assert seen * words <= MOST_WORDS_SEEN or seen == MIN_FEATURES


def test_a_small_sample_is_seen_whole() -> None:
    assert with_fewer_seen(Sample(n_train=30, n_validation=10), 1e9).n_seen == 30
