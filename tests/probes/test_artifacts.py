"""What a user takes away predicts as the model that was trained, read without this project's code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import nll_loss

from app.probes.artifact_files import FOLDER
from app.probes.artifact_predict import Classifier
from app.probes.backbones import load_backbone
from app.probes.data import read_trial_data, write_split
from app.probes.messages import Export, Exported, Refit, RefitPoint, TrainingRecipe, TrialSpec
from app.probes.outcomes import Finished
from app.probes.training import FineTune
from app.probes.trial_process import ForkServer, TrialProcess
from models_registry.vocabulary import Strategy
from tests.probes.tiny import trial_spec, write_place, write_static_vectors

TRAINED = [s for s in Strategy if s is not Strategy.HEAD]
LIMITS = {"timeout_seconds": 120.0, "memory_limit_bytes": 4 * 2**30}
RECIPE = TrainingRecipe(learning_rate=1e-2, batch_size=8, epochs=2, max_length=16)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = write_place(tmp_path / "place")
    write_split(folder / "split.json", np.arange(120), np.arange(0), seen=np.arange(60))
    return folder


def exported(spec: TrialSpec, server: ForkServer, n_steps: int = 30) -> Path:
    """The folder of what was taken away after a refit on every example."""
    process = TrialProcess(spec, server)
    try:
        if spec.strategy != Strategy.HEAD.value:
            for end in (n_steps // 2, n_steps):
                outcome = process.run(Refit(until_step=end), **LIMITS)  # type: ignore[arg-type]
                assert isinstance(outcome, Finished), outcome
                assert isinstance(outcome.result, RefitPoint)
                assert (outcome.result.step, outcome.result.total_steps) == (end, n_steps)
        outcome = process.run(Export(), **LIMITS)  # type: ignore[arg-type]
    finally:
        process.close()
    assert isinstance(outcome, Finished), outcome
    assert isinstance(outcome.result, Exported)
    folder = spec.folder / FOLDER
    assert all((folder / name).stat().st_size for name in outcome.result.files)
    return folder


@pytest.mark.parametrize("strategy", TRAINED)
def test_an_exported_model_predicts_as_the_trained_one(
    place: Path, tmp_path: Path, server: ForkServer, strategy: Strategy
) -> None:
    spec = replace(trial_spec(place, tmp_path, RECIPE), strategy=strategy.value)
    folder = exported(spec, server)

    write_split(place / "scored.json", np.arange(120), np.arange(80, 120))
    data = read_trial_data(place / "data", place / "scored.json")
    resumed = FineTune(spec, load_backbone(place / "model"), data)
    trained = resumed.advance(resumed.total_steps, lambda _: None)
    found = Classifier(folder, base=str(place / "model")).probabilities(data.validation.texts)
    loss = nll_loss(found.log(), torch.from_numpy(data.validation.labels))
    assert float(loss) == pytest.approx(trained.validation_loss, abs=1e-4)


def test_an_exported_model_keeps_the_vectors_that_no_text_used(
    place: Path, tmp_path: Path, server: ForkServer
) -> None:
    folder = exported(trial_spec(place, tmp_path, RECIPE), server)

    before = load_backbone(place / "model").module.get_input_embeddings().weight  # type: ignore[operator]
    after = load_backbone(folder / "model").module.get_input_embeddings().weight  # type: ignore[operator]
    changed = (before != after).any(dim=1)
    assert before.shape == after.shape
    assert not changed[1]  # no text has an unknown word
    assert changed[2:4].all()  # every text has the special tokens


def test_a_head_is_exported_alone_with_the_name_of_its_base(
    place: Path, tmp_path: Path, server: ForkServer
) -> None:
    folder = exported(replace(trial_spec(place, tmp_path, RECIPE), strategy="head"), server)

    assert {p.name for p in folder.iterdir()} == {
        "classifier.json",
        "classifier.safetensors",
        "predict.py",
    }
    assert json.loads((folder / "classifier.json").read_text())["base"]["id"] == "tiny"


def test_no_folder_of_this_machine_is_named(place: Path, tmp_path: Path, server: ForkServer) -> None:
    folder = exported(replace(trial_spec(place, tmp_path, RECIPE), strategy="lora"), server)

    for path in folder.rglob("*.json"):
        assert str(tmp_path) not in path.read_text()


@pytest.mark.parametrize("strategy", [Strategy.HEAD, Strategy.FULL])
def test_word_vectors_are_exported_whole(
    place: Path, tmp_path: Path, server: ForkServer, strategy: Strategy
) -> None:
    write_static_vectors(place / "vectors", place / "model")
    spec = replace(
        trial_spec(place, tmp_path, RECIPE), model_folder=place / "vectors", strategy=strategy.value
    )
    folder = exported(spec, server)

    data = read_trial_data(place / "data", place / "split.json")
    found = Classifier(folder).probabilities(data.train.texts)
    assert torch.equal(found.argmax(dim=1), torch.from_numpy(data.train.labels))


def test_the_script_runs_without_the_project(place: Path, tmp_path: Path, server: ForkServer) -> None:
    folder = exported(trial_spec(place, tmp_path, RECIPE), server)

    done = subprocess.run(
        [sys.executable, "-I", folder / "predict.py", "good film the plot"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"HF_HUB_OFFLINE": "1"},
    )
    label, probability, text = done.stdout.strip().split("\t")
    assert (label, text) == ("positive", "good film the plot")
    assert 0.5 < float(probability) <= 1.0
