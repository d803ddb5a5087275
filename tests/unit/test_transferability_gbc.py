import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from app.probes.transferability.gbc import LEAST_VARIANCE, gbc
from tests.unit.feature_blobs import Array, blobs


def overlap(a: Array, b: Array) -> float:
    """Bhattacharyya coefficient of the Gaussians of two classes, by its closed form on whole covariances."""
    width = a.shape[1]
    covariances = [np.eye(width) * rows.var(axis=0, ddof=1).mean() for rows in (a, b)]
    mean = sum(covariances) / 2
    apart = a.mean(axis=0) - b.mean(axis=0)
    distance = apart @ np.linalg.solve(mean, apart) / 8
    determinants = [np.linalg.slogdet(c).logabsdet for c in (mean, *covariances)]
    return math.exp(-distance - 0.5 * (determinants[0] - 0.5 * (determinants[1] + determinants[2])))


@pytest.mark.parametrize(("n", "d"), [(90, 8), (30, 50)])
def test_gbc_equals_its_definition(n: int, d: int) -> None:
    features, labels = blobs(n, d, 3, 0.3)
    # With fewer examples than features the axes are those that the examples span.
    u, s, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    axes = (u * s)[:, : min(n - 1, d)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = -np.mean([overlap(axes[labels == k], axes[labels == m]) for k, m in pairs])
    assert gbc(features, labels, n_classes=3, seed=0) == pytest.approx(expected)


def test_gbc_on_one_axis_is_the_integral_of_the_root_of_both_densities() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.0, 1.0, 50), rng.normal(1.5, 2.0, 70)
    labels = np.repeat([0, 1], [50, 70])

    def root(x: float) -> float:
        of_a, of_b = norm.pdf(x, a.mean(), a.std(ddof=1)), norm.pdf(x, b.mean(), b.std(ddof=1))
        return math.sqrt(float(of_a) * float(of_b))

    expected = -quad(root, -20.0, 20.0)[0]
    found = gbc(np.concatenate([a, b])[:, None], labels, n_classes=2, seed=0)
    assert found == pytest.approx(expected, rel=1e-6)


def test_more_than_64_axes_are_left_out() -> None:
    features, labels = blobs(400, 80, 2, 0.2)
    features[:, :64] *= 10.0
    main = features - features.mean(axis=0)
    kept = main @ np.linalg.svd(main, full_matrices=False)[2][:64].T
    expected = -overlap(kept[labels == 0], kept[labels == 1])
    assert gbc(features, labels, n_classes=2, seed=0) == pytest.approx(expected)


def test_a_class_of_one_example_has_the_variance_of_the_others() -> None:
    # Classes {-1, 1} and {5}: variance 2 within, taken for both; B = 5^2 / (8 x 2).
    features, labels = np.array([[-1.0], [1.0], [5.0]]), np.array([0, 0, 1])
    assert gbc(features, labels, n_classes=2, seed=0) == pytest.approx(-math.exp(-25.0 / 16.0))


def test_classes_of_equal_rows_keep_a_little_variance() -> None:
    # Means +-1 about 0, variance of all 1: B = 2^2 / (8 x 1e-4) is beyond the smallest number.
    features, labels = np.repeat([[0.0], [2.0]], 5, axis=0), np.repeat([0, 1], 5)
    assert LEAST_VARIANCE == 1e-4
    assert gbc(features, labels, n_classes=2, seed=0) == 0.0


def test_unit_and_origin_do_not_matter() -> None:
    features, labels = blobs(distance=0.3)
    moved = gbc(1e-3 * features - 2.0, labels, n_classes=3, seed=0)
    assert moved == pytest.approx(gbc(features, labels, n_classes=3, seed=0))
