"""The learning-curve calibration: what the fit does, and that the committed one is of the committed rows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.fitting.curves import TARGET_PATH as FITTED_PATH
from app.fitting.curves import (
    Curve,
    TooFewCurvesError,
    check_coverage,
    fit_curves,
    read_curves,
    render,
)
from app.fitting.recording import COLUMNS, CurvePoint, append, read_points
from app.fitting.recording import TARGET_PATH as RECORDED_PATH
from app.probes.scheduler import SLICE_FRACTIONS
from app.ranking.curves import load_curve_calibration
from benchmarks.metrics import METRICS

POINT = CurvePoint(
    dataset="a",
    model="m",
    strategy="full",
    learning_rate=1e-4,
    seed=0,
    step=80,
    total_steps=80,
    seconds=1.0,
    metric_name="accuracy",
    metric=0.8,
    std_error=0.02,
    n_train=256,
    n_validation=300,
)


def make_points(dataset: str, values: tuple[float, ...], **others: object) -> list[CurvePoint]:
    steps = [round(f * POINT.total_steps) for f in SLICE_FRACTIONS]
    return [
        replace(POINT, dataset=dataset, step=step, metric=value, **others)  # type: ignore[arg-type]
        for step, value in zip(steps, values, strict=True)
    ]


def make_curves(
    n: int, *, gain: tuple[float, ...], deviation: tuple[float, ...], seed: int = 0
) -> list[Curve]:
    rng = np.random.default_rng(seed)
    draws = np.array(gain) + np.array(deviation) * rng.standard_normal((n, 4))
    return [
        Curve(dataset=f"d{i}", model="m", gains=draws[i], noise=np.zeros(4), errors=np.zeros(4))
        for i in range(n)
    ]


def test_committed_calibration_is_the_fit_of_the_committed_rows() -> None:
    fitted = fit_curves(read_curves(read_points(RECORDED_PATH)))
    assert render(fitted) == FITTED_PATH.read_text(encoding="utf-8")


def test_shipped_calibration_loads_with_the_slices_of_the_scheduler() -> None:
    shipped = load_curve_calibration()
    assert tuple(shipped.fractions) == SLICE_FRACTIONS
    assert shipped.version == json.loads(FITTED_PATH.read_text(encoding="utf-8"))["version"]


def test_nothing_is_uncertain_at_the_end_of_the_training() -> None:
    shipped = load_curve_calibration()
    assert (shipped.gain(1.0), shipped.variance(1.0)) == (0.0, 0.0)


def test_more_training_never_makes_the_end_less_certain() -> None:
    shipped = load_curve_calibration()
    variances = [shipped.variance(f) for f in np.linspace(0.05, 1.0, 40)]
    assert all(np.diff(variances) <= 0.0)
    assert variances[0] > 0.0


def test_many_curves_give_back_the_gain_and_variance_that_made_them() -> None:
    gain, deviation = (0.4, 0.2, 0.1, 0.0), (0.5, 0.3, 0.2, 0.0)
    fitted = fit_curves(make_curves(4_000, gain=gain, deviation=deviation))
    np.testing.assert_allclose(fitted.gains, gain, atol=0.03)
    np.testing.assert_allclose(np.sqrt(fitted.variances), deviation, atol=0.03)


def test_few_curves_are_shrunk_towards_no_gain() -> None:
    curves = make_curves(3, gain=(0.4, 0.2, 0.1, 0.0), deviation=(0.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(fit_curves(curves).gains, np.array([0.3, 0.15, 0.075, 0.0]))


def test_order_of_the_rows_does_not_matter() -> None:
    points = make_points("a", (0.6, 0.7, 0.7, 0.8)) + make_points("b", (0.7, 0.7, 0.8, 0.9))
    assert render(fit_curves(read_curves(points))) == render(fit_curves(read_curves(points[::-1])))


def test_variances_are_positive_where_every_curve_is_flat() -> None:
    curves = make_curves(20, gain=(0.0,) * 4, deviation=(0.0,) * 4)
    assert all(fit_curves(curves).variances[:-1] > 0.0)


def test_variance_falls_even_where_the_recorded_one_does_not() -> None:
    curves = make_curves(500, gain=(0.0,) * 4, deviation=(0.1, 0.4, 0.2, 0.0))
    assert all(np.diff(fit_curves(curves).variances) <= 0.0)


def test_a_curve_that_was_not_recorded_to_its_end_is_left_out() -> None:
    points = make_points("a", (0.6, 0.7, 0.7, 0.8))[:-1] + make_points("b", (0.7, 0.7, 0.8, 0.9))
    assert [curve.dataset for curve in read_curves(points)] == ["b"]


def test_scores_of_frozen_features_are_no_curves() -> None:
    assert read_curves(make_points("a", (0.6, 0.7, 0.7, 0.8), strategy="head")) == []


def test_a_change_of_one_example_is_sampling_noise() -> None:
    n, values = 300, (0.8 - 1 / 300, 0.8, 0.8, 0.8)
    curve = read_curves(make_points("a", values, n_validation=n, std_error=(0.8 * 0.2 / n) ** 0.5))[0]
    slope = float(METRICS["accuracy"].slope(METRICS["accuracy"].to_comparable(0.8)))
    assert curve.noise[0] == pytest.approx((1 / 300 / slope) ** 2, rel=0.03)
    assert curve.noise[1] == 0.0


def test_noise_of_two_scores_never_exceeds_that_of_unrelated_samples() -> None:
    curve = read_curves(make_points("a", (0.0, 0.5, 0.9, 1.0)))[0]
    assert all(curve.noise <= curve.errors + curve.errors[-1])


def test_one_data_set_is_too_little_to_learn_from() -> None:
    with pytest.raises(TooFewCurvesError):
        fit_curves(read_curves(make_points("a", (0.6, 0.7, 0.7, 0.8))))


def test_intervals_hold_four_of_five_gaussian_curves() -> None:
    curves = make_curves(300, gain=(0.3, 0.2, 0.1, 0.0), deviation=(0.4, 0.3, 0.2, 0.0), seed=1)
    assert all(0.74 < held.extrapolation < 0.88 for held in check_coverage(curves))


def test_recorded_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path, points = tmp_path / "curves.csv", make_points("a", (0.6, 0.7, 0.7, 0.8))
    for point in points:
        append(path, COLUMNS, [{name: getattr(point, name) for name in COLUMNS}])
    assert read_points(path) == points
    assert read_points(tmp_path / "none.csv") == []
