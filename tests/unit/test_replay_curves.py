"""`advisor replay FILE`: curves of anybody's through the scheduler that serves."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.evaluation.replay.curves import COLUMNS, UnusableCurvesError, read_curves
from app.evaluation.replay.foreknown import Foreknown, Moments
from app.evaluation.replay.table import replay_curves
from app.ranking.probe_model import Group, load_probe_model
from benchmarks.metrics import METRICS

ACCURACY = METRICS["accuracy"]
KNOWN = Foreknown(
    mean=1.2,
    shared=0.5,
    priced=(0.3, 3.0),
    alike=0.6,
    moments=Moments(within=10.0, within_degrees=100.0, between=5.0, between_degrees=10.0, n_datasets=4.0),
)
HEADING = ",".join(COLUMNS)


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join((HEADING, *rows)) + "\n")
    return path


@pytest.fixture
def curves(tmp_path: Path) -> Path:
    """Three data sets of eight models whose curves rise; the dearer the model, the slower."""
    rng, rows = np.random.default_rng(0), []
    for dataset in "abc":
        level = rng.uniform(0.6, 0.8)
        for m in range(8):
            end = level + 0.05 * rng.standard_normal()
            for step in range(10, 101, 10):
                value = float(np.clip(end - 0.25 * np.exp(-step / 30), 0.0, 1.0))
                rows.append(f"{dataset},org/m{m},full,5e-5,0,{step},{step * (m + 1) * 0.5},{value:.4f}")
    return write(tmp_path / "curves.csv", *rows)


def test_a_world_is_what_the_file_says(tmp_path: Path) -> None:
    path = write(
        tmp_path / "two.csv",
        "a,org/m,full,5e-5,3,40,20.0,0.8",
        "a,org/m,full,5e-5,3,10,5.0,0.6",
        "a,dleemiller/word-llama-l2-supercat,head,,3,80,2.0,0.7",
    )
    (world,) = read_curves(path, ACCURACY, KNOWN)
    task = world.task
    assert (task.dataset, task.seed) == ("a", 3)
    assert task.models == ("dleemiller/word-llama-l2-supercat head", "org/m full 5e-5")
    assert task.groups == (Group.STATIC, Group.LAYERED)
    np.testing.assert_allclose(task.final.values, [0.7, 0.8])
    np.testing.assert_allclose([task.slices[step].values[1] for step in (1, 2, 4, 8)], [0.6, 0.6, 0.6, 0.8])
    np.testing.assert_allclose(world.train_seconds, [2.0, 20.0])


def test_percentages_are_read_as_the_fractions_they_are(tmp_path: Path) -> None:
    rows = ("a,org/m,full,5e-5,0,10,5.0,{}", "a,org/n,full,5e-5,0,10,5.0,{}")
    written = {
        name: write(tmp_path / f"{name}.csv", *(r.format(v) for r, v in zip(rows, values, strict=True)))
        for name, values in {"fractions": (0.8, 0.7), "percent": (80, 70)}.items()
    }
    finals = [read_curves(path, ACCURACY, KNOWN)[0].task.final.values for path in written.values()]
    np.testing.assert_allclose(finals[0], finals[1])


def test_the_advisor_finds_the_best_curve_before_all_are_trained(curves: Path) -> None:
    worlds = read_curves(curves, ACCURACY, KNOWN)
    outcomes = replay_curves(worlds, load_probe_model(), budgets=(0.02, 0.5))
    found = {(o.policy, o.budget): o for o in outcomes if o.dataset == "a"}
    assert found["advisor", 0.5].regret < 1.0
    assert all(o.spent <= o.budget + 1e-9 for o in outcomes)
    assert {o.policy for o in outcomes} == {
        "advisor",
        "successive halving",
        "uniform",
        "best on the other sets",
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "has no rows"),
        (["a,m,full,1e-5,0,10,1.0,810"], "line 2: metric is 810, outside 0 to 100"),
        (["a,m,full,1e-5,0,10,1.0,81", "a,n,full,1e-5,0,10,1.0,0.81"], "a: values are in part fractions"),
        (["a,m,full,1e-5,0,0,1.0,0.5"], "line 2: step is 0"),
        (["a,m,full,1e-5,0,10,soon,0.5"], "line 2: seconds is 'soon', which is no number"),
        (["a,m,full,1e-5,0,10"], "line 2: seconds is None"),
        (["a,m,full,1e-5,0,10,1.0,nan"], "line 2: metric is nan"),
        (["a,m,full,1e-5,0,10,1.0,0.5"], "has one curve"),
    ],
)
def test_an_unusable_file_says_where_and_what(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(UnusableCurvesError, match=message):
        read_curves(write(tmp_path / "bad.csv", *rows), ACCURACY, KNOWN)


def test_the_command_prints_outcomes_as_json(curves: Path) -> None:
    result = CliRunner().invoke(app, ["replay", str(curves), "--budget", "0.5", "--dataset", "a", "--json"])
    assert result.exit_code == 0, result.output
    outcomes = json.loads(result.stdout)
    assert {o["dataset"] for o in outcomes} == {"a"}
    assert {o["budget"] for o in outcomes} == {0.5}


@pytest.mark.parametrize(
    "arguments", [["--metric", "wer"], ["--metric", "nonsense"], ["--dataset", "no-such"]]
)
def test_the_command_refuses_what_it_cannot_replay(curves: Path, arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["replay", str(curves), *arguments]).exit_code == 2


def test_the_command_refuses_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    result = CliRunner().invoke(app, ["replay", str(path)])
    assert result.exit_code == 2
    assert "lacks dataset" in result.output
