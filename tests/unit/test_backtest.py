import numpy as np
import pytest

from app.evaluation.backtest import backtest, regret
from app.ranking.described import Described
from app.ranking.fitted import load_hyperparameters
from tests.factories import make_benchmark, make_entry, make_figure, numbered

N_MODELS = 8
KNOWN = {
    f"huggingface:org/m{i}": Described.of(make_entry(f"org/m{i}", family=f"f{i}")) for i in range(N_MODELS)
}
BENCHMARKS = {f"b{j}": make_benchmark(f"b{j}") for j in range(5)}


def test_order_that_all_benchmarks_share_is_found_on_the_hidden_one() -> None:
    figures = [
        make_figure(model, name, 0.6 + 0.03 * i + 0.01 * j)
        for i, model in enumerate(KNOWN)
        for j, name in enumerate(BENCHMARKS)
    ]
    results = backtest(numbered(figures), BENCHMARKS, KNOWN, load_hyperparameters())
    assert [r.name for r in results] == list(BENCHMARKS)
    assert min(r.tau_w for r in results) > 0.9
    assert max(r.regret_at_1 for r in results) == pytest.approx(0.0, abs=1e-9)


def test_figures_of_the_hidden_benchmark_are_not_seen() -> None:
    rng = np.random.default_rng(0)
    figures = [
        make_figure(model, name, float(rng.uniform(0.6, 0.9))) for model in KNOWN for name in BENCHMARKS
    ]
    results = backtest(numbered(figures), BENCHMARKS, KNOWN, load_hyperparameters())
    assert abs(np.mean([r.tau_w for r in results])) < 0.6


def test_only_the_suites_asked_for_are_reported() -> None:
    figures = [make_figure(m, name, 0.7 + 0.01 * i) for i, m in enumerate(KNOWN) for name in BENCHMARKS]
    results = backtest(numbered(figures), BENCHMARKS, KNOWN, load_hyperparameters(), suites=frozenset({"b2"}))
    assert [r.suite for r in results] == ["b2"]


def test_regret_is_counted_in_points_and_shrinks_with_more_tries() -> None:
    true, predicted = np.array([0.0, 1.0, 2.0]), np.array([3.0, 2.0, 1.0])
    first, both, all_three = (regret(true, predicted, k, "accuracy") for k in (1, 2, 3))
    assert first > both > all_three == 0.0
    assert first == pytest.approx(38.1, abs=1.0)
