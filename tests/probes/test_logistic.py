import numpy as np
import pytest

from app.probes.logistic import (
    STRENGTHS,
    Array,
    Labels,
    LinearClassifier,
    assign_folds,
    cross_validate,
    fit,
    groups_of_equal_rows,
)
from app.probes.tasks.text_classification import Classification


def two_blobs(n: int, d: int, distance: float) -> tuple[Array, Labels]:
    rng = np.random.default_rng(0)
    labels = (np.arange(n) % 2).astype(np.int64)
    features = 5.0 + 3.0 * rng.standard_normal((n, d))
    features[:, 0] += 3.0 * distance * labels
    return features, labels


def test_groups_stay_in_one_fold_and_classes_are_spread() -> None:
    groups = np.repeat(np.arange(100), 3)
    labels = np.repeat(np.arange(100) % 4, 3)
    folds = assign_folds(labels, groups, 5, 0)
    assert all(len(set(folds[groups == g])) == 1 for g in range(100))
    counts = np.array([[np.sum((folds == f) & (labels == k)) for k in range(4)] for f in range(5)])
    assert counts.min() == counts.max() == 15


def test_fewer_groups_than_folds_give_one_fold_each() -> None:
    assert sorted(assign_folds(np.array([0, 1, 0]), np.arange(3), 5, 0).tolist()) == [0, 1, 2]


def test_classifier_takes_raw_features() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features, labels = two_blobs(300, 6, 1.0)
    ours = fit(features, labels, n_classes=2, inverse_regularisation=0.1)
    scaled = StandardScaler().fit_transform(features)
    theirs = LogisticRegression(C=0.1, tol=1e-8).fit(scaled, labels).predict_proba(scaled)
    logits = ours.logits(features)
    probabilities = 1.0 / (1.0 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(probabilities, theirs[:, 1], atol=5e-3)


def test_noise_wants_the_strongest_penalty_and_signal_a_weaker_one() -> None:
    noise, labels = two_blobs(100, 200, 0.0)
    signal, _ = two_blobs(100, 2, 4.0)
    on_noise = cross_validate(noise, labels, np.arange(100), n_classes=2, seed=0)
    on_signal = cross_validate(signal, labels, np.arange(100), n_classes=2, seed=0)
    assert on_noise.inverse_regularisation == STRENGTHS[0]
    assert on_signal.inverse_regularisation > STRENGTHS[2]


def test_class_that_was_not_trained_on_is_never_predicted() -> None:
    features, labels = two_blobs(50, 3, 1.0)
    classifier = fit(features, labels * 2, n_classes=4, inverse_regularisation=0.1)
    assert set(classifier.predict(features)) <= {0, 2}


def test_one_class_is_always_predicted() -> None:
    features, _ = two_blobs(20, 3, 1.0)
    classifier = fit(features, np.full(20, 1), n_classes=3, inverse_regularisation=0.1)
    assert set(classifier.predict(features)) == {1}


def test_class_weights_move_predictions_to_the_rare_class() -> None:
    features, labels = two_blobs(400, 3, 1.0)
    kept = np.flatnonzero((labels == 0) | (np.arange(400) < 60))
    features, labels = features[kept], labels[kept]
    plain = Classification(2).fit_head(features, labels, np.arange(len(labels)), seed=0, weights=None)
    weighted = Classification(2).fit_head(
        features, labels, np.arange(len(labels)), seed=0, weights=(0.6, 4.0)
    )
    assert weighted.classifier.predict(features).sum() > 2 * plain.classifier.predict(features).sum()


def test_out_of_fold_predictions_are_honest_on_noise() -> None:
    features, labels = two_blobs(200, 300, 0.0)
    head = Classification(2).fit_head(features, labels, np.arange(200), seed=0, weights=None)
    assert np.mean(head.out_of_fold == labels) < 0.65


def test_equal_rows_form_a_group() -> None:
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]], dtype=np.float32)
    groups = groups_of_equal_rows(rows)
    assert groups[0] == groups[2] != groups[1]


def test_logits_are_linear() -> None:
    classifier = LinearClassifier(weight=np.array([[1.0, 0.0], [0.0, 2.0]]), bias=np.array([0.5, 0.0]))
    assert classifier.logits(np.array([[2.0, 3.0]])).tolist() == [[2.5, 6.0]]
    assert classifier.predict(np.array([[2.0, 3.0]])).tolist() == [pytest.approx(1)]
