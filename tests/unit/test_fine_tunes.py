"""The recorded fine-tunes: rows as they were written, and what is put side by side from them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.fitting.fine_tunes import FineTunePoint, append_rows, load_fine_tunes, read_rows, ship_fine_tunes
from app.fitting.labelled_sets import labelled_sets
from app.fitting.probes import TARGET_PATH, learn_probes
from app.fitting.recorded_tasks import final_scores, recorded_tasks, smaller_fine_tunes
from app.fitting.transferability_scores import load_transferability
from app.probes.plan import SLICE_FRACTIONS
from app.ranking.probe_model import SLICE, Group, load_probe_model, probe_model_to_json

POINT = FineTunePoint(
    dataset="a",
    model="m",
    strategy="full",
    seed=0,
    n_train=256,
    epochs=10,
    max_length=128,
    learning_rate=1e-4,
    step=80,
    total_steps=80,
    seconds=1.0,
    n_threads=1,
    peak_memory_bytes=0,
    part="validation",
    n_examples=300,
    metric_name="accuracy",
    metric=0.8,
    std_error=0.02,
    loss=0.5,
)
STEPS = ((10, 0.6), (20, 0.7), (40, 0.7), (80, 0.8))
CURVE = [replace(POINT, step=step, metric=value) for step, value in STEPS]


def test_recorded_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    for point in CURVE:
        append_rows(path, [point])
    assert read_rows(path) == CURVE
    assert read_rows(tmp_path / "none.csv") == []


def test_shipping_again_replaces_what_was_measured_anew_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    ship_fine_tunes(CURVE, path)
    again = replace(CURVE[-1], metric=0.9)
    assert ship_fine_tunes([again], path) == len(CURVE)
    assert load_fine_tunes(path) == [*CURVE[:-1], again]


def test_final_score_is_that_on_all_examples_that_the_run_does_not_see() -> None:
    points = [
        replace(POINT, seed=seed, part=part, metric=metric, std_error=error, n_examples=n)
        for seed, part, metric, error, n in (
            (0, "test", 0.70, 0.03, 600),
            (1, "test", 0.80, 0.03, 600),
            (0, "validation", 0.10, 0.04, 300),  # the run's own: what it decides by
            (1, "validation", 0.90, 0.04, 300),
        )
    ]
    found = final_scores(points, ["m"], seed=0)
    assert found.values[0] == pytest.approx((600 * 0.75 + 300 * 0.90) / 900)
    assert found.errors[0] == pytest.approx(np.hypot(600 * 0.03, 300 * 0.04) / 900)


def test_a_seed_that_some_models_lack_counts_for_none() -> None:
    points = [
        replace(POINT, model=model, seed=seed, part=part, metric=metric)
        for model, seed, part, metric in (
            ("m", 0, "test", 0.7),
            ("n", 0, "test", 0.6),
            ("m", 1, "test", 0.8),
            ("m", 1, "validation", 0.9),
        )
    ]
    assert final_scores(points, ["m", "n"], seed=0).values.tolist() == [0.7, 0.6]
    assert final_scores(points, ["m"], seed=0).values[0] > 0.7


def test_only_whole_fine_tunes_say_what_less_data_reaches() -> None:
    assert smaller_fine_tunes(CURVE[:-1]) == []
    assert smaller_fine_tunes(CURVE) == [CURVE[-1]]


def test_every_recorded_set_says_what_its_figures_are_hidden_by() -> None:
    assert {p.dataset for p in load_fine_tunes()} <= labelled_sets().keys()


def test_recorded_slices_end_where_those_of_a_run_do() -> None:
    for task in recorded_tasks(load_fine_tunes(), load_transferability()):
        assert len(task.slices) == len(SLICE_FRACTIONS)
        for step, fraction in zip(sorted(task.slices), SLICE_FRACTIONS, strict=True):
            assert abs(step / task.steps - fraction) < 0.01


def test_committed_model_is_the_fit_of_the_committed_rows() -> None:
    points = load_fine_tunes()
    tasks = recorded_tasks(points, load_transferability())
    fitted = learn_probes(tasks, smaller_fine_tunes(points), points)
    kept = json.loads(TARGET_PATH.read_text(encoding="utf-8"))
    assert kept["version"] == fitted.version
    assert kept == probe_model_to_json(fitted)


def test_shipped_model_is_surer_of_a_fine_tune_the_further_it_is() -> None:
    model = load_probe_model()
    for group in Group:
        own = [model.relation(group, SLICE, share).own for share in SLICE_FRACTIONS]
        assert own == sorted(own, reverse=True)
        assert model.relation(group, SLICE, 1.0).tuned == 1.0
