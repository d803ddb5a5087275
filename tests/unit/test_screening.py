"""What is passed over in a large catalogue, and that it does not change what is answered."""

import numpy as np
import pytest
from scipy.special import ndtr

from app.advice import advise
from app.exclusions import Rule
from app.question import Question
from app.ranking.candidates import CandidateTable
from app.ranking.columns import ColumnTable
from app.ranking.described import Described
from app.ranking.devices import device_named
from app.ranking.evidence import EvidenceBase
from app.ranking.prediction import Candidate, Piece, predict
from app.ranking.prior import fit_prior
from app.ranking.rest import best_of
from app.ranking.table import build_table
from app.ranking.target import Target
from app.ranking.traits import traits
from app.recall import Budget, Constraints
from app.task_profile.profile import TaskProfile
from models_registry.vocabulary import Domain, Modality, TaskType
from tests.factories import make_benchmark, make_entry, make_figure, make_hyperparameters, numbered

N_MODELS = 40
PROFILE = TaskProfile(
    task_type=TaskType.TEXT_CLASSIFICATION, modality=Modality.TEXT, languages=("en",), domain=Domain.REVIEWS
)
HYPER = make_hyperparameters()


@pytest.fixture
def base() -> EvidenceBase:
    """Families of four; every fifth model has no figures."""
    rng = np.random.default_rng(0)
    entries = [
        make_entry(f"org/m{i:02}", family=f"f{i // 4}", n_parameters=50_000_000 + i * 2_000_000)
        for i in range(N_MODELS)
    ]
    benchmarks = {f"b{j}": make_benchmark(f"b{j}") for j in range(6)}
    figures = [
        make_figure(e.key, name, float(np.clip(0.6 + 0.006 * i + 0.03 * rng.normal(), 0.05, 0.98)))
        for i, e in enumerate(entries)
        if i % 5
        for name in benchmarks
    ]
    table = CandidateTable(tuple(entries))
    known = {e.key: Described.of(e) for e in entries}
    return EvidenceBase(fit_prior(build_table(numbered(figures), benchmarks, known), HYPER), table)


def question() -> Question:
    return Question(
        profile=PROFILE,
        device=device_named("cpu"),
        budget=Budget(memory_bytes=64e9),
        constraints=Constraints(),
        top_k=5,
    )


def test_means_of_the_outlook_are_those_of_the_prediction_and_deviations_are_bounds(
    base: EvidenceBase,
) -> None:
    target = Target.of(PROFILE)
    view, outlook = base.view(target), base.outlook(target)
    candidates = [Candidate(described=Described.of(e), row=e.key) for e in base.candidates.entries]
    found = predict(base.prior, candidates, target.columns)
    mean = np.array(view.levels) + view.spread * found.mean.reshape(-1, 2)
    np.testing.assert_allclose(outlook.mean, mean, atol=1e-9)
    traits = view.spread**2 * np.array(
        [p @ base.prior.beta_covariance @ p for p in _unexplained(base, candidates, target)]
    )
    exact = view.spread**2 * np.diag(found.covariance) - traits
    assert np.all(np.square(outlook.deviation).ravel() >= exact - 1e-9)


def _unexplained(base: EvidenceBase, candidates: list[Candidate], target: Target) -> np.ndarray:
    view, columns = base.view(target), ColumnTable(target.columns)
    model, column = np.divmod(np.arange(2 * len(candidates)), 2)
    rows = traits([c.described for c in candidates], columns, model, column).reshape(len(candidates), 2, -1)
    pieces = [Piece.of(base.prior, view.kernels, c, r) for c, r in zip(candidates, rows, strict=True)]
    return np.concatenate([p.unexplained for p in pieces])


def test_screening_shows_the_same_models_and_keeps_their_chances(
    base: EvidenceBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = advise(question(), base)
    monkeypatch.setattr("app.ranking.evidence.MOST_BELIEVED", 10)
    monkeypatch.setattr("app.screening.MOST_BELIEVED", 10)
    monkeypatch.setattr("app.screening.CLOSER_LOOK", 10)
    fresh = EvidenceBase(base.prior, base.candidates, base.calibration)
    part = advise(question(), fresh)
    assert [r.entry.id for r in part.ranking] == [r.entry.id for r in whole.ranking]
    assert [r.score.mean for r in part.ranking] == pytest.approx([r.score.mean for r in whole.ranking])
    chances = [sum(r.p_best for r in advice.ranking) for advice in (part, whole)]
    assert chances[0] == pytest.approx(chances[1], rel=0.35)
    assert part.expected_regret == pytest.approx(whole.expected_regret, rel=0.2)
    assert part.exclusions.counts[Rule.OUTRANKED] == N_MODELS - 10
    excluded = part.excluded(0, 50)
    assert {e.rule for e in excluded} == {Rule.OUTRANKED}
    assert excluded[0].needed.endswith("standard deviations below the best")


def test_draws_of_the_best_of_many_follow_its_distribution() -> None:
    rng = np.random.default_rng(1)
    mean, deviation = rng.normal(size=500), rng.uniform(0.2, 0.4, size=500)
    draws = best_of(mean, deviation, 4096, seed=0)
    for point in np.quantile(draws, [0.1, 0.5, 0.9]):
        expected = float(np.prod(ndtr((point - mean) / deviation)))
        assert float(np.mean(draws <= point)) == pytest.approx(expected, abs=0.04)
