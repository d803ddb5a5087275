"""`advisor fit` and `advisor recommend --without-figure` over the shipped figures."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import get_settings
from tests.conftest import CopyOfShipped

TASK = ["recommend", "Sentiment of English movie reviews, two classes", "--n-examples", "8000", "--json"]


@pytest.fixture
def data_dir(copy_shipped: CopyOfShipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy_shipped(tmp_path)
    monkeypatch.setenv("ADVISOR_DATA_DIR", str(tmp_path))  # put back afterwards: the command sets it too
    get_settings.cache_clear()
    return tmp_path


def test_a_fit_that_is_there_is_found_and_described(data_dir: Path) -> None:
    fits = sorted((data_dir / "fits").iterdir())
    result = CliRunner().invoke(app, ["fit", "--data", str(data_dir)])
    assert result.exit_code == 0, result.output
    assert "figures" in result.output
    assert sorted((data_dir / "fits").iterdir()) == fits


def test_leaving_a_figure_out_changes_what_its_evidence_promised(data_dir: Path) -> None:
    runner, place = CliRunner(), ["--data", str(data_dir)]
    whole = json.loads(runner.invoke(app, [*TASK, *place]).stdout)
    first = whole["ranking"][0]
    figure = max(first["evidence"], key=lambda e: abs(e["effect"]))
    left = runner.invoke(app, [*TASK, *place, "--without-figure", str(figure["figure_id"])])
    answer = json.loads(left.stdout)
    mean = next(r["score"]["mean"] for r in answer["ranking"] if r["model"]["name"] == first["model"]["name"])
    assert figure["effect"] != 0.0
    assert mean - first["score"]["mean"] == pytest.approx(figure["effect"], abs=2e-4)
    assert answer["database"]["version"] != whole["database"]["version"]


def test_a_figure_that_does_not_exist_is_refused(data_dir: Path) -> None:
    result = CliRunner().invoke(app, [*TASK, "--data", str(data_dir), "--without-figure", "999999999"])
    assert result.exit_code == 2
