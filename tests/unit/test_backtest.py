"""Backtests of small worlds whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from app.evaluation.asked import AskedColumn, asked_columns
from app.evaluation.backtest import ColumnResult, backtest
from app.evaluation.baselines import predictions
from app.evaluation.cold_start import cold_benchmarks, cold_families, family_folds, without_families
from app.evaluation.corpus import Corpus
from app.evaluation.document import backtest_document
from app.evaluation.measures import Order, coverage, regret
from app.ranking.described import Described
from app.ranking.fitted import load_hyperparameters
from benchmarks.figures import Benchmark, Figure, Protocol
from tests.factories import make_benchmark, make_entry, make_figure

HYPER = load_hyperparameters()
MODELS = [f"huggingface:org/m{i}" for i in range(8)]
KNOWN = {m: Described.of(make_entry(f"org/m{i}", family=f"f{i // 2}")) for i, m in enumerate(MODELS)}
SUITE = [make_benchmark(f"b{j}", suite="made") for j in range(5)]


def make_corpus(figures: list[Figure], benchmarks: list[Benchmark]) -> Corpus:
    return Corpus(figures=figures, benchmarks={b.name: b for b in benchmarks}, known=KNOWN, copies={})


def agreeing(benchmarks: list[Benchmark]) -> list[Figure]:
    """All benchmarks order the models alike."""
    return [
        make_figure(model, b.name, 0.6 + 0.03 * i + 0.01 * j)
        for i, model in enumerate(MODELS)
        for j, b in enumerate(benchmarks)
    ]


def run(corpus: Corpus, *, is_exact: bool = False) -> list[ColumnResult]:
    return backtest(corpus, asked_columns(corpus.figures, corpus.benchmarks), HYPER, is_exact=is_exact)


@pytest.mark.parametrize("is_exact", [False, True])
def test_order_that_all_benchmarks_share_is_found_on_the_hidden_one(is_exact: bool) -> None:
    results = run(make_corpus(agreeing(SUITE), SUITE), is_exact=is_exact)
    assert [r.asked.name for r in results] == [b.name for b in SUITE]
    assert min(r.order.tau_w for r in results) > 0.9
    assert max(r.order.regret_at_1 for r in results) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("spelling", [{"protocol": Protocol.LINEAR_PROBE}, {"benchmark": "alias"}])
def test_hidden_data_set_cannot_be_seen_under_another_protocol_or_name(spelling: dict[str, str]) -> None:
    """The order on b0 is the reverse of all others; its copy must not give that away."""
    benchmarks = [*SUITE, make_benchmark("alias", suite="elsewhere", dataset="b0")]
    reverse = [make_figure(m, "b0", 0.9 - 0.03 * i) for i, m in enumerate(MODELS)]
    rest = agreeing(SUITE[1:])
    leak = [replace(f, **spelling) for f in reverse]  # type: ignore[arg-type]
    alone = run(make_corpus([*rest, *reverse], benchmarks), is_exact=True)
    leaked = run(make_corpus([*rest, *reverse, *leak], benchmarks), is_exact=True)
    of_b0 = [
        [r for r in found if r.asked.column.dataset == "b0"][-1].order.tau_w for found in (alone, leaked)
    ]
    assert of_b0[0] < -0.8
    assert of_b0[1] == of_b0[0]
    quick = run(make_corpus([*rest, *reverse, *leak], benchmarks))
    assert all(r.order.tau_w < -0.8 for r in quick if r.asked.column.dataset == "b0")


def test_columns_with_fewer_than_five_models_are_not_asked_for() -> None:
    figures = [make_figure(m, "b0", 0.7) for m in MODELS[:4]] + [
        make_figure(m, "b1", 0.7) for m in MODELS[:5]
    ]
    assert [a.name for a in asked_columns(figures, {b.name: b for b in SUITE})] == ["b1"]


def test_repeated_figures_are_averaged_with_their_errors() -> None:
    figures = [make_figure(m, "b0", 0.5, std_error=0.02) for m in MODELS[:5]]
    figures += [make_figure(MODELS[0], "b0", 0.5, std_error=0.02)]
    (column,) = asked_columns(figures, {"b0": SUITE[0]})
    assert column.values == pytest.approx(0.5)
    assert column.errors[0] == pytest.approx(column.errors[1] / np.sqrt(2))


def test_regret_is_counted_in_points() -> None:
    true = np.log(np.array([0.9, 0.8, 0.5, 0.7]) / (1 - np.array([0.9, 0.8, 0.5, 0.7])))
    predicted = np.array([1.0, 2.0, 4.0, 3.0])
    assert regret(true, predicted, 1, "accuracy") == pytest.approx(40.0, abs=0.5)
    assert regret(true, predicted, 3, "accuracy") == pytest.approx(10.0, abs=0.2)
    assert regret(true, predicted, 4, "accuracy") == 0.0


def test_regret_of_an_error_rate_is_positive_too() -> None:
    true = -np.log(np.array([0.1, 0.3]))
    assert regret(true, np.array([0.0, 1.0]), 1, "wer") == pytest.approx(20.0)


def test_coverage_counts_errors_within_each_interval() -> None:
    error = np.array(
        [0.0, 0.7, -0.8, 1.2, 1.5, -1.7, 2.1]
    )  # half widths .674, .842, 1.036, 1.282, 1.645, 1.960
    assert coverage(2.0 * error, np.full(7, 4.0)) == pytest.approx(np.array([1, 3, 3, 4, 5, 6]) / 7)


def _column(name: str, values: list[float]) -> AskedColumn:
    figures = [make_figure(m, name, v) for m, v in zip(MODELS, values, strict=False)]
    return asked_columns(figures, {b.name: b for b in SUITE})[0]


def test_static_lists_are_made_from_the_other_benchmarks_by_their_definitions() -> None:
    hidden = _column("b0", [0.5, 0.6, 0.7, 0.8, 0.9])
    first, second = _column("b1", [0.9, 0.8, 0.7, 0.6, 0.5]), _column("b2", [0.2, 0.8, 0.4, 0.6, 0.1])
    known = {m: replace(KNOWN[m], n_parameters=10 * i) for i, m in enumerate(MODELS)}
    found = predictions(hidden, [hidden, first, second], known)
    assert found["most_parameters"].tolist() == [0, 10, 20, 30, 40]
    assert found["best_average"] == pytest.approx([0.55, 0.8, 0.55, 0.6, 0.3])
    assert found["consensus_z"][1] == pytest.approx(
        (0.1 / np.sqrt(0.02) + 0.38 / np.std([2, 8, 4, 6, 1]) * 10) / 2
    )
    assert found["top_heavy"][0] == pytest.approx((-np.log(0.1) - np.log(0.7)) / 2)
    assert found["nearest_benchmark"] == pytest.approx(first.values)


def test_model_that_no_other_benchmark_measured_ranks_last() -> None:
    hidden = _column("b0", [0.5, 0.6, 0.7, 0.8, 0.9, 0.4])
    found = predictions(hidden, [hidden, _column("b1", [0.9, 0.8, 0.7, 0.6, 0.5])], KNOWN)
    assert all(found[name].argmin() == 5 for name in ("best_average", "consensus_z", "top_heavy"))


def test_models_that_were_trained_on_the_data_set_are_counted_apart() -> None:
    known = {**KNOWN, MODELS[7]: replace(KNOWN[MODELS[7]], fine_tuned_on=("b0",))}
    corpus = replace(make_corpus(agreeing(SUITE), SUITE), known=known)
    result = run(corpus)[0]
    assert result.n_trained_before == 1
    assert backtest_document([result])["benchmarks"][0]["n_trained_before"] == 1  # type: ignore[index]


def test_mean_counts_an_undefined_tau_as_no_knowledge() -> None:
    tied = Order.of(np.arange(5.0), np.zeros(5), "wer")
    perfect = Order.of(np.arange(5.0), np.arange(5.0), "wer")
    assert Order.mean([tied, perfect]).tau == pytest.approx(0.5)


def test_fold_never_sees_the_figures_of_its_families() -> None:
    figures = agreeing(SUITE)
    changed = [replace(f, value=0.95 - f.value / 3) if KNOWN[f.model].family == "f0" else f for f in figures]
    asked = asked_columns(figures, {b.name: b for b in SUITE})
    first, second = (
        [p.mean for _, p in without_families(make_corpus(world, SUITE), asked, HYPER, {"f0"})]
        for world in (figures, changed)
    )
    np.testing.assert_array_equal(first, second)
    seen = [p.mean for _, p in without_families(make_corpus(changed, SUITE), asked, HYPER, {"f1"})]
    assert not np.allclose(first, seen)


def test_cold_families_are_judged_apart_and_mixed() -> None:
    corpus = make_corpus(agreeing(SUITE), SUITE)
    asked = asked_columns(corpus.figures, corpus.benchmarks)
    assert sorted(family_folds(corpus, asked).values()) == [0, 1, 2, 3]
    apart, mixed = cold_families(corpus, asked, HYPER)
    assert set(apart[0].baselines) == {"most_parameters"}
    assert set(mixed[0].baselines) == {"most_parameters", "consensus_z"}
    assert np.mean([r.order.tau_w for r in mixed]) > np.mean([r.order.tau_w for r in apart])


def test_cold_benchmark_is_predicted_from_other_suites_alone() -> None:
    elsewhere = [make_benchmark(f"e{j}", suite="elsewhere") for j in range(3)]
    upside_down = [replace(f, value=1.5 - f.value - 0.1) for f in agreeing(SUITE)]
    corpus = make_corpus([*upside_down, *agreeing(elsewhere)], [*SUITE, *elsewhere])
    asked = [a for a in asked_columns(corpus.figures, corpus.benchmarks) if a.column.suite == "made"]
    results = cold_benchmarks(corpus, asked, HYPER)
    assert max(r.order.tau_w for r in results) < -0.8
    assert max(r.baselines["consensus_z"].tau_w for r in results) < -0.8


def test_document_has_the_fields_of_the_contract() -> None:
    document = backtest_document(run(make_corpus(agreeing(SUITE), SUITE)))
    orders = {"tau_w", "tau", "regret_at_1", "regret_at_3"}
    assert {"name", *orders, "coverage", "n_models"} <= set(document["benchmarks"][0])  # type: ignore[index]
    assert {*orders, "coverage"} <= set(document["mean"])  # type: ignore[call-overload]
    assert set(document["baselines"]) == {  # type: ignore[call-overload]
        "most_parameters", "best_average", "consensus_z", "top_heavy", "nearest_benchmark"
    }  # fmt: skip
