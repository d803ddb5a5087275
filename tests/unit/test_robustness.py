"""Effective robustness is what lies off the line of shifted over original accuracy."""

import numpy as np
import pytest

from app.ranking.figure_arrays import FigureArrays
from app.ranking.robustness import MIN_MODELS, robustness
from benchmarks.figures import Benchmark
from benchmarks.metrics import metric_named
from tests.factories import make_benchmark, make_figure, numbered

BENCHMARKS = (
    make_benchmark("original"),
    make_benchmark("shifted", dataset="shift", shifted_from="original"),
)


def _figures(n: int, odd: float = 0.0) -> FigureArrays:
    """Models on a line of logits, the middle one moved off it by so much."""
    metric = metric_named("accuracy")
    u = np.linspace(0.5, 2.5, n)
    v = 0.9 * u - 1.0
    v[n // 2] += odd
    original, shifted = metric.from_comparable(u), metric.from_comparable(v)
    return FigureArrays.of_figures(
        numbered(
            [make_figure(f"m{i}", "original", float(x)) for i, x in enumerate(original)]
            + [make_figure(f"m{i}", "shifted", float(x)) for i, x in enumerate(shifted)]
        )
    )


@pytest.mark.parametrize("odd", [0.8, -0.8])
def test_the_model_off_the_line_stands_out(odd: float) -> None:
    found = robustness(_figures(41, odd), BENCHMARKS)
    middle = found["m20"]
    assert abs(middle.deviation) > 5
    assert np.sign(middle.gain) == np.sign(middle.deviation) == np.sign(odd)
    assert middle.shifts == ("shift",)
    assert max(abs(r.deviation) for m, r in found.items() if m != "m20") < 0.5


def test_better_models_are_not_called_robust_for_being_better() -> None:
    found = robustness(_figures(41, 0.8), BENCHMARKS)
    assert abs(found["m40"].gain) < 0.02
    assert abs(found["m0"].gain) < 0.02


def test_few_models_make_no_line() -> None:
    assert robustness(_figures(MIN_MODELS - 1, 0.8), BENCHMARKS) == {}


def test_benchmarks_that_are_no_shift_say_nothing() -> None:
    plain: tuple[Benchmark, ...] = (make_benchmark("original"), make_benchmark("shifted"))
    assert robustness(_figures(41, 0.8), plain) == {}
