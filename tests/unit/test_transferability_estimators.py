import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from app.probes.transferability import ESTIMATORS, UndefinedScoreError
from app.probes.transferability.h_score import h_score
from app.probes.transferability.linear_probe import linear_probe, probe
from app.probes.transferability.logme import logme
from tests.unit.feature_blobs import blobs

Array = NDArray[np.float64]
RANDOM = ("linear_probe", "nleep")
"""Estimators whose folds or fits depend on the order of the examples."""


def direct_log_evidence(features: Array, target: Array, a: float, b: float) -> float:
    covariance = np.eye(len(target)) / b + features @ features.T / a
    return float(multivariate_normal(mean=np.zeros(len(target)), cov=covariance).logpdf(target))


def largest_log_evidence(features: Array, target: Array) -> float:
    def negative(log_precisions: Array) -> float:
        a, b = np.exp(log_precisions)
        return -direct_log_evidence(features, target, float(a), float(b))

    starts = (np.array([0.0, 0.0]), np.array([3.0, 1.0]))
    return max(-float(minimize(negative, start, method="Nelder-Mead").fun) for start in starts)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (20, 40)])
def test_logme_is_the_largest_gaussian_evidence(n: int, d: int) -> None:
    features, labels = blobs(n, d, 2, 0.5)
    targets = [(labels == k).astype(np.float64) for k in (0, 1)]
    expected = np.mean([largest_log_evidence(features, target) for target in targets]) / n
    assert logme(features, labels, n_classes=2, seed=0) == pytest.approx(expected, abs=2e-3)


def test_h_score_of_a_large_sample_is_the_textbook_value() -> None:
    # Two classes at +-c in one of d whitened directions: H = c^2 / (1 + c^2), shrinkage being negligible.
    rng = np.random.default_rng(0)
    labels = (np.arange(200_000) % 2).astype(np.int64)
    features = rng.standard_normal((200_000, 3))
    features[:, 0] += np.where(labels == 1, 1.5, -1.5)
    assert h_score(features, labels, n_classes=2, seed=0) == pytest.approx(2.25 / 3.25, abs=0.01)


def test_h_score_equals_its_definition() -> None:
    from sklearn.covariance import ledoit_wolf

    features, labels = blobs(40, 60)
    centred = features - features.mean(axis=0)
    shrunk, intensity = ledoit_wolf(centred, assume_centered=True)
    means = np.stack([centred[labels == k].mean(axis=0) for k in range(3)])[labels]
    expected = np.trace(np.linalg.inv(shrunk) @ ((1 - intensity) * means.T @ means / 40))
    assert h_score(features, labels, n_classes=3, seed=0) == pytest.approx(expected, rel=1e-6)


def test_h_score_of_constant_features_is_zero() -> None:
    _, labels = blobs()
    assert h_score(np.ones((120, 4)), labels, n_classes=3, seed=0) == 0.0


def test_linear_probe_reaches_the_accuracy_that_is_possible() -> None:
    # Two unit Gaussians 2 apart: the best accuracy is Phi(1) = 0.8413.
    rng = np.random.default_rng(0)
    labels = (np.arange(4_000) % 2).astype(np.int64)
    features = rng.standard_normal((4_000, 5))
    features[:, 0] += 2.0 * labels
    score = probe(features, labels, n_classes=2, seed=0, metric="accuracy")
    assert score.value == pytest.approx(0.8413, abs=3 * score.std_error)
    assert score.std_error == pytest.approx(math.sqrt(0.8413 * 0.1587 / 4_000), rel=0.05)


def test_copies_do_not_raise_the_linear_probe_on_noise() -> None:
    rng = np.random.default_rng(0)
    features = np.repeat(rng.standard_normal((60, 100)), 5, axis=0)
    labels = np.repeat(rng.integers(0, 2, 60), 5).astype(np.int64)
    assert linear_probe(features, labels, n_classes=2, seed=0) < 0.7


