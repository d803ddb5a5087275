import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import multivariate_normal

from app.probes.transferability.etran import EtranParts, etran, parts, pooled
from app.probes.transferability.sfda import sfda
from tests.unit.feature_blobs import Array, Labels, blobs


def scaled(features: Array) -> Array:
    centred = features - features.mean(axis=0)
    return np.asarray(centred / math.sqrt(float((centred**2).sum(axis=1).mean())))


def covariance_within(f: Array, labels: Labels) -> Array:
    shares = np.bincount(labels) / len(labels)
    return np.asarray(sum(p * np.cov(f[labels == k].T, bias=True) for k, p in enumerate(shares)))


def intensity(f: Array, labels: Labels) -> float:
    return math.exp(-5.0 * float(np.linalg.eigvalsh(covariance_within(f, labels))[-1]))


def posterior(f: Array, labels: Labels, a: float) -> Array:
    """Bayes' rule on Gaussian classes of one regularised covariance."""
    within = covariance_within(f, labels)
    shrunk = (1.0 - a) * within + a * np.trace(within) / f.shape[1] * np.eye(f.shape[1])
    logs = []
    for k, p in enumerate(np.bincount(labels) / len(labels)):
        density = multivariate_normal(mean=f[labels == k].mean(axis=0), cov=shrunk)
        logs.append(density.logpdf(f) + math.log(p))
    return np.asarray(softmax(np.stack(logs, axis=1), axis=1))


@pytest.mark.parametrize(("n", "d", "n_classes"), [(90, 8, 3), (40, 100, 2)])
def test_sfda_is_bayes_rule_twice(n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes, 0.5)
    f = scaled(features)
    a = intensity(f, labels)
    softened = softmax(posterior(f, labels, a), axis=1)
    means = np.stack([f[labels == k].mean(axis=0) for k in range(n_classes)])
    harder = np.empty_like(f)
    for i, k in enumerate(labels):
        q = softened[i, k]
        harder[i] = q * f[i] + (1.0 - q) * np.delete(means, k, axis=0).mean(axis=0)
    expected = posterior(harder, labels, a)[np.arange(n), labels].mean()
    assert sfda(features, labels, n_classes=n_classes, seed=0) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "d", "n_classes"), [(90, 8, 3), (40, 100, 2)])
def test_etran_is_bayes_rule_and_the_energy_of_standardised_features(n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes, 0.5)
    f = scaled(features)
    sure = posterior(f, labels, intensity(f, labels))[np.arange(n), labels].mean()
    standardised = (features - features.mean()) / features.std()
    energy = np.mean([math.log(np.mean([math.exp(x) for x in row])) for row in standardised])
    found = parts(features, labels)
    assert (found.classification, found.energy) == pytest.approx((sure, energy))
    expected = 0.85 * sure + 0.15 * energy / (1.0 + energy)
    assert etran(features, labels, n_classes=n_classes, seed=0) == pytest.approx(expected)


def test_energy_of_normal_features_is_half_a_nat_at_any_width() -> None:
    # log E exp(x) of a standard normal is 1 / 2.
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    for width in (2_000, 8_000):
        energy = parts(7.0 + 3.0 * rng.standard_normal((200, width)), labels).energy
        assert energy == pytest.approx(0.5, abs=0.01)


def test_models_compared_are_brought_to_one_range() -> None:
    models = [EtranParts(classification=c, energy=e) for c, e in ((0.2, 30.0), (0.6, 10.0), (0.4, 20.0))]
    assert pooled(models) == pytest.approx([0.15, 0.85, 0.5])
    assert pooled(models[:1]) == pytest.approx([0.0])


def test_unit_and_origin_do_not_matter() -> None:
    features, labels = blobs(distance=0.4)
    first = sfda(features, labels, n_classes=3, seed=0), etran(features, labels, n_classes=3, seed=0)
    moved = 1e3 * features + 5.0
    again = sfda(moved, labels, n_classes=3, seed=0), etran(moved, labels, n_classes=3, seed=0)
    assert again == pytest.approx(first)


def test_classes_of_equal_rows_are_certain() -> None:
    features, labels = np.repeat(np.eye(3), 10, axis=0), np.repeat([0, 1, 2], 10)
    assert parts(features, labels).classification == pytest.approx(1.0)
    assert sfda(features, labels, n_classes=3, seed=0) == pytest.approx(1.0)
