import math

import numpy as np
import pytest

from app.probes.transferability.logme import logme
from app.probes.transferability.ped import ped
from tests.unit.feature_blobs import Array, Labels, blobs


def pushed_apart(features: Array, labels: Labels) -> Array:
    """The forces of every two classes, one after the other."""
    x = (features - features.mean(axis=0)) / features.std(axis=0)
    n_classes, first = int(labels.max()) + 1, 0.0
    for _ in range(6):
        means = [x[labels == k].mean(axis=0) for k in range(n_classes)]
        radii = [0.6 * math.sqrt(x[labels == k].var(axis=0).sum()) for k in range(n_classes)]
        steps = np.zeros((n_classes, x.shape[1]))
        for k in range(n_classes):
            for m in range(n_classes):
                apart = means[k] - means[m]
                distance = float(np.linalg.norm(apart))
                if k != m:
                    overlap = max(radii[k] + radii[m] - distance, 0.0)
                    steps[k] += 0.005 * overlap * apart / distance
        motion = float(np.abs(steps).sum())
        first = first or motion
        if motion <= 0.5 * first:
            break
        x = x + steps[labels]
    return np.asarray(x * features.std(axis=0) + features.mean(axis=0))


@pytest.mark.parametrize(("n", "d", "n_classes"), [(90, 8, 3), (40, 100, 2)])
def test_ped_is_logme_of_features_pushed_apart(n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes, 0.3)
    expected = logme(pushed_apart(features, labels), labels, n_classes=n_classes, seed=0)
    assert ped(features, labels, n_classes=n_classes, seed=0) == pytest.approx(expected)
    assert expected > logme(features, labels, n_classes=n_classes, seed=0)


def test_classes_that_do_not_overlap_stay() -> None:
    features, labels = blobs(distance=20.0)
    assert ped(features, labels, n_classes=3, seed=0) == logme(features, labels, n_classes=3, seed=0)


def test_classes_of_equal_means_have_no_direction_to_move_in() -> None:
    features = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    labels = np.array([0, 0, 1, 1])
    assert ped(features, labels, n_classes=2, seed=0) == logme(features, labels, n_classes=2, seed=0)