def test_linear_probe_takes_a_class_of_one_example() -> None:
    features, labels = blobs(60, 5, 2)
    labels[0] = 2
    assert 0.5 < linear_probe(features, labels, n_classes=3, seed=0) < 1.0


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_better_separated_classes_score_higher(name: str) -> None:
    scores = [
        ESTIMATORS[name](*blobs(distance=distance), n_classes=3, seed=0) for distance in (0.1, 0.4, 1.0)
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


@pytest.mark.parametrize("name", sorted(ESTIMATORS.keys() - set(RANDOM)))
def test_order_of_examples_and_names_of_classes_do_not_matter(name: str) -> None:
    features, labels = blobs()
    order = np.random.default_rng(1).permutation(len(labels))
    renamed = np.array([2, 0, 1])[labels[order]]
    first = ESTIMATORS[name](features, labels, n_classes=3, seed=0)
    assert ESTIMATORS[name](features[order], renamed, n_classes=3, seed=0) == pytest.approx(first, rel=1e-6)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_same_seed_gives_the_same_score(name: str) -> None:
    features, labels = blobs()
    scores = {ESTIMATORS[name](features, labels, n_classes=3, seed=3) for _ in range(3)}
    assert len(scores) == 1


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_one_class_is_refused(name: str) -> None:
    features, _ = blobs()
    with pytest.raises(UndefinedScoreError) as caught:
        ESTIMATORS[name](features, np.zeros(120, dtype=np.int64), n_classes=2, seed=0)
    assert caught.value.estimator == name


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_six_examples_give_a_number(name: str) -> None:
    features, labels = blobs(6, 20, 2)
    assert math.isfinite(ESTIMATORS[name](features, labels, n_classes=2, seed=0))


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_features_that_are_not_numbers_are_refused(name: str) -> None:
    features, labels = blobs()
    features[3, 1] = np.nan
    with pytest.raises(UndefinedScoreError):
        ESTIMATORS[name](features, labels, n_classes=3, seed=0)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_equal_features_give_a_number(name: str) -> None:
    labels = (np.arange(40) % 2).astype(np.int64)
    features = np.repeat(np.arange(20.0)[:, None], 2, axis=0) * np.ones((1, 3))
    assert math.isfinite(ESTIMATORS[name](features, labels, n_classes=2, seed=0))


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
@pytest.mark.parametrize(("n", "d", "n_classes"), [(60, 200, 3), (200, 20, 40), (40, 1, 2)])
def test_any_shape_of_features_gives_a_number(name: str, n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes)
    assert math.isfinite(ESTIMATORS[name](features, labels, n_classes=n_classes, seed=0))


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_single_precision_gives_nearly_the_same_score(name: str) -> None:
    features, labels = blobs()
    single = ESTIMATORS[name](features.astype(np.float32), labels, n_classes=3, seed=0)
    assert single == pytest.approx(ESTIMATORS[name](features, labels, n_classes=3, seed=0), abs=1e-3)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_features_and_labels_are_left_as_they_are(name: str) -> None:
    features, labels = blobs()
    before = features.copy(), labels.copy()
    ESTIMATORS[name](features, labels, n_classes=3, seed=0)
    assert np.array_equal(before[0], features)
    assert np.array_equal(before[1], labels)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_constant_feature_and_a_class_of_one_example_give_a_number(name: str) -> None:
    features, labels = blobs(60, 6, 2)
    features[:, 2], labels[0] = 0.1, 2
    assert math.isfinite(ESTIMATORS[name](features, labels, n_classes=3, seed=0))


@pytest.mark.parametrize("name", sorted(ESTIMATORS.keys() - {"linear_probe", "knn", "logme", "ped"}))
def test_features_that_are_all_equal_tell_nothing(name: str) -> None:
    # The least that each can say of two classes alike in size.
    least = {"h_score": 0.0, "nleep": -math.log(2), "transrate": 0.0, "gbc": -1.0, "parc": 0.0, "sfda": 0.5}
    least["etran"] = 0.85 * 0.5
    labels = (np.arange(40) % 2).astype(np.int64)
    score = ESTIMATORS[name](np.full((40, 3), 0.1), labels, n_classes=2, seed=0)
    assert score == pytest.approx(least[name], abs=1e-9)


@pytest.mark.parametrize("name", sorted(ESTIMATORS.keys() - {"logme"}))
def test_several_labels_an_example_are_refused(name: str) -> None:
    features, labels = blobs()
    with pytest.raises(UndefinedScoreError):
        ESTIMATORS[name](features, np.eye(3, dtype=np.int64)[labels], n_classes=3, seed=0)
