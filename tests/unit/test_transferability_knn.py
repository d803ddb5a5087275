import numpy as np
import pytest
from numpy.typing import NDArray

from app.probes.transferability import UndefinedScoreError
from app.probes.transferability.knn import N_NEIGHBOURS, knn
from tests.unit.feature_blobs import blobs

Array = NDArray[np.float64]


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def predicted(features: Array, labels: NDArray[np.int64], i: int) -> int:
    others = sorted(
        (j for j in range(len(labels)) if j != i), key=lambda j: -cosine(features[i], features[j])
    )
    votes = np.zeros(int(labels.max()) + 1)
    for j in others[:N_NEIGHBOURS]:
        votes[labels[j]] += (1.0 + cosine(features[i], features[j])) / 2.0
    return int(votes.argmax())


@pytest.mark.parametrize(("n", "d", "n_classes"), [(90, 8, 3), (50, 200, 2)])
def test_knn_is_the_accuracy_of_neighbours_found_one_by_one(n: int, d: int, n_classes: int) -> None:
    features, labels = blobs(n, d, n_classes, 0.5)
    hits = [predicted(features, labels, i) == labels[i] for i in range(n)]
    assert knn(features, labels, n_classes=n_classes, seed=0) == pytest.approx(np.mean(hits))


def test_blocks_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = blobs(distance=0.5)
    whole = knn(features, labels, n_classes=3, seed=0)
    monkeypatch.setitem(knn.__globals__, "_ROWS_AT_ONCE", 7)
    assert knn(features, labels, n_classes=3, seed=0) == whole


def test_copies_are_never_neighbours() -> None:
    rng = np.random.default_rng(0)
    features = np.repeat(rng.standard_normal((60, 20)), 6, axis=0)
    labels = np.repeat(rng.integers(0, 2, 60), 6).astype(np.int64)
    assert knn(features, labels, n_classes=2, seed=0) < 0.7


def test_examples_that_belong_together_are_never_neighbours() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 6)
    features = rng.standard_normal((60, 20))[groups] + 1e-6 * rng.standard_normal((360, 20))
    labels = rng.integers(0, 2, 60)[groups].astype(np.int64)
    assert knn(features, labels, n_classes=2, seed=0) == 1.0
    assert knn(features, labels, n_classes=2, seed=0, groups=groups) < 0.7


def test_neighbours_that_tie_share_the_last_places() -> None:
    # Nine others at one similarity, five of them of the wrong class: it has most of the votes whatever five
    # are looked at first, and each example is predicted wrong.
    features = np.outer(np.arange(1.0, 11.0), [1.0, 1.0])
    labels = (np.arange(10) % 2).astype(np.int64)
    assert knn(features, labels, n_classes=2, seed=0) == 0.0


def test_classes_that_tie_share_the_example() -> None:
    # The first sees one of each class, alike: half. The others see each other first: wrong.
    features, labels = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]), np.array([0, 0, 1])
    assert knn(features, labels, n_classes=2, seed=0) == pytest.approx(0.5 / 3)


def test_a_row_of_zeros_is_equally_unlike_all() -> None:
    # The zeros see three of each class, alike: half. The others see their own side first: right.
    sides = [[side, 0.1 * i] for side in (1.0, -1.0) for i in range(3)]
    features, labels = np.array([[0.0, 0.0], *sides]), np.array([0, 0, 0, 0, 1, 1, 1])
    assert knn(features, labels, n_classes=2, seed=0) == pytest.approx(6.5 / 7)


def test_one_group_is_refused() -> None:
    labels = (np.arange(10) % 2).astype(np.int64)
    with pytest.raises(UndefinedScoreError):
        knn(np.ones((10, 3)), labels, n_classes=2, seed=0)
