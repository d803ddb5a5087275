import math

import numpy as np
import pytest

from app.probes import metrics
from app.probes.metrics import classes


def draws(n: int = 300, n_classes: int = 2, seed: int = 0) -> tuple[classes.Labels, classes.Labels]:
    rng = np.random.default_rng(seed)
    references = rng.integers(0, n_classes, n)
    predictions = np.where(rng.random(n) < 0.7, references, rng.integers(0, n_classes, n))
    return predictions.astype(np.int64), references.astype(np.int64)


@pytest.mark.parametrize("name", classes.SUPPORTED)
def test_evaluate_and_plain_function_agree(name: str) -> None:
    assert metrics.compute(name, *draws()) == metrics.score(name, *draws())


@pytest.mark.parametrize("name", classes.SUPPORTED)
@pytest.mark.parametrize("n_classes", [2, 5])
def test_confusion_counts_give_the_same_value(name: str, n_classes: int) -> None:
    if name == "f1" and n_classes > 2:
        pytest.skip("f1 is of two classes")
    predictions, references = draws(n_classes=n_classes)
    confusion = np.zeros((n_classes, n_classes))
    np.add.at(confusion, (references, predictions), 1)
    expected = metrics.score(name, predictions, references)
    assert float(classes.from_confusion(name, confusion)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 4 / 6),
        ("f1", 0.75),
        ("f1_macro", (0.75 + 0.5) / 2),
        ("balanced_accuracy", (0.75 + 0.5) / 2),
        ("matthews_correlation", 0.25),
    ],
)
def test_golden_numbers_of_six_examples(name: str, expected: float) -> None:
    references = np.array([1, 1, 1, 1, 0, 0])
    predictions = np.array([1, 1, 1, 0, 0, 1])  # TP 3, FN 1, TN 1, FP 1
    assert metrics.score(name, predictions, references) == pytest.approx(expected)


def test_accuracy_error_is_binomial() -> None:
    references = np.arange(200) % 2
    predictions = np.where(np.arange(200) < 150, references, 1 - references)
    found = metrics.standard_error("accuracy", predictions, references, seed=0)
    assert found == pytest.approx(math.sqrt(0.75 * 0.25 / 200))


def test_perfect_predictions_leave_some_doubt() -> None:
    labels = np.arange(50) % 2
    for name in classes.SUPPORTED:
        assert metrics.standard_error(name, labels, labels, seed=0) > 0.0


def test_bootstrap_agrees_with_the_closed_form_on_balanced_classes() -> None:
    predictions, references = draws(2_000)
    binomial = metrics.standard_error("accuracy", predictions, references, seed=0)
    bootstrap = metrics.standard_error("balanced_accuracy", predictions, references, seed=0)
    assert bootstrap == pytest.approx(binomial, rel=0.2)


def test_same_seed_gives_the_same_error() -> None:
    values = {metrics.standard_error("f1_macro", *draws(), seed=4) for _ in range(3)}
    assert len(values) == 1


def test_unknown_metric_is_refused() -> None:
    with pytest.raises(metrics.UnsupportedMetricError) as caught:
        metrics.compute("wer", *draws())
    assert caught.value.metric == "wer"


def test_f1_of_many_classes_is_refused() -> None:
    with pytest.raises(classes.NotBinaryError) as caught:
        metrics.score("f1", *draws(n_classes=4))
    assert caught.value.n_classes == 4


def test_a_correlation_of_one_predicted_class_is_no_certainty() -> None:
    references = np.array([0, 1] * 50)
    constant = np.zeros(100, dtype=np.int64)
    assert metrics.score("matthews_correlation", constant, references) == 0.0
    assert metrics.standard_error("matthews_correlation", constant, references, seed=0) == pytest.approx(0.1)
