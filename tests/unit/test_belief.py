import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ranking.belief import Belief
from app.ranking.posterior import (
    Contest,
    expected_regret,
    intervals,
    p_best,
    pareto_front,
    rank,
    tied,
    utility,
)
from benchmarks.metrics import METRICS


def _belief(mean: list[float], variance: list[float], level: float = 0.0) -> Belief:
    return Belief(mean=np.array(mean), covariance=np.diag(variance), level_variance=level)


def test_conditioning_agrees_with_the_textbook_formula() -> None:
    rng = np.random.default_rng(1)
    root = rng.standard_normal((4, 4))
    belief = Belief(mean=rng.standard_normal(4), covariance=root @ root.T, level_variance=0.7)
    full = belief.covariance + 0.7
    arms, values, noise = np.array([0, 2]), np.array([0.3, -0.4]), np.array([0.1, 0.2])
    gain = full[:, arms] @ np.linalg.inv(full[np.ix_(arms, arms)] + np.diag(noise))
    found = belief.condition(arms, values, noise)
    np.testing.assert_allclose(found.mean, belief.mean + gain @ (values - belief.mean[arms]), atol=1e-6)
    np.testing.assert_allclose(found.covariance, full - gain @ full[arms], atol=1e-6)


def test_observing_one_arm_teaches_about_its_relative_and_not_about_a_stranger() -> None:
    covariance = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 1.0]])
    belief = Belief(mean=np.zeros(3), covariance=covariance, level_variance=0.0)
    after = belief.condition(np.array([0]), np.array([1.0]), np.array([0.01]))
    assert after.mean[1] > 0.7
    assert after.mean[2] == pytest.approx(0.0, abs=1e-9)


def test_level_moves_every_arm_alike() -> None:
    after = _belief([0.0, 0.5], [1e-6, 1e-6], level=4.0).condition(
        np.array([0]), np.array([2.0]), np.array([1e-6])
    )
    assert after.mean[1] - after.mean[0] == pytest.approx(0.5, abs=1e-3)
    assert after.mean[0] == pytest.approx(2.0, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(5)))
def test_order_of_observations_does_not_matter(order: list[int]) -> None:
    rng = np.random.default_rng(7)
    root = rng.standard_normal((5, 5))
    belief = Belief(mean=np.zeros(5), covariance=root @ root.T, level_variance=0.2)
    values = rng.standard_normal(5)
    arms = np.array(order)
    shuffled = belief.condition(arms, values[arms], np.full(5, 0.3))
    straight = belief.condition(np.arange(5), values, np.full(5, 0.3))
    np.testing.assert_allclose(shuffled.mean, straight.mean, atol=1e-8)


def test_p_best_sums_to_one_and_is_even_for_equals() -> None:
    draws = _belief([0.0] * 4, [1.0] * 4).sample_relative(20_000, seed=0)
    found = p_best(draws)
    assert found.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found, 0.25, atol=0.02)


def test_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    belief = _belief([1.0], [0.3], level=0.4)
    truth = METRICS["accuracy"].from_comparable(rng.normal(1.0, np.sqrt(0.7), 20_000))
    (interval,) = intervals(belief, np.array([0]), METRICS["accuracy"])
    assert np.mean((truth >= interval.low) & (truth <= interval.high)) == pytest.approx(0.8, abs=0.015)


def test_interval_of_a_metric_that_should_be_low_is_in_order() -> None:
    (interval,) = intervals(_belief([1.0], [0.3]), np.array([0]), METRICS["wer"])
    assert interval.low < interval.mean < interval.high


def test_regret_of_the_certain_best_is_nothing() -> None:
    draws = _belief([5.0, 0.0], [1e-9, 1e-9]).sample_relative(100, seed=0)
    best = draws.max(axis=1)
    assert expected_regret(best, draws[:, 0], METRICS["accuracy"]) == pytest.approx(0.0, abs=1e-9)
    assert expected_regret(best, draws[:, 1], METRICS["accuracy"]) > 0.4


def test_ties_are_mutual_and_exclude_oneself() -> None:
    belief = _belief([1.0, 0.95, -4.0], [0.1] * 3)
    arms = np.arange(3)
    matrix = tied(belief, arms)
    assert matrix.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_dominated_arm_is_not_on_the_pareto_front() -> None:
    quality, seconds = np.array([0.9, 0.8, 0.7]), np.array([100.0, 10.0, 50.0])
    points = np.stack([-quality, seconds])
    assert pareto_front([*points], np.arange(3)).tolist() == [True, True, False]
    assert pareto_front([*points], np.array([2, 0])).tolist() == [False, True]


def test_weights_can_turn_the_order() -> None:
    quality, latency, seconds = np.array([2.0, 1.8]), np.array([100.0, 5.0]), np.array([1e4, 1e2])
    assert utility(quality, latency, seconds, (1.0, 0.0, 0.0)).argmax() == 0
    assert utility(quality, latency, seconds, (1.0, 0.5, 0.0)).argmax() == 1


def test_ranking_keeps_the_order_of_equals_and_keeps_p_best_before_the_cut() -> None:
    belief = _belief([1.0, 1.0, 1.0], [0.2] * 3)
    found = rank(
        belief,
        Contest.of(belief.sample_relative(3000, seed=0), np.array([1, 2, 0])),
        np.array([1, 2, 0]),
        utilities=np.array([1.0, 1.0, 1.0]),
        costs=(np.ones(3), np.ones(3)),
        metric=METRICS["accuracy"],
        top_k=2,
    )
    assert [row.arm for row in found.rows] == [1, 2]
    assert sum(row.p_best for row in found.rows) == pytest.approx(2 / 3, abs=0.05)
