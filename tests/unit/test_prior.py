import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.ranking.calibration import calibrate
from app.ranking.candidates import CandidateTable
from app.ranking.columns import COMPONENTS, Column, ColumnTable
from app.ranking.described import Described
from app.ranking.evidence import EvidenceBase, UnknownFigureError
from app.ranking.fitted import load_hyperparameters
from app.ranking.influences import influences
from app.ranking.prediction import Candidate, gains, predict
from app.ranking.prior import Prior, fit_prior, prepare, solve
from app.ranking.table import build_table
from app.ranking.target import Target, round_size
from app.ranking.traits import TRAITS, traits
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Benchmark, Figure, Protocol
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Modality, Strategy, TaskType
from tests.factories import make_benchmark, make_entry, make_figure, make_hyperparameters, numbered

MODELS = [f"org/m{i}" for i in range(6)]
ENTRIES = {f"huggingface:{m}": make_entry(m, family=f"f{i}") for i, m in enumerate(MODELS)}
KNOWN = {name: Described.of(e) for name, e in ENTRIES.items()}
HYPER = make_hyperparameters()


def _world() -> tuple[list[Figure], dict[str, Benchmark]]:
    """English benchmarks on which a higher index is better, Chinese ones on which it is worse."""
    benchmarks = {f"en{j}": make_benchmark(f"en{j}") for j in range(4)}
    benchmarks |= {f"zh{j}": make_benchmark(f"zh{j}", languages=("zh",)) for j in range(4)}
    figures = [
        make_figure(f"huggingface:{m}", name, 0.7 + 0.02 * (i if name.startswith("en") else 5 - i) + 0.01 * j)
        for i, m in enumerate(MODELS)
        for j, name in enumerate(benchmarks)
    ]
    return figures, benchmarks


@pytest.fixture(scope="module")
def prior() -> Prior:
    figures, benchmarks = _world()
    return fit_prior(build_table(numbered(figures), benchmarks, KNOWN), HYPER)


def _target(language: str) -> Column:
    return Column.of(make_benchmark("new", languages=(language,)), Protocol.FINE_TUNED, "accuracy")


def _candidates() -> list[Candidate]:
    return [Candidate(described=d, row=d.name) for d in KNOWN.values()]


def test_figures_in_the_same_language_decide_the_order(prior: Prior) -> None:
    english = predict(prior, _candidates(), [_target("en")]).mean
    chinese = predict(prior, _candidates(), [_target("zh")]).mean
    assert english.argmax() == 5
    assert chinese.argmax() == 0


