"""Metrics of targets other than classes, beside scikit-learn, scipy and seqeval."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, f1_score

from app.probes import metrics
from app.probes.baselines.ranks import ranks_of
from app.tasks.targets import Target

N, K = 400, 6


def labelled(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    truth = rng.random((N, K)) < 0.3
    return np.round(0.4 * truth + 0.6 * rng.random((N, K)), 2).astype(np.float64), truth


def numbered(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=N)
    return truth + rng.normal(size=N), truth


def test_several_labels_are_measured_as_scikit_learn_does() -> None:
    p, truth = labelled()
    expected = {
        "f1_micro": f1_score(truth, p > 0.5, average="micro"),
        "f1_macro": f1_score(truth, p > 0.5, average="macro"),
        "map": average_precision_score(truth, p, average="macro"),
        "exact_match": float(((p > 0.5) == truth).all(axis=1).mean()),
    }
    for name, value in expected.items():
        assert metrics.compute(name, p, truth, Target.CLASSES) == pytest.approx(value), name


def test_a_label_that_nobody_has_does_not_count() -> None:
    p, truth = labelled()
    more = np.hstack([truth, np.zeros((N, 1), dtype=bool)])
    wider = np.hstack([p, np.full((N, 1), 0.1)])
    for name in ("f1_micro", "f1_macro", "map"):
        one = metrics.score(name, p, truth, Target.CLASSES)
        assert metrics.score(name, wider, more, Target.CLASSES) == pytest.approx(one), name


def test_numbers_are_measured_as_scipy_does() -> None:
    predictions, truth = numbered()
    expected = {
        "spearmanr": spearmanr(predictions, truth).statistic,
        "pearsonr": pearsonr(predictions, truth).statistic,
        "mean_squared_error": np.mean((predictions - truth) ** 2),
        "mean_absolute_error": np.mean(np.abs(predictions - truth)),
    }
    for name, value in expected.items():
        assert metrics.compute(name, predictions, truth, Target.NUMBER) == pytest.approx(value), name
    assert metrics.score("spearmanr", np.ones(N), truth, Target.NUMBER) == 0.0


def test_entities_are_right_as_a_whole() -> None:
    truth = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG"]]
    said = [["B-PER", "O", "O", "B-LOC"], ["O", "B-LOC"]]
    assert metrics.compute("entity_f1", said, truth, Target.TAGS) == pytest.approx(1 / 3)
    assert metrics.compute("accuracy", said, truth, Target.TAGS) == pytest.approx(4 / 6)
    assert metrics.score("entity_f1", [["O"]], [["O"]], Target.TAGS) == 0.0


@pytest.mark.parametrize(
    ("target", "name"),
    [(Target.CLASSES, "f1_micro"), (Target.CLASSES, "map"), (Target.NUMBER, "spearmanr")],
)
def test_standard_errors_are_those_of_new_samples(target: Target, name: str) -> None:
    drawn: list[tuple[Any, Any]] = [
        labelled(seed) if target is Target.CLASSES else numbered(seed) for seed in range(60)
    ]
    values = [metrics.score(name, said, truth, target) for said, truth in drawn]
    found = metrics.standard_error(name, drawn[0][0], drawn[0][1], seed=0, target=target)
    assert found == pytest.approx(np.std(values), rel=0.4)


def test_the_error_of_entities_shrinks_with_the_sentences() -> None:
    rng = np.random.default_rng(0)
    truth = [["B-X" if rng.random() < 0.5 else "O" for _ in range(5)] for _ in range(400)]
    said = [[tag if rng.random() < 0.8 else "O" for tag in tags] for tags in truth]
    many = metrics.standard_error("entity_f1", said, truth, seed=0, target=Target.TAGS)
    few = metrics.standard_error("entity_f1", said[:100], truth[:100], seed=0, target=Target.TAGS)
    assert few == pytest.approx(2 * many, rel=0.4)


def test_answers_are_ranked_among_passages_of_other_queries() -> None:
    scores = np.array(
        [[0.5, 0.9, 0.9, 0.1], [0.2, 0.4, 0.2, 0.3], [0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.9, 0.1]]
    )
    passages, queries = np.array([1, 2, 3, 1]), np.array([1, 2, 3, 4])
    assert ranks_of(scores, passages, queries).tolist() == [3, 1, 2, 2]
    # Of equal queries each other's passage is right too.
    assert ranks_of(scores, passages, np.array([1, 1, 3, 4])).tolist() == [2, 1, 2, 2]


def test_ranks_are_measured_as_by_hand() -> None:
    ranks, first = np.array([1, 2, 3, 20]), np.ones(4, dtype=np.int64)
    expected = {
        "recall_at_1": 0.25,
        "recall_at_5": 0.75,
        "recall_at_10": 0.75,
        "map": (1 + 1 / 2 + 1 / 3 + 1 / 20) / 4,
        "ndcg_at_10": (1 + 1 / np.log2(3) + 1 / 2) / 4,
    }
    for name, value in expected.items():
        assert metrics.compute(name, ranks, first, Target.MATCH) == pytest.approx(value), name
        assert 0.0 < metrics.standard_error(name, ranks, first, seed=0, target=Target.MATCH) < 0.5


@pytest.mark.parametrize(
    ("said", "right", "exact", "f1"),
    [
        ("The Bath!", ["bath"], 1.0, 1.0),
        ("an old bath house", ["Bath", "the bath house"], 0.0, 0.8),
        ("Bath Bath", ["Bath"], 0.0, 2 / 3),
        ("theatre", ["atre"], 0.0, 0.0),
        ("", [], 1.0, 1.0),
        ("Bath", [], 0.0, 0.0),
        ("", ["Bath"], 0.0, 0.0),
        ("the", [], 1.0, 1.0),
        ("anything", ["the", "Anything."], 1.0, 1.0),
        ("巴斯", ["巴斯。"], 1.0, 1.0),
        ("1815年", ["1815 年 12月"], 0.0, 2 * 2 / (2 + 4)),
        ("café–bar", ["café bar"], 0.0, 0.0),
    ],
)
def test_answers_are_compared_as_squad_does(said: str, right: list[str], exact: float, f1: float) -> None:
    assert metrics.compute("exact_match", [said], [right], Target.SPAN) == exact
    assert metrics.compute("token_f1", [said], [right], Target.SPAN) == pytest.approx(f1)


def test_the_error_of_answers_is_that_of_a_mean() -> None:
    said, right = ["a b"] * 300 + ["x"] * 100, [["b c"]] * 400
    values = np.array([1.0, 0.0]).repeat([300, 100]) * metrics.score(
        "token_f1", ["b"], [["b c"]], Target.SPAN
    )
    assert metrics.score("token_f1", said, right, Target.SPAN) == pytest.approx(values.mean())
    error = metrics.standard_error("token_f1", said, right, seed=0, target=Target.SPAN)
    assert error == pytest.approx(values.std(ddof=1) / 20)


@pytest.mark.parametrize("target", [t for t in Target if t is not Target.CLASS])
def test_metrics_of_other_targets_are_refused(target: Target) -> None:
    with pytest.raises(metrics.UnsupportedMetricError):
        metrics.score("wer", [], [], target)
    with pytest.raises(metrics.UnsupportedMetricError):
        metrics.compute("matthews_correlation", [], [], target)
