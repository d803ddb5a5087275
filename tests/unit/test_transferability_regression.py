import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, spearmanr
from sklearn.linear_model import Ridge

from app.probes.logistic import assign_folds
from app.probes.ridge import STRENGTHS
from app.probes.transferability import REGRESSION_ESTIMATORS, UndefinedScoreError
from app.probes.transferability.logme import logme, logme_regression
from app.probes.transferability.ridge_probe import linear_probe_regression
from tests.unit.feature_blobs import Array, blobs


def line(n: int = 120, d: int = 8, noise: float = 0.5) -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    features = rng.standard_normal((n, d))
    return features, features[:, 0] + noise * rng.standard_normal(n)


def test_logme_of_targets_is_the_largest_gaussian_evidence() -> None:
    features, targets = line(60, 5)
    y = (targets - targets.mean()) / targets.std()
    # The evidence on a fine grid of both precisions.
    best = -math.inf
    for log_a in np.linspace(-1.0, 5.0, 61):
        for log_b in np.linspace(-1.0, 4.0, 51):
            covariance = np.eye(60) / math.exp(log_b) + features @ features.T / math.exp(log_a)
            best = max(best, float(multivariate_normal(mean=np.zeros(60), cov=covariance).logpdf(y)))
    assert logme_regression(features, targets, seed=0) == pytest.approx(best / 60, abs=1e-3)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (40, 100)])
def test_the_linear_probe_equals_scikit_learns_ridge(n: int, d: int) -> None:
    features, targets = line(n, d)
    y = (targets - targets.mean()) / targets.std()
    folds = assign_folds(np.zeros(n, dtype=np.int64), np.unique(features[:, 0], return_inverse=True)[1], 5, 2)
    predictions = np.zeros((len(STRENGTHS), n))
    for i, strength in enumerate(STRENGTHS):
        for fold in range(5):
            train = features[folds != fold]
            mean, deviation = train.mean(axis=0), train.std(axis=0)
            model = Ridge(alpha=strength * len(train)).fit((train - mean) / deviation, y[folds != fold])
            predictions[i, folds == fold] = model.predict((features[folds == fold] - mean) / deviation)
    best = int(((predictions - y) ** 2).sum(axis=1).argmin())
    groups = np.unique(features[:, 0], return_inverse=True)[1]
    found = linear_probe_regression(features, targets, seed=2, groups=groups)
    assert found == pytest.approx(spearmanr(predictions[best], y).statistic)


def test_copies_do_not_raise_the_linear_probe_on_noise() -> None:
    rng = np.random.default_rng(0)
    features = np.repeat(rng.standard_normal((60, 100)), 5, axis=0)
    assert abs(linear_probe_regression(features, np.repeat(rng.standard_normal(60), 5), seed=0)) < 0.4


@pytest.mark.parametrize("name", sorted(REGRESSION_ESTIMATORS))
def test_less_noise_scores_higher(name: str) -> None:
    scores = [REGRESSION_ESTIMATORS[name](*line(noise=noise), seed=0) for noise in (4.0, 1.0, 0.2)]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


@pytest.mark.parametrize("name", sorted(REGRESSION_ESTIMATORS))
def test_unit_and_origin_of_a_target_do_not_matter(name: str) -> None:
    features, targets = line()
    first = REGRESSION_ESTIMATORS[name](features, targets, seed=0)
    assert REGRESSION_ESTIMATORS[name](features, 1e5 * targets - 3e6, seed=0) == pytest.approx(first)


@pytest.mark.parametrize("name", sorted(REGRESSION_ESTIMATORS))
def test_several_targets_score_the_mean_of_those_that_vary(name: str) -> None:
    features, targets = line()
    both = np.stack([targets, np.ones(len(targets)), targets], axis=1)
    alone = REGRESSION_ESTIMATORS[name](features, targets, seed=0)
    assert REGRESSION_ESTIMATORS[name](features, both, seed=0) == pytest.approx(alone)


@pytest.mark.parametrize("name", sorted(REGRESSION_ESTIMATORS))
def test_hopeless_data_is_refused(name: str) -> None:
    features, targets = line()
    for bad in (np.ones(120), np.full(120, np.nan), targets[:1]):
        with pytest.raises(UndefinedScoreError) as caught:
            REGRESSION_ESTIMATORS[name](features[: len(bad)], bad, seed=0)
        assert caught.value.estimator == name
    features[0, 0] = np.inf
    with pytest.raises(UndefinedScoreError):
        REGRESSION_ESTIMATORS[name](features, targets, seed=0)


@pytest.mark.parametrize("name", sorted(REGRESSION_ESTIMATORS))
@pytest.mark.parametrize(("n", "d"), [(6, 20), (40, 1)])
def test_few_examples_and_equal_features_give_a_number(name: str, n: int, d: int) -> None:
    features, targets = line(n, d)
    assert math.isfinite(REGRESSION_ESTIMATORS[name](features, targets, seed=0))
    features[1:] = 0.1
    assert math.isfinite(REGRESSION_ESTIMATORS[name](features, targets, seed=0))


def test_one_group_has_no_linear_probe() -> None:
    with pytest.raises(UndefinedScoreError):
        linear_probe_regression(np.ones((10, 3)), np.arange(10.0), seed=0)


def test_several_labels_of_which_one_is_true_are_classes() -> None:
    features, labels = blobs()
    columns = np.eye(3, dtype=np.int64)[labels]
    classes = logme(features, labels, n_classes=3, seed=0)
    assert logme(features, columns, n_classes=3, seed=0) == pytest.approx(classes, rel=1e-12)


def test_labels_that_every_or_no_example_has_are_left_out() -> None:
    features, labels = blobs(n_classes=2)
    columns = np.eye(2, dtype=np.int64)[labels]
    idle = np.stack([np.zeros(120, dtype=np.int64), np.ones(120, dtype=np.int64)], axis=1)
    both = logme(features, np.concatenate([columns, idle], axis=1), n_classes=4, seed=0)
    assert both == pytest.approx(logme(features, columns, n_classes=2, seed=0))
    with pytest.raises(UndefinedScoreError):
        logme(features, idle, n_classes=2, seed=0)
