import math

import numpy as np
import pytest

from app.probes.transferability.transrate import DISTORTION, transrate
from tests.unit.feature_blobs import Array, blobs


def coding_rate(rows: Array) -> float:
    """By the singular values, one direction at a time."""
    values = np.linalg.svd(rows, compute_uv=False)
    return sum(0.5 * math.log(1.0 + float(s) ** 2 / (len(rows) * DISTORTION)) for s in values)


@pytest.mark.parametrize(("n", "d", "n_classes"), [(90, 8, 3), (50, 200, 2)])
def test_transrate_equals_its_definition(n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes, 0.5)
    z = features - features.mean(axis=0)
    z = z / math.sqrt(float((z**2).sum(axis=1).mean()))
    expected = coding_rate(z)
    for k in range(n_classes):
        rows = z[labels == k]
        expected -= len(rows) / n * coding_rate(rows - rows.mean(axis=0))
    assert transrate(features, labels, n_classes=n_classes, seed=0) == pytest.approx(expected)


def test_two_classes_that_are_points_take_one_direction() -> None:
    # All of the variance, 1, is between them: log(1 + 1 / e) / 2, and nothing once the class is known.
    features = np.repeat([[0.0, 0.0, 3.0], [0.0, 0.0, 7.0]], 10, axis=0)
    labels = np.repeat([0, 1], 10)
    expected = 0.5 * math.log(1.0 + 1.0 / DISTORTION)
    assert transrate(features, labels, n_classes=2, seed=0) == pytest.approx(expected)


def test_every_row_twice_is_the_same_score() -> None:
    features, labels = blobs()
    twice = transrate(np.repeat(features, 2, axis=0), np.repeat(labels, 2), n_classes=3, seed=0)
    assert twice == pytest.approx(transrate(features, labels, n_classes=3, seed=0))


def test_unit_and_origin_do_not_matter() -> None:
    features, labels = blobs()
    moved = transrate(1e3 * features + 5.0, labels, n_classes=3, seed=0)
    assert moved == pytest.approx(transrate(features, labels, n_classes=3, seed=0))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_separation_counts_with_fewer_examples_than_features(n_classes: int) -> None:
    scores = [
        transrate(*blobs(60, 200, n_classes, distance), n_classes=n_classes, seed=0)
        for distance in (0.02, 0.1, 0.4, 1.0, 3.0)
    ]
    assert scores == sorted(scores)