def _dense(prior: Prior, targets: list[Column], names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance by one dense Gaussian process over all cells, model-major."""
    table = prior.table
    everything = ColumnTable([*table.columns.columns, *targets])
    own, shared = (
        np.tensordot(v, everything.similarity(everything), axes=1) for v in (HYPER.own, HYPER.family)
    )
    asked = [(n, len(table.columns) + t) for n in names for t in range(len(targets))]
    cells = [(table.models[m], c) for m, c in zip(table.model, table.column, strict=True)]
    pairs = [*cells, *asked]
    model = np.array([table.models.index(n) for n, _ in pairs])
    column = np.array([c for _, c in pairs])
    family = np.array([KNOWN[n].family for n, _ in pairs])
    rows = traits([KNOWN[n] for n in table.models], everything, model, column)
    covariance = shared[np.ix_(column, column)] * (family[:, None] == family)
    covariance += own[np.ix_(column, column)] * (model[:, None] == model)
    covariance += HYPER.trait_variance * rows @ rows.T
    n = len(cells)
    noisy = covariance[:n, :n] + HYPER.noise * np.eye(n)
    gain = np.linalg.solve(noisy, covariance[:n, n:]).T
    return gain @ prior.standard, covariance[n:, n:] - gain @ covariance[:n, n:]


@pytest.mark.parametrize("families", [range(6), [0, 0, 0, 1, 1, 2]])
def test_prediction_agrees_with_a_dense_gaussian_process(
    families: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {n: replace(d, family=f"f{f}") for (n, d), f in zip(KNOWN.items(), families, strict=True)}
    monkeypatch.setattr(sys.modules[__name__], "KNOWN", known)
    figures, benchmarks = _world()
    prior = solve(prepare(build_table(numbered(figures[:-3]), benchmarks, known), HYPER))
    targets, names = [_target("en"), _target("zh")], list(known)
    found = predict(prior, _candidates(), targets)
    mean, covariance = _dense(prior, targets, names)
    np.testing.assert_allclose(found.mean, mean, atol=1e-8)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-8)
    cells, moved = gains(prior, found, 3)
    residual = prior.standard - prior.trait_rows @ prior.beta
    row = traits([known[names[1]]], ColumnTable([targets[1]]), np.array([0]), np.array([0]))[0]
    assert row @ prior.beta + moved @ residual[cells] == pytest.approx(found.mean[3], abs=1e-8)


def test_hiding_a_data_set_equals_never_having_seen_it() -> None:
    figures, benchmarks = _world()
    prepared = prepare(build_table(numbered(figures), benchmarks, KNOWN), HYPER)
    hidden = np.array([c.dataset == "en2" for c in prepared.table.columns.columns])
    rest = [f for f in figures if f.benchmark != "en2"]
    never = solve(prepare(build_table(numbered(rest), benchmarks, KNOWN), HYPER))
    found, expected = (
        predict(p, _candidates(), [_target("en")]) for p in (solve(prepared.hiding(hidden)), never)
    )
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-8)


def test_errors_of_hidden_data_sets_are_those_of_predicting_them(prior: Prior) -> None:
    figures, benchmarks = _world()
    prepared = prepare(build_table(numbered(figures), benchmarks, KNOWN), HYPER)
    whole = solve(prepared)
    errors, variances = whole.hidden_errors()
    column = next(i for i, c in enumerate(whole.table.columns.columns) if c.benchmark == "zh1")
    cells = np.flatnonzero(whole.table.column == column)
    _, covariance = _dense_without(whole, column)
    np.testing.assert_allclose(variances[cells], covariance, atol=1e-8)
    assert np.all(np.isfinite(errors))


def test_effect_of_a_figure_is_the_change_when_it_is_left_out(prior: Prior) -> None:
    base = EvidenceBase(prior, CandidateTable(tuple(ENTRIES.values())))
    profile = TaskProfile(task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",))
    held = base.belief_for(profile)
    metric = metric_named("accuracy")
    for influence in influences(base, held, 3, Strategy.FULL, limit=4):
        other = base.without([influence.figure.id]).belief_for(profile)
        arm = 2 * held.position[3]
        change = float(np.subtract(*metric.from_comparable([other.belief.mean[arm], held.belief.mean[arm]])))
        assert influence.effect == pytest.approx(change, abs=1e-9)
        assert other.belief.covariance[arm, arm] > held.belief.covariance[arm, arm]
    with pytest.raises(UnknownFigureError):
        base.without([10**9])


def test_a_family_without_any_of_its_figures_is_as_one_never_measured(prior: Prior) -> None:
    model = prior.table.number_of["huggingface:org/m3"]
    without = prior.without(prior.table.cells_of(model))  # every family here has one model
    described = KNOWN["huggingface:org/m3"]
    found, stranger = (
        predict(p, [Candidate(described=d, row=d.name)], [_target("en")])
        for p, d in ((without, described), (prior, replace(described, name="none", family="none")))
    )
    assert described.family not in without.families
    assert len(without.families) == len(prior.families) - 1
    np.testing.assert_allclose(found.mean, stranger.mean, atol=1e-9)
    np.testing.assert_allclose(found.covariance, stranger.covariance, atol=1e-9)


def _dense_without(prior: Prior, column: int) -> tuple[None, np.ndarray]:
    """Variance of every model's cell on a column given its family's other cells, traits held."""
    table = prior.table
    full = prior.shared + prior.own  # every family here has one model
    found = []
    for m in range(len(table.models)):
        cells = table.cells_of(m)
        rest = table.column[cells][table.column[cells] != column]
        across = full[column, rest]
        inverse = np.linalg.inv(full[np.ix_(rest, rest)] + HYPER.noise * np.eye(len(rest)))
        found.append(full[column, column] + HYPER.noise - across @ inverse @ across)
    return None, np.array(found)


def test_model_without_figures_is_predicted_with_a_wide_interval(prior: Prior) -> None:
    stranger = make_entry("org/new", family="new")
    known, unknown = (
        predict(prior, [Candidate(described=d, row=d.name)], [_target("en")]).covariance[0, 0]
        for d in (KNOWN["huggingface:org/m2"], Described.of(stranger))
    )
    assert unknown > 1.5 * known


def test_relative_of_a_known_model_is_less_uncertain_than_a_stranger(prior: Prior) -> None:
    relative, stranger = (
        predict(
            prior, [Candidate(described=Described(name="none", family=f), row="none")], [_target("en")]
        ).covariance[0, 0]
        for f in ("f2", "unheard-of")
    )
    assert relative < stranger


def test_prediction_does_not_depend_on_the_order_of_figures() -> None:
    figures, benchmarks = _world()
    shuffled = [numbered(figures)[i] for i in np.random.default_rng(0).permutation(len(figures))]
    priors = [fit_prior(build_table(f, benchmarks, KNOWN), HYPER) for f in (numbered(figures), shuffled)]
    first, second = (predict(p, _candidates(), [_target("en")]).mean for p in priors)
    np.testing.assert_allclose(first, second, atol=1e-10)


def test_one_failed_run_does_not_throw_a_model_to_the_bottom() -> None:
    figures, benchmarks = _world()
    figures.append(make_figure("huggingface:org/m5", "en9", 0.01))
    figures += [make_figure(f"huggingface:{m}", "en9", 0.8) for m in MODELS[:5]]
    benchmarks["en9"] = make_benchmark("en9")
    prior = fit_prior(build_table(numbered(figures), benchmarks, KNOWN), HYPER)
    order = np.argsort(-predict(prior, _candidates(), [_target("en")]).mean)
    assert list(order).index(5) <= 3


def test_own_similarity_is_the_largest_of_all() -> None:
    table = ColumnTable([_target("en"), _target("zh")])
    similarity = table.similarity(table)
    assert np.all(similarity <= 1.0)
    np.testing.assert_allclose(np.diagonal(similarity[COMPONENTS.index("language")]), 1.0)
    assert similarity[COMPONENTS.index("language"), 0, 1] == 0.0


@pytest.mark.parametrize("component", range(len(COMPONENTS)))
def test_every_component_is_positive_semi_definite(component: int) -> None:
    columns = [
        Column.of(make_benchmark(f"b{i}", languages=languages, n_train=10**i), protocol, "accuracy")
        for i, languages in enumerate([("en",), ("zh",), ("en", "zh"), (), ("de",)], start=2)
        for protocol in (Protocol.FINE_TUNED, Protocol.LINEAR_PROBE)
    ]
    table = ColumnTable(columns)
    assert np.linalg.eigvalsh(table.similarity(table)[component]).min() > -1e-9


def test_influences_explain_the_prediction(prior: Prior) -> None:
    base = EvidenceBase(prior, CandidateTable(tuple(ENTRIES.values())))
    profile = TaskProfile(task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",))
    held = base.belief_for(profile)
    found = influences(base, held, 3, Strategy.FULL, limit=100)
    arm = 2 * held.position[3]
    tuned = ColumnTable([held.target.tuned])
    row = traits([Described.of(base.candidates.entries[3])], tuned, np.array([0]), np.array([0]))[0]
    expected = row @ prior.beta
    assert expected + sum(i.pull for i in found) == pytest.approx(held.prediction.mean[arm], abs=1e-3)
    assert {i.figure.figure.benchmark[:2] for i in found[:2]} == {"en"}


def test_belief_of_equal_targets_is_shared_and_of_others_is_not(prior: Prior) -> None:
    base = EvidenceBase(prior, CandidateTable(tuple(ENTRIES.values())))
    profile = TaskProfile(
        task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",), n_examples=5000
    )
    near = TaskProfile(
        task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",), n_examples=5100
    )
    chinese = TaskProfile(
        task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=(), n_examples=5000
    )
    assert base.belief_for(profile) is base.belief_for(near)
    assert base.belief_for(profile) is not base.belief_for(chinese)


def test_small_data_are_compared_with_few_shot_benchmarks() -> None:
    few, many = (
        Target.of(TaskProfile(task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, n_examples=n))
        for n in (500, 50_000)
    )
    assert few.tuned.protocol is Protocol.FEW_SHOT_TUNED
    assert many.tuned.protocol is Protocol.FINE_TUNED


def test_where_representations_are_compared_frozen_models_are_those_of_zero_shot_benchmarks() -> None:
    search, sort = (
        Target.of(TaskProfile(task_type=t, modality=Modality.TEXT, n_examples=500))
        for t in (TaskType.TEXT_RETRIEVAL, TaskType.TEXT_CLASSIFICATION)
    )
    assert search.frozen.protocol is Protocol.ZERO_SHOT
    assert sort.frozen.protocol is Protocol.LINEAR_PROBE


@pytest.mark.parametrize(("n", "rounded"), [(1, 1), (950, 1000), (6212, 10_000), (4000, 3162)])
def test_sizes_are_rounded_to_half_decades(n: int, rounded: int) -> None:
    assert round_size(n) == rounded


def test_shipped_hyperparameters_are_complete_and_positive() -> None:
    hyper = load_hyperparameters()
    assert np.all(hyper.family > 0)
    assert np.all(hyper.own > 0)
    assert hyper.noise > 0
    assert len(TRAITS) == len(set(TRAITS))


def test_calibration_judges_a_noisy_column_as_the_new_one_that_it_would_have_been(prior: Prior) -> None:
    """A new column is served with the noise of any other: noise found since must not make intervals hold."""
    errors, variances = prior.hidden_errors()
    excess = np.where(prior.table.column == 0, 1.0, 0.0)
    noisy = replace(prior, noise=prior.noise + excess)
    before = calibrate(prior, (errors, variances)).factor(_target("en"))
    after = calibrate(noisy, (errors, variances + excess)).factor(_target("en"))
    assert after == pytest.approx(before)
