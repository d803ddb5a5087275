"""What moved predictions is found: of a known function, of words that decide, and of images."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from app.probes.attribution import shapley_values
from app.probes.data import write_split
from app.probes.explainer import chosen, errors, explained_output
from app.probes.explanations import N_EXPLAINED, ExplanationReport
from app.probes.kept_outputs import HEAD, TRAINED
from app.probes.messages import TrainingRecipe, decode_result, encode_result
from app.probes.regions import GRID, Mask
from app.probes.trial import Trial
from app.tasks.targets import Target
from tests.images import image_bytes
from tests.probes.test_image_classification import RECIPE as IMAGE_RECIPE
from tests.probes.test_image_classification import spec_of, write_images, write_tiny_vit
from tests.probes.test_ranker_defects import Listener
from tests.probes.tiny import WORDS, trial_spec, write_place

RECIPE = TrainingRecipe(learning_rate=1e-2, batch_size=8, epochs=4, max_length=16)


def test_of_a_sum_every_part_is_worth_its_own() -> None:
    worth = np.random.default_rng(0).normal(size=9)
    found = shapley_values(lambda masks: masks.astype(float) @ worth, 9, seed=0)
    assert found == pytest.approx(worth, abs=1e-4)


def test_what_two_parts_do_together_is_shared() -> None:
    """v is 1 where both of the first two are there: each is worth a half (Shapley 1953)."""

    def both(masks: Mask) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return (masks[:, 0] & masks[:, 1]).astype(float)

    found = shapley_values(both, 5, seed=0)
    assert found == pytest.approx([0.5, 0.5, 0.0, 0.0, 0.0], abs=0.1)
    assert found.sum() == pytest.approx(1.0, abs=1e-4)


def test_of_one_part_or_none_nothing_is_drawn() -> None:
    assert shapley_values(lambda masks: np.where(masks[:, 0], 3.0, 0.0), 1, seed=0).tolist() == [3.0]
    assert shapley_values(lambda masks: np.zeros(len(masks)), 0, seed=0).tolist() == []


def test_half_are_the_worst_and_half_the_best() -> None:
    off = np.array([0.1, 5.0, 0.3, 4.0, 0.2, 3.0, 1.0, 2.0])
    assert chosen(off) == [1, 3, 5, 0, 4, 2]
    assert chosen(off[:2]) == [1, 0]


def test_errors_are_likelihoods_of_the_truth() -> None:
    logits = np.log(np.array([[0.9, 0.1], [0.2, 0.8]]))
    found = errors(logits, np.array([0, 0]), Target.CLASS)
    assert found == pytest.approx(-np.log([0.9, 0.2]))


def test_log_odds_are_of_the_class_against_all_others() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1]]))
    assert explained_output(logits, 0, Target.CLASS) == pytest.approx(np.log(0.7 / 0.3))


@pytest.mark.parametrize("strategy", ["full", "head", "lora"])
def test_the_word_that_decides_is_found(tmp_path: Path, strategy: str) -> None:
    place = write_place(tmp_path / "place")
    spec = replace(trial_spec(place, tmp_path, RECIPE), strategy=strategy)
    spec.folder.mkdir(parents=True)
    trial = Trial(spec, Listener())  # type: ignore[arg-type]
    if strategy == "head":
        trial._report_features()
    else:
        trial._opened().advance(40, lambda _: None)
    report = trial._explain(spec.folder / (HEAD if strategy == "head" else TRAINED))
    assert len(report.items) == N_EXPLAINED
    right = [item for item in report.items if item.predicted == item.true]
    assert len(right) >= N_EXPLAINED // 2
    texts = trial._load_data().validation
    hits = 0
    for item in right:
        text = texts.texts[int(np.flatnonzero(texts.rows == item.row)[0])]
        top = max(item.parts, key=lambda part: part.weight)
        hits += text[top.start : top.end] in WORDS[:6]
        assert sum(part.weight for part in item.parts) == pytest.approx(item.output - item.without, abs=0.01)
    assert hits >= len(right) - 1
    assert decode_result(encode_result(report)) == report
    assert isinstance(report, ExplanationReport)
    assert "texts" not in asdict(report)


def test_the_half_of_an_image_that_is_bright_is_found(tmp_path: Path) -> None:
    place = tmp_path / "place"
    write_tiny_vit(place / "model")
    write_images(place / "data", [(image_bytes(i % 2, i), ".png", "cw"[i % 2]) for i in range(60)])
    write_split(place / "split.json", np.arange(40), np.arange(40, 60))
    spec = replace(spec_of(place, tmp_path), recipe=IMAGE_RECIPE)
    trial = Trial(spec, Listener())  # type: ignore[arg-type]
    trial._opened().advance(20, lambda _: None)
    report = trial._explain(spec.folder / TRAINED)
    for item in report.items:
        assert item.grid is not None
        assert (len(item.grid), len(item.grid[0])) == (GRID, GRID)
        assert np.sum(item.grid) == pytest.approx(item.output - item.without, abs=0.02)
