"""Scores compared: by their metric's direction and both intervals."""

from typing import Any

import pytest

from app.probes.comparing import best_score, probability_better


def score(mean: float, half: float, metric: str = "accuracy") -> dict[str, Any]:
    return {"metric": metric, "mean": mean, "low": mean - half, "high": mean + half, "level": 0.8}


def test_equals_are_as_likely_the_better() -> None:
    assert probability_better(score(0.8, 0.02), score(0.8, 0.05)) == pytest.approx(0.5)


def test_one_interval_above_is_nine_in_ten() -> None:
    """The upper end of an 80 % interval is the 90 % quantile."""
    assert probability_better(score(0.82, 0.02), score(0.8, 0.0)) == pytest.approx(0.9, abs=1e-4)


def test_where_less_is_better_less_wins() -> None:
    assert probability_better(score(0.1, 0.01, "wer"), score(0.2, 0.01, "wer")) > 0.99
    found = [{"name": "a", "score": score(0.1, 0.01, "wer")}, {"name": "b", "score": score(0.2, 0.01, "wer")}]
    assert best_score(found) == found[0]


def test_of_none_there_is_no_best() -> None:
    assert best_score([]) is None
