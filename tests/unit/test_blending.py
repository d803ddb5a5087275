"""Blends: what is chosen helps, what does not is left out, and scores are those of unseen examples."""

import numpy as np
import pytest

from app.probes.blending import Index, Theta, Weights, blended, cross_fit, jackknifed, parts_of, select

N = 400
TRUTH = np.random.default_rng(0).normal(size=N)


def noisy(deviation: float, seed: int) -> Weights:
    return (TRUTH + np.random.default_rng(seed).normal(scale=deviation, size=N))[:, None]


def minus_squared_error(members: list[Weights]) -> Theta:
    def theta(weights: Weights, rows: Index) -> float:
        return -float(np.mean((blended(members, weights)[rows, 0] - TRUTH[rows]) ** 2))

    return theta


def test_two_equal_members_with_their_own_errors_are_averaged() -> None:
    weights = select(minus_squared_error([noisy(1.0, 1), noisy(1.0, 2)]), 2, np.arange(N))
    assert weights == pytest.approx([0.5, 0.5], abs=0.1)


def test_weights_follow_precision() -> None:
    """The best weights of independent errors are as their inverse variances: 4 to 1."""
    weights = select(minus_squared_error([noisy(0.5, 1), noisy(1.0, 2)]), 2, np.arange(N))
    assert weights == pytest.approx([0.8, 0.2], abs=0.1)


def test_a_useless_member_takes_no_part() -> None:
    useless = np.random.default_rng(9).normal(scale=30.0, size=(N, 1))
    weights = select(minus_squared_error([noisy(0.1, 1), useless]), 2, np.arange(N))
    assert weights.tolist() == [1.0, 0.0]


def test_a_score_that_is_cross_fitted_does_not_flatter_noise() -> None:
    """Of twenty coins none tells the truth: chosen and scored on the same examples their blend seems to."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=N)
    coins = [rng.normal(size=(N, 2)) for _ in range(20)]

    def theta(weights: Weights, rows: Index) -> float:
        return float(np.mean(blended(coins, weights)[rows].argmax(axis=1) == truth[rows]))

    fitted = cross_fit(theta, 20, np.arange(N), seed=0)
    honest = float(np.mean(blended(coins, fitted.weights).argmax(axis=1) == truth))
    assert theta(fitted.overall, np.arange(N)) > 0.56
    assert abs(honest - 0.5) < 0.05


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    error = jackknifed(lambda rows: float(TRUTH[rows].mean()), np.arange(N), seed=0)
    assert error == pytest.approx(TRUTH.std(ddof=1) / np.sqrt(N), rel=0.4)


def test_copies_are_in_one_part() -> None:
    groups = np.repeat(np.arange(40), 3)
    parts = parts_of(groups, 5, seed=1)
    assert sorted(np.concatenate(parts).tolist()) == list(range(120))
    assert all(not set(groups[a]) & set(groups[b]) for a in parts for b in parts if a is not b)


def test_of_fewer_groups_than_parts_none_is_empty() -> None:
    assert [len(part) for part in parts_of(np.array([0, 0, 1]), 5, seed=0)] in ([1, 2], [2, 1])
