import math

import numpy as np
import pytest

from app.probes.transferability import UndefinedScoreError
from app.probes.transferability.leep import leep
from app.probes.transferability.nleep import nleep
from tests.unit.feature_blobs import blobs


def test_leep_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(4), 30), rng.integers(0, 3, 30)
    total = 0.0
    for i in range(30):
        inner = 0.0
        for z in range(4):
            both = sum(probabilities[j, z] for j in range(30) if labels[j] == labels[i])
            inner += both / probabilities[:, z].sum() * probabilities[i, z]
        total += math.log(inner)
    assert leep(probabilities, labels) == pytest.approx(total / 30)


def test_leep_of_source_classes_that_are_the_target_is_zero() -> None:
    labels = np.arange(12) % 3
    assert leep(np.eye(5)[labels], labels) == pytest.approx(0.0, abs=1e-12)


def test_leep_of_a_head_that_tells_nothing_is_minus_the_entropy() -> None:
    labels = np.repeat([0, 1], [9, 3])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert leep(np.full((12, 4), 0.25), labels) == pytest.approx(-entropy)


def test_leep_of_one_class_is_refused() -> None:
    with pytest.raises(UndefinedScoreError):
        leep(np.full((5, 2), 0.5), np.zeros(5, dtype=np.int64))


def test_nleep_of_clusters_that_are_the_classes_is_nothing_lost() -> None:
    features, labels = blobs(300, 10, 3, 20.0)
    assert nleep(features, labels, n_classes=3, seed=0) == pytest.approx(0.0, abs=1e-6)


def test_nleep_of_labels_at_random_is_near_minus_their_entropy() -> None:
    rng = np.random.default_rng(0)
    score = nleep(rng.standard_normal((1000, 10)), rng.integers(0, 2, 1000), n_classes=2, seed=0)
    assert -math.log(2) <= score < -math.log(2) + 0.02


def test_nleep_of_another_seed_is_another_fit_and_nearly_the_same_score() -> None:
    features, labels = blobs(300, 10, 3, 0.7)
    scores = [nleep(features, labels, n_classes=3, seed=seed) for seed in range(4)]
    assert 0.0 < np.ptp(scores) < 0.1


def test_nleep_fits_a_part_of_many_examples_and_scores_all() -> None:
    features, labels = blobs(5000, 4, 2, 1.0)
    few = nleep(features[:2000], labels[:2000], n_classes=2, seed=0)
    assert nleep(features, labels, n_classes=2, seed=0) == pytest.approx(few, abs=0.03)


def test_nleep_does_not_depend_on_the_models_unit() -> None:
    features, labels = blobs()
    first = nleep(features, labels, n_classes=3, seed=0)
    assert nleep(1e4 * features, labels, n_classes=3, seed=0) == pytest.approx(first, abs=1e-6)
