import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from app.probes.transferability.base import evenly_drawn
from app.probes.transferability.parc import MOST_EXAMPLES, parc
from tests.unit.feature_blobs import blobs


@pytest.mark.parametrize(("n", "d", "n_classes"), [(40, 8, 3), (20, 50, 2)])
def test_parc_equals_its_definition(n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes, 0.5)
    f = (features - features.mean(axis=0)) / features.std(axis=0)
    one_hot = np.eye(n_classes)[labels]
    of_features, of_labels = [], []
    for i in range(n):
        for j in range(i):
            of_features.append(1.0 - pearsonr(f[i], f[j]).statistic)
            # A class's row against its own is exactly 1; rounding would part what ties.
            of_labels.append(round(1.0 - float(pearsonr(one_hot[i], one_hot[j]).statistic), 9))
    expected = spearmanr(of_features, of_labels).statistic
    assert parc(features, labels, n_classes=n_classes, seed=0) == pytest.approx(expected)


def test_parc_of_many_examples_is_nearly_that_of_all() -> None:
    features, labels = blobs(1500, 8, 3, 0.5)
    scores = [parc(features, labels, n_classes=3, seed=seed) for seed in range(5)]
    assert 0.0 < np.ptp(scores) < 0.08


def test_parc_of_rows_without_spread_is_zero() -> None:
    labels = np.arange(20) % 2
    assert parc(np.linspace(0.0, 1.0, 20)[:, None], labels, n_classes=2, seed=0) == 0.0


def test_copies_of_one_class_raise_it() -> None:
    features, labels = blobs(40, 8, 2, 0.2)
    copied = np.concatenate([features, np.repeat(features[:1], 20, axis=0)])
    more = np.concatenate([labels, np.repeat(labels[:1], 20)])
    assert parc(copied, more, n_classes=2, seed=0) > parc(features, labels, n_classes=2, seed=0)


def test_a_rare_class_is_never_left_out_of_two() -> None:
    codes = np.zeros(10_000, dtype=np.int64)
    codes[17] = 1
    drawn = evenly_drawn(codes, MOST_EXAMPLES, 0)
    assert len(np.unique(drawn)) == MOST_EXAMPLES
    assert codes[drawn].sum() == 1


def test_classes_are_drawn_in_proportion() -> None:
    codes = np.repeat([0, 1, 2], [6000, 3000, 1000])
    assert np.abs(np.bincount(codes[evenly_drawn(codes, 500, 0)]) - [300, 150, 50]).max() <= 1
