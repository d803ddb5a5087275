import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ranking.allocation import expected_maximum_gain

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
    # One exact observation of one of two arms alike: E[max(0, Z)] = 1 / sqrt(2 pi).
    gain = expected_maximum_gain(np.zeros(2), np.array([1.0, 0.0]))
    assert gain == pytest.approx(1 / np.sqrt(2 * np.pi))


def test_what_moves_all_arms_alike_is_worth_nothing() -> None:
    assert expected_maximum_gain(np.array([0.3, 0.1, 0.2]), np.full(3, 0.7)) == 0.0
