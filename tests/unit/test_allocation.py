import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ranking.allocation import expected_maximum_gain, knowledge_gradient
from app.ranking.belief import Belief

LINES = st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 2)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_gain_agrees_with_numerical_integration(lines: list[tuple[float, float]]) -> None:
    a, b = np.array(lines).T
    grid = np.linspace(-9, 9, 200_001)
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    expected = np.trapezoid((a[:, None] + b[:, None] * grid).max(axis=0) * density, grid) - a.max()
    assert expected_maximum_gain(a, b) == pytest.approx(expected, abs=1e-6)


def test_two_independent_arms_agree_with_the_closed_form() -> None:
    belief = Belief(mean=np.array([0.0, 0.0]), covariance=np.eye(2), level_variance=0.0)
    # One exact observation of an arm: E[max(0, Z)] = 1 / sqrt(2 pi).
    assert knowledge_gradient(belief, 0, 0.0) == pytest.approx(1 / np.sqrt(2 * np.pi))


def test_noisier_observation_is_worth_less() -> None:
    belief = Belief(mean=np.array([0.0, 0.3]), covariance=np.diag([1.0, 0.5]), level_variance=0.0)
    values = [knowledge_gradient(belief, 0, noise) for noise in (0.0, 0.5, 2.0, 50.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0.0


def test_observing_a_known_arm_is_worth_nothing() -> None:
    belief = Belief(mean=np.array([0.0, 0.0]), covariance=np.diag([0.0, 1.0]), level_variance=0.0)
    assert knowledge_gradient(belief, 0, 0.1) == 0.0


def test_unknown_level_lowers_the_value_of_one_observation() -> None:
    certain = Belief(mean=np.zeros(3), covariance=np.eye(3), level_variance=0.0)
    uncertain = Belief(mean=np.zeros(3), covariance=np.eye(3), level_variance=25.0)
    assert knowledge_gradient(uncertain, 0, 0.1) < knowledge_gradient(certain, 0, 0.1)
