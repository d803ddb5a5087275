"""What is said at a run's end of all predictions: by trials of tiny models, and by made-up outputs."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.probes.data import Part
from app.probes.kept_outputs import HEAD, TRAINED, keep_outputs, read_outputs
from app.probes.messages import TrainingRecipe, decode_result, encode_result
from app.probes.reviewing import Reviewer
from app.probes.reviews import Review, ReviewReport
from app.probes.tasks.base import ProbeTask
from app.probes.tasks.multi_label_classification import MultiLabel
from app.probes.tasks.text_classification import Classification
from app.probes.tasks.text_regression import Regression
from app.probes.tasks.token_classification import Tagging
from app.probes.trial import Trial
from tests.probes.test_ranker_defects import Listener
from tests.probes.tiny import trial_spec, write_place

N = 300
RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, size=N)


def part_of(values: NDArray[np.generic], compared: Sequence[int] | None = None, names: int = 0) -> Part:
    return Part(
        rows=np.arange(N),
        texts=[f"text {i}" for i in range(N)],
        labels=TRUTH,
        groups=np.arange(N),
        values=values,
        compared=None if compared is None else np.asarray(compared),
        compared_names=tuple(f"group {i}" for i in range(names)),
    )


def logits(accuracy: float, seed: int) -> NDArray[np.float64]:
    """Of a model that is right this often, at random, and more confident where it is."""
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(N) < accuracy, TRUTH, 1 - TRUTH)
    confidence = np.where(said == TRUTH, rng.uniform(1.0, 3.0, N), rng.uniform(0.0, 1.0, N))
    return np.eye(2)[said] * confidence[:, None]


def review(
    folder: Path,
    task: ProbeTask,
    part: Part,
    members: dict[str, NDArray[np.float64]],
    *,
    metric: str = "accuracy",
    counts: NDArray[np.int64] | None = None,
) -> ReviewReport:
    for name, outputs in members.items():
        keep_outputs(folder / name, outputs, np.ones(N, dtype=np.int64) if counts is None else counts)
    reviewer = Reviewer(task=task, part=part, metric=metric, seed=0)
    paths = {name: str(folder / name) for name in members}
    return reviewer.report(Review(members=paths, leader=next(iter(members)), blend=True))


def test_models_that_err_apart_are_better_together(tmp_path: Path) -> None:
    members = {"a": logits(0.8, 1), "b": logits(0.78, 2), "c": logits(0.78, 3)}
    found = review(tmp_path, Classification(2), part_of(TRUTH), members).blend
    assert found is not None
    assert set(found.weights) == {"a", "b", "c"}
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert found.gain > 0.05
    assert found.p_better > 0.95


def test_a_model_with_its_copy_and_a_coin_is_no_blend(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    sure = 2.0 * np.eye(2)[np.where(rng.random(N) < 0.95, TRUTH, 1 - TRUTH)]
    members = {"a": sure, "copy": sure, "coin": np.eye(2)[rng.integers(0, 2, size=N)]}
    assert review(tmp_path, Classification(2), part_of(TRUTH), members).blend is None


@pytest.mark.parametrize("kind", ["numbers", "labels", "tags"])
def test_other_targets_are_blended_too(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(1)
    task: ProbeTask
    values: NDArray[np.generic]
    counts, metric = None, "f1_micro"
    if kind == "numbers":
        truth, metric = rng.normal(size=N), "spearmanr"
        task, values = Regression(truth), truth
        members = {n: (truth + rng.normal(size=N))[:, None] for n in "ab"}
    elif kind == "labels":
        values = rng.random((N, 3)) < 0.4
        task = MultiLabel(3)
        members = {n: (values - 0.5) * 2 + rng.normal(scale=1.5, size=(N, 3)) for n in "ab"}
    else:
        counts, metric = rng.integers(1, 5, size=N), "entity_f1"
        tags = rng.integers(0, 3, size=int(counts.sum()))
        values = np.empty(N, dtype=object)
        values[:] = np.split(tags, np.cumsum(counts)[:-1])
        task = Tagging(("B-X", "B-Y", "O"))
        members = {n: np.eye(3)[tags] * 2 + rng.normal(scale=1.3, size=(len(tags), 3)) for n in "ab"}
    found = review(tmp_path, task, part_of(values), members, metric=metric, counts=counts).blend
    assert found is not None
    assert found.gain > 2 * found.gain_std_error > 0


def test_a_group_that_a_model_fails_on_is_found(tmp_path: Path) -> None:
    compared = np.arange(N) % 2
    outputs = logits(0.95, 1)
    outputs[compared == 1] = logits(0.6, 2)[compared == 1]
    report = review(tmp_path, Classification(2), part_of(TRUTH, compared.tolist(), 2), {"a": outputs})
    (found,) = report.groups
    assert [score.group for score in found.scores] == ["group 0", "group 1"]
    assert [score.n_examples for score in found.scores] == [150, 150]
    assert found.gap == pytest.approx(found.scores[0].metric - found.scores[1].metric)
    assert found.p_value is not None
    assert found.p_value < 0.01


def test_gaps_between_equal_groups_are_seldom_called_sure(tmp_path: Path) -> None:
    """Of ten models that know of no group, p-values are spread from 0 to 1."""
    compared = (np.arange(N) % 3).tolist()
    values = []
    for seed in range(10):
        part = part_of(TRUTH, compared, 3)
        report = review(tmp_path / str(seed), Classification(2), part, {"a": logits(0.8, 10 + seed)})
        values.append(report.groups[0].p_value or 0.0)
    assert sum(value < 0.05 for value in values) <= 2
    assert max(values) > 0.5


def test_groups_of_a_few_examples_are_counted_and_not_scored(tmp_path: Path) -> None:
    compared = [0] * 150 + [1] * 140 + [2] * 10
    report = review(tmp_path, Classification(2), part_of(TRUTH, compared, 3), {"a": logits(0.8, 1)})
    assert {score.group for score in report.groups[0].scores} == {"group 0", "group 1"}
    assert report.n_unmeasured == 1


def test_a_report_travels_as_json(tmp_path: Path) -> None:
    members = {"a": logits(0.8, 1), "b": logits(0.78, 2)}
    part = part_of(TRUTH, (np.arange(N) % 2).tolist(), 2)
    report = review(tmp_path, Classification(2), part, members)
    assert asdict(decode_result(encode_result(report))) == asdict(report)


def test_trials_keep_what_they_said(tmp_path: Path) -> None:
    place = write_place(tmp_path / "place")
    spec = trial_spec(place, tmp_path, TrainingRecipe(batch_size=8, epochs=2, max_length=16))
    trial = Trial(spec, Listener())  # type: ignore[arg-type]
    features = trial._report_features()
    point = trial._opened().advance(5, lambda _: None)
    for name, metric in ((HEAD, features.head_metric), (TRAINED, point.metric)):
        kept = read_outputs(spec.folder / name)
        assert kept.counts.tolist() == [1] * 40
        said = kept.outputs.argmax(axis=1)
        assert float(np.mean(said == trial._load_data().validation.labels)) == pytest.approx(metric)
