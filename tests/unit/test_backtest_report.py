"""What the report makes of results."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from app.evaluation.bootstrap import best_list, gains, pooled_gain
from app.evaluation.reliability_plot import SIZE, reliability_svg
from app.evaluation.report import compare, reliability


def test_best_list_is_chosen_by_its_mean_in_the_measure_s_direction() -> None:
    static = {"first": np.array([0.5, 0.7]), "second": np.array([0.9, 0.2])}
    assert best_list(static, larger_is_better=True) == "first"
    assert best_list(static, larger_is_better=False) == "second"


def test_smaller_regret_is_a_gain() -> None:
    assert gains(np.array([1.0]), np.array([3.0]), larger_is_better=False) == [2.0]
    assert gains(np.array([1.0]), np.array([3.0]), larger_is_better=True) == [-2.0]


def test_interval_of_the_pooled_gain_is_that_of_the_normal_limit() -> None:
    rng = np.random.default_rng(1)
    suites = [rng.normal(0.3, 1.0, 200), rng.normal(0.1, 2.0, 100)]
    found = pooled_gain(suites)
    error = np.sqrt(sum(len(d) * d.var() for d in suites)) / 300
    assert found.mean == pytest.approx(np.concatenate(suites).mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_gain_without_spread_is_certain() -> None:
    found = pooled_gain([np.full(5, 0.2)])
    assert (found.low, found.high) == pytest.approx((0.2, 0.2))


def _suite(tau_w: list[float], regret: list[float]) -> dict[str, object]:
    rows = [
        {
            "tau_w": t,
            "regret_at_1": r,
            "baselines": {"consensus_z": {"tau_w": 0.5, "regret_at_1": 1.0}},
            "coverage_at": {"level": [0.8], "relative": [t], "absolute": [1.0]},
        }
        for t, r in zip(tau_w, regret, strict=True)
    ]
    return {"hidden": {"benchmarks": rows, "baselines": {"consensus_z": {}}}}


def test_suites_are_compared_benchmark_by_benchmark() -> None:
    found = compare({"one": _suite([0.6, 0.8], [0.0, 2.0]), "two": _suite([0.5], [0.0])})
    assert found["tau_w"]["suites"]["one"]["best"] == "consensus_z"
    assert found["tau_w"]["suites"]["one"]["mean"] == pytest.approx(0.2)
    assert found["tau_w"]["pooled"]["mean"] == pytest.approx(0.4 / 3)
    assert found["regret_at_1"]["pooled"]["mean"] == pytest.approx(1.0 / 3)
    assert reliability(_suite([0.6, 0.8], [0.0, 2.0])) == {
        "relative": [pytest.approx(0.7)],
        "absolute": [1.0],
    }


def test_plot_puts_levels_to_the_right_and_shares_upwards() -> None:
    svg = reliability_svg([0.5, 1.0], {"a < b": {"relative": [0.25, 1.0], "absolute": [0.5, 0.5]}})
    root = ET.fromstring(svg)  # noqa: S314 - our own text
    lines = [e.attrib["points"] for e in root.iter() if e.tag.endswith("polyline")]
    assert lines[0] == f"{SIZE / 2},{SIZE * 0.75} {SIZE},0.0"
    assert "a < b" in [e.text for e in root.iter() if e.tag.endswith("text")]
