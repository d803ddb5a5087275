import numpy as np
import pytest

from app.ranking.candidates import CandidateTable
from app.ranking.columns import COMPONENTS, Column, ColumnTable
from app.ranking.evidence import EvidenceBase, Target, influences, round_size
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Candidate, Hyperparameters, Prior, fit_prior, predict
from app.ranking.table import build_table
from app.ranking.traits import TRAITS, traits
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Benchmark, Figure, Protocol
from models_registry.vocabulary import Modality, Strategy, TaskType
from tests.factories import make_benchmark, make_entry, make_figure, numbered

MODELS = [f"org/m{i}" for i in range(6)]
ENTRIES = {f"huggingface:{m}": make_entry(m, family=f"f{i}") for i, m in enumerate(MODELS)}
HYPER = Hyperparameters(
    family=np.full(len(COMPONENTS), 0.05),
    own=np.full(len(COMPONENTS), 0.15),
    noise=0.05,
    trait_variance=0.1,
    version="test",
)


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
    return fit_prior(build_table(numbered(figures), benchmarks, ENTRIES), HYPER)


def _target(language: str) -> Column:
    return Column.of(make_benchmark("new", languages=(language,)), Protocol.FINE_TUNED, "accuracy")


def _candidates() -> list[Candidate]:
    return [Candidate(entry=e, row=e.key, family=e.family) for e in ENTRIES.values()]


def test_figures_in_the_same_language_decide_the_order(prior: Prior) -> None:
    english = predict(prior, _candidates(), [_target("en")]).mean
    chinese = predict(prior, _candidates(), [_target("zh")]).mean
    assert english.argmax() == 5
    assert chinese.argmax() == 0


def test_prediction_agrees_with_a_dense_gaussian_process(prior: Prior) -> None:
    table = prior.table
    similarity = table.columns.similarity(table.columns)
    own, family = (np.tensordot(v, similarity, axes=1) for v in (HYPER.own, HYPER.family))
    c, m = table.column, table.model
    same = m[:, None] == m[None, :]  # every family here has one model
    covariance = (own + family)[np.ix_(c, c)] * same + HYPER.noise * np.eye(len(c))
    rows = prior.trait_rows
    covariance += HYPER.trait_variance * rows @ rows.T
    target = _target("en")
    across = np.tensordot(HYPER.own + HYPER.family, ColumnTable([target]).similarity(table.columns), axes=1)[
        0
    ]
    entry = ENTRIES["huggingface:org/m2"]
    h = traits([entry], [target])[0]
    row = across[c] * (m == table.models.index("huggingface:org/m2")) + HYPER.trait_variance * rows @ h
    expected = row @ np.linalg.solve(covariance, prior.standard)
    found = predict(prior, [Candidate(entry=entry, row=entry.key, family=entry.family)], [target])
    assert found.mean[0] == pytest.approx(expected, abs=1e-8)


def test_model_without_figures_is_predicted_with_a_wide_interval(prior: Prior) -> None:
    stranger = make_entry("org/new", family="new")
    known, unknown = (
        predict(prior, [Candidate(entry=e, row=e.key, family=e.family)], [_target("en")]).covariance[0, 0]
        for e in (ENTRIES["huggingface:org/m2"], stranger)
    )
    assert unknown > 1.5 * known


def test_relative_of_a_known_model_is_less_uncertain_than_a_stranger(prior: Prior) -> None:
    relative, stranger = (
        predict(prior, [Candidate(entry=None, row="none", family=f)], [_target("en")]).covariance[0, 0]
        for f in ("f2", "unheard-of")
    )
    assert relative < stranger


def test_prediction_does_not_depend_on_the_order_of_figures() -> None:
    figures, benchmarks = _world()
    shuffled = [numbered(figures)[i] for i in np.random.default_rng(0).permutation(len(figures))]
    priors = [fit_prior(build_table(f, benchmarks, ENTRIES), HYPER) for f in (numbered(figures), shuffled)]
    first, second = (predict(p, _candidates(), [_target("en")]).mean for p in priors)
    np.testing.assert_allclose(first, second, atol=1e-10)


def test_one_failed_run_does_not_throw_a_model_to_the_bottom() -> None:
    figures, benchmarks = _world()
    figures.append(make_figure("huggingface:org/m5", "en9", 0.01))
    figures += [make_figure(f"huggingface:{m}", "en9", 0.8) for m in MODELS[:5]]
    benchmarks["en9"] = make_benchmark("en9")
    prior = fit_prior(build_table(numbered(figures), benchmarks, ENTRIES), HYPER)
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
    expected = traits([base.candidates.entries[3]], [held.target.tuned])[0] @ prior.beta
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


@pytest.mark.parametrize(("n", "rounded"), [(1, 1), (950, 1000), (6212, 10_000), (4000, 3162)])
def test_sizes_are_rounded_to_half_decades(n: int, rounded: int) -> None:
    assert round_size(n) == rounded


def test_shipped_hyperparameters_are_complete_and_positive() -> None:
    hyper = load_hyperparameters()
    assert np.all(hyper.family > 0)
    assert np.all(hyper.own > 0)
    assert hyper.noise > 0
    assert len(TRAITS) == len(set(TRAITS))
