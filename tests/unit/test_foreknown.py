"""What the other data sets of a file, and prices, tell beforehand."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from app.evaluation.replay.foreknown import (
    Arm,
    Finished,
    Foreknown,
    Moments,
    Outcomes,
    cost_of,
    moments_of,
    outcomes_by_dataset,
)
from app.fitting.fine_tunes import load_fine_tunes
from app.fitting.recorded_tasks import recorded_tasks
from app.fitting.transferability_scores import load_transferability
from app.ranking.probe_model import load_probe_model

Array = NDArray[np.float64]

N_ARMS = 40
ARMS: tuple[Arm, ...] = tuple((f"org/m{i // 2}", ("full", "lora")[i % 2], "") for i in range(N_ARMS))
COST = np.zeros(N_ARMS)
RECORDED = Moments(within=6.0, within_degrees=100.0, between=1.8, between_degrees=10.0, n_datasets=11.0)


def foreknown(price: float = 0.0, alike: float = 0.0) -> Foreknown:
    return Foreknown(mean=1.0, shared=0.8, priced=(3.0 * price, 3.0), alike=alike, moments=RECORDED)


def outcomes(scores: Array, seconds: Array) -> Outcomes:
    return outcomes_by_dataset([Finished(dataset="d", arms=ARMS, scores=scores, seconds=seconds)])["d"]


def drawn(n_datasets: int, *, lasting: float, passing: float, seed: int = 0) -> tuple[list[Outcomes], Array]:
    """Data sets on which arms deviate alike in part; what they share."""
    rng = np.random.default_rng(seed)
    shared = np.sqrt(lasting) * rng.standard_normal(N_ARMS)
    found = []
    for _ in range(n_datasets):
        y = rng.normal(1.0, 1.0) + shared + np.sqrt(passing) * rng.standard_normal(N_ARMS)
        found.append(outcomes(y, np.full(N_ARMS, 2.0)))
    return found, shared


@pytest.mark.parametrize(("lasting", "passing"), [(0.2, 0.05), (0.05, 0.2), (0.0, 0.1)])
def test_moments_tell_what_lasts_from_what_passes(lasting: float, passing: float) -> None:
    found, _ = drawn(30, lasting=lasting, passing=passing)
    moments = moments_of(found, price=0.0, alike=0.0)
    assert moments.passing == pytest.approx(passing, rel=0.15)
    assert moments.lasting == pytest.approx(lasting, rel=0.4, abs=0.01)


def test_other_data_sets_foretell_what_lasts() -> None:
    found, shared = drawn(10, lasting=0.3, passing=0.05)
    belief = foreknown().believe(ARMS, COST, found)
    assert np.corrcoef(belief.mean, shared)[0, 1] > 0.95
    assert np.all(np.diag(belief.covariance) < 0.1)
    assert np.linalg.eigvalsh(belief.covariance).min() > 0.0


def test_order_of_the_other_data_sets_does_not_matter() -> None:
    found, _ = drawn(5, lasting=0.3, passing=0.1)
    one, other = (foreknown().believe(ARMS, COST, list(some)) for some in (found, reversed(found)))
    np.testing.assert_allclose(one.mean, other.mean)
    np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-12)


def test_nothing_told_leaves_what_recorded_tasks_and_prices_say() -> None:
    cost = np.arange(N_ARMS, dtype=np.float64)
    belief = foreknown(price=0.1).believe(ARMS, cost, [])
    np.testing.assert_allclose(np.diff(belief.mean), 0.1)
    assert belief.mean.mean() == pytest.approx(1.0)
    assert belief.level_variance == 0.8


def test_prices_that_tell_nothing_on_other_data_sets_tell_little() -> None:
    seconds = np.geomspace(1.0, 100.0, N_ARMS)
    flat = [outcomes(np.ones(N_ARMS), seconds) for _ in range(9)]
    assert foreknown(price=0.1).price_after(flat) < 0.03 < foreknown(price=0.1).price_after([])


def test_one_strategy_of_a_model_foretells_another() -> None:
    arms: Sequence[Arm] = (("m", "full", ""), ("m", "lora", ""), ("other", "full", ""))
    covariance = foreknown(alike=0.7).believe(arms, np.zeros(3), []).covariance
    assert covariance[0, 1] == pytest.approx(0.7 * covariance[0, 0])
    assert covariance[0, 2] == 0.0


def test_an_arm_that_others_lack_keeps_its_doubt() -> None:
    found, _ = drawn(8, lasting=0.3, passing=0.05)
    belief = foreknown().believe((*ARMS, ("new", "full", "")), np.zeros(N_ARMS + 1), found)
    assert belief.covariance[-1, -1] > 2.0 * np.diag(belief.covariance)[:-1].max()
    assert belief.mean[-1] == pytest.approx(1.0)


def test_an_outcome_is_the_mean_over_the_samples_of_a_data_set() -> None:
    arm = ("m", "full", "")
    samples = [
        Finished(dataset=d, arms=[arm], scores=np.array([y]), seconds=np.array([s]))
        for d, y, s in (("a", 1.0, 2.0), ("a", 2.0, 8.0), ("b", 5.0, 1.0))
    ]
    found = outcomes_by_dataset(samples)
    assert found["a"].y[arm] == 1.5
    assert found["a"].cost[arm] == 2.0
    assert found["b"].y[arm] == 5.0


def test_what_costs_next_to_nothing_counts_as_a_thousandth() -> None:
    assert np.ptp(cost_of(np.array([1e-9, 1.0, 100.0]))) == pytest.approx(np.log2(1000.0))


def test_of_recorded_tasks_the_dearer_model_is_the_better() -> None:
    known = Foreknown.of(recorded_tasks(load_fine_tunes(), load_transferability()), load_probe_model())
    assert known.price_after([]) > 0.0
    assert 0.0 < known.alike < 1.0
    assert known.shared > known.moments.passing > 0.0
