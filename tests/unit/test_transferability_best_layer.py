import numpy as np
import pytest

from app.probes.transferability import ESTIMATORS
from app.probes.transferability.best_layer import ON_EVERY_LAYER, best_of_layers


def make_layers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three layers of which the middle one tells the classes apart best."""
    rng = np.random.default_rng(seed)
    labels = np.arange(120) % 3
    layers = rng.standard_normal((120, 3, 8)).astype(np.float32)
    centres = rng.standard_normal((3, 8))
    for layer, strength in enumerate((0.3, 2.0, 0.8)):
        layers[:, layer] += strength * centres[labels]
    return layers, labels.astype(np.int64)


@pytest.mark.parametrize("name", ON_EVERY_LAYER)
def test_the_best_layer_counts(name: str) -> None:
    layers, labels = make_layers()
    alone = [
        ESTIMATORS[name](np.ascontiguousarray(layers[:, i]), labels, n_classes=3, seed=0) for i in range(3)
    ]
    assert int(np.argmax(alone)) == 1
    assert best_of_layers(layers, labels, n_classes=3, seed=0)[name] == max(alone)


def test_a_table_of_word_vectors_has_one_layer() -> None:
    layers, labels = make_layers()
    found = best_of_layers(layers[:, 1:2], labels, n_classes=3, seed=0)
    assert found.keys() == set(ON_EVERY_LAYER)


def test_what_has_no_value_on_any_layer_is_absent() -> None:
    layers, labels = make_layers()
    assert best_of_layers(layers, np.zeros_like(labels), n_classes=3, seed=0) == {}
