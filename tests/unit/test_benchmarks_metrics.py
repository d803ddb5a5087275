"""Direction, range and comparable scale of every declared metric."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import METRICS, Direction, Metric, UnknownMetricError, metric_named

ALL = st.sampled_from(sorted(METRICS.values(), key=lambda m: m.name))


@st.composite
def metric_and_values(draw: st.DrawFn, n: int = 1) -> tuple[Metric, list[float]]:
    metric = draw(ALL)
    # Below the floor positive metrics are one and the same on purpose.
    low = metric.low if metric.is_bounded else max(metric.low, 0.001)
    high = metric.high if metric.is_bounded else 1e6
    values = st.floats(low, high, allow_nan=False, allow_infinity=False)
    return metric, draw(st.lists(values, min_size=n, max_size=n))


@given(metric_and_values())
def test_the_comparable_scale_returns_to_the_value(drawn: tuple[Metric, list[float]]) -> None:
    metric, (value,) = drawn
    assert metric.from_comparable(metric.to_comparable(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(metric_and_values(n=2))
def test_better_is_larger_on_the_comparable_scale(drawn: tuple[Metric, list[float]]) -> None:
    metric, values = drawn
    worse, better = sorted(values, reverse=metric.direction is Direction.LOWER)
    assert metric.to_comparable(worse) <= metric.to_comparable(better)


@given(ALL, st.floats(-4, 4))
def test_the_slope_is_what_one_unit_is_worth(metric: Metric, y: float) -> None:
    step = 1e-5
    rise = abs(metric.from_comparable(y + step) - metric.from_comparable(y - step)) / (2 * step)
    at_bound = metric.from_comparable(y) <= metric.low * (1 + 1e-3)
    assert at_bound or rise == pytest.approx(float(metric.slope(y)), rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("name", ["wer", "cer", "eer", "der", "perplexity", "fid", "mean_squared_error"])
def test_error_measures_are_better_when_lower(name: str) -> None:
    assert METRICS[name].direction is Direction.LOWER


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("acc", "accuracy"),
        ("Top-1", "accuracy"),
        ("MCC", "matthews_correlation"),
        ("µ-F1", "f1_micro"),
        ("ROUGE-L", "rougeL"),
        ("nDCG@10", "ndcg_at_10"),
        ("box AP", "map"),
        ("EM", "exact_match"),
    ],
)
def test_usual_spellings_name_their_metric(spelling: str, name: str) -> None:
    assert metric_named(spelling).name == name


def test_every_metric_is_found_under_its_own_name() -> None:
    assert all(metric_named(name) is metric for name, metric in METRICS.items())


def test_no_spelling_belongs_to_two_metrics() -> None:
    spellings = [s for m in METRICS.values() for s in {m.name.lower(), *m.aliases}]
    assert len(spellings) == len(set(spellings))


def test_an_unknown_metric_is_refused_by_name() -> None:
    with pytest.raises(UnknownMetricError) as refused:
        metric_named("vibes")
    assert refused.value.name == "vibes"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_values_outside_the_range_have_no_comparable_value(value: float) -> None:
    with pytest.raises(ValueError, match="accuracy lies in"):
        METRICS["accuracy"].to_comparable(np.array([0.5, value]))


def test_a_perfect_and_a_worthless_score_stay_finite() -> None:
    assert np.isfinite(METRICS["accuracy"].to_comparable([0.0, 1.0])).all()


def test_a_measured_value_in_the_middle_has_the_variance_of_the_slope() -> None:
    metric = METRICS["accuracy"]
    y, variance = metric.measured(0.6, 0.01)

    assert float(y) == pytest.approx(float(metric.to_comparable(0.6)), abs=1e-3)
    assert float(variance) == pytest.approx((0.01 / float(metric.slope(y))) ** 2, rel=0.01)


def test_a_perfect_score_weighs_against_a_low_one_as_its_likelihood_does() -> None:
    # 24 of 24 right: the likelihood of an accuracy of 0.8 is 0.8 ** 24 of that of 1, which is 3.3 sigma.
    y, variance = METRICS["accuracy"].measured(1.0, 0.029)
    sigmas = (float(y) - float(METRICS["accuracy"].to_comparable(0.8))) / float(variance) ** 0.5

    assert sigmas == pytest.approx(3.3, abs=0.5)


def test_a_value_without_an_error_is_taken_as_it_is() -> None:
    metric = METRICS["accuracy"]
    y, variance = metric.measured([0.5, 1.0], [0.0, 0.0])

    assert y.tolist() == metric.to_comparable([0.5, 1.0]).tolist()
    assert variance.tolist() == [0.0, 0.0]
