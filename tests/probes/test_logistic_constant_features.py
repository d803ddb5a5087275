"""A head on features that hardly vary: some of all-MiniLM-L6-v2's are constant to the ninth digit."""

import numpy as np

from app.probes.logistic import fit


def make_features(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n)
    features = rng.standard_normal((n, 8)).astype(np.float32) * 0.2
    features[:, 0] += 0.3 * labels
    features[:, 3] = 1e-9 * rng.standard_normal(n)
    features[:, 5] = 0.0
    return features, labels.astype(np.int64)


def test_a_feature_of_rounding_noise_gets_no_large_weight() -> None:
    features, labels = make_features()
    weight = fit(features, labels, n_classes=2, inverse_regularisation=1.0).weight
    assert np.abs(weight[:, [3, 5]]).max() < np.abs(weight[:, 0]).max()


def test_a_small_disturbance_of_such_a_feature_does_not_change_the_logits() -> None:
    features, labels = make_features()
    classifier = fit(features, labels, n_classes=2, inverse_regularisation=1.0)
    disturbed = features.copy()
    disturbed[:, 3] += 1e-3
    np.testing.assert_allclose(classifier.logits(disturbed), classifier.logits(features), atol=1e-2)
