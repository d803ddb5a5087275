"""A blend's row: in its place, worth what it gained, and P(best) still sums to 1."""

from typing import Any

import pytest

from app.probes.blend_row import with_blend
from app.ranking.phrases import Language


def row(name: str, mean: float, p_best: float, metric: str = "accuracy") -> dict[str, Any]:
    score = {"metric": metric, "mean": mean, "low": mean - 0.02, "high": mean + 0.02, "level": 0.8}
    cost = {"train_seconds": 10.0, "peak_memory_bytes": 5, "latency_ms": 2.0, "energy_wh": 1.0, "price": None}
    model = {"name": f"hub:{name}@1", "id": name, "n_parameters": 7, "licence": "mit", "languages": ["en"]}
    return {
        "rank": 0,
        "model": model,
        "strategy": "full",
        "score": score,
        "p_best": p_best,
        "cost": cost,
        "recipe": {"notes": []},
    }


def blend(gain: float, p_better: float) -> dict[str, Any]:
    members = [
        {"model": "hub:a@1", "strategy": "full", "weight": 0.6},
        {"model": "hub:b@1", "strategy": "head", "weight": 0.4},
    ]
    return {"gain": gain, "gain_std_error": 0.005, "p_better": p_better, "members": members}


ROWS = [row("a", 0.90, 0.7), row("b", 0.88, 0.3)]


def test_a_blend_that_gains_is_first_and_takes_its_share_of_p_best() -> None:
    found = with_blend(ROWS, blend(0.01, 0.9), Language.ENGLISH)
    assert [r["rank"] for r in found] == [1, 2, 3]
    assert found[0]["model"]["id"] == "a + b"
    assert found[0]["score"]["mean"] == pytest.approx(0.91)
    assert [r["p_best"] for r in found] == pytest.approx([0.9, 0.07, 0.03])
    assert found[0]["pareto"]
    assert not found[0]["tied_with"]


def test_a_blend_that_loses_stands_where_its_mean_does() -> None:
    found = with_blend(ROWS, blend(-0.01, 0.3), Language.ENGLISH)
    assert [r["model"]["id"] for r in found] == ["a", "a + b", "b"]
    assert not found[1]["pareto"]
    assert found[1]["tied_with"] == ["hub:a@1"]


def test_of_equals_the_single_model_stands_first() -> None:
    assert with_blend(ROWS, blend(0.0, 0.5), Language.ENGLISH)[0]["model"]["id"] == "a"


def test_where_less_is_better_a_negative_gain_is_first() -> None:
    rows = [row("a", 0.10, 0.7, "wer"), row("b", 0.12, 0.3, "wer")]
    assert with_blend(rows, blend(-0.01, 0.9), Language.ENGLISH)[0]["model"]["id"] == "a + b"


def test_its_interval_is_no_narrower_than_that_of_the_first() -> None:
    score = with_blend(ROWS, blend(0.01, 0.9), Language.ENGLISH)[0]["score"]
    assert score["high"] - score["low"] > 0.04


def test_it_costs_what_its_members_cost() -> None:
    cost = with_blend(ROWS, blend(0.01, 0.9), Language.ENGLISH)[0]["cost"]
    assert cost == {
        "train_seconds": 20.0,
        "peak_memory_bytes": 5,
        "latency_ms": 4.0,
        "energy_wh": 2.0,
        "price": None,
    }


def test_its_reasons_are_in_the_language_of_the_answer() -> None:
    assert "加权平均" in with_blend(ROWS, blend(0.01, 0.9), Language.CHINESE)[0]["reasons"][0]


def test_without_a_blend_or_one_of_its_members_rows_stay_as_they_are() -> None:
    assert with_blend(ROWS, None, Language.ENGLISH) == ROWS
    assert with_blend(ROWS[:1], blend(0.01, 0.9), Language.ENGLISH) == ROWS[:1]
