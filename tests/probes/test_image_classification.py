"""Images are probed: by random weights on images that are easy, and by real weights on real ones."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.artifact_files import FOLDER
from app.probes.artifact_predict_images import Classifier
from app.probes.data import write_split
from app.probes.efficientnet_lite import VARIANTS, EfficientNetLite
from app.probes.image_backbones import ImageTransformer, LiteBackbone
from app.probes.loading import load_model
from app.probes.messages import FeatureReport, TrainingRecipe, TrialSpec
from app.probes.trial import Trial
from app.tasks.base import CheckedRow
from tests.images import SIDE, image_bytes
from tests.probes.test_ranker_defects import Listener
from tests.probes.test_real_models import ROOT, model_folder
from tests.probes.tiny import trial_spec

LITE = "package-index/efficientnet-lite0"
RECIPE = TrainingRecipe(learning_rate=3e-3, batch_size=8, epochs=4, head_from_features=False)


def write_tiny_vit(folder: Path) -> None:
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=SIDE,
        patch_size=8,
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)


def write_tiny_resnet(folder: Path) -> None:
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": SIDE}))


def write_tiny_lite(folder: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "efficientnet-lite0"}))
    save_file(EfficientNetLite(VARIANTS["efficientnet-lite0"]).state_dict(), folder / "model.safetensors")


WRITERS = {"resnet": write_tiny_resnet, "lite": write_tiny_lite}


def write_images(folder: Path, rows: Sequence[tuple[bytes, str, str]]) -> None:
    """Contents, suffixes and labels as a stored data set."""
    (folder / "files").mkdir(parents=True)
    with ExampleWriter(folder / FILE_NAME) as writer:
        for content, suffix, label in rows:
            name = f"files/{hashlib.sha256(content).hexdigest()}{suffix}"
            (folder / name).write_bytes(content)
            writer.add(CheckedRow(name, label))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    write_tiny_vit(folder / "model")
    write_images(folder / "data", [(image_bytes(i % 2, i), ".png", "cw"[i % 2]) for i in range(60)])
    write_split(folder / "split.json", np.arange(40), np.arange(40, 60))
    return folder


def spec_of(place: Path, work: Path, **changes: Any) -> TrialSpec:
    return replace(trial_spec(place, work, RECIPE), task_type="image-classification", **changes)


def opened(spec: TrialSpec) -> Trial:
    return Trial(spec, Listener())  # type: ignore[arg-type]


def test_a_fine_tune_learns(place: Path, tmp_path: Path) -> None:
    tune = opened(spec_of(place, tmp_path))._opened()
    begun = tune.advance(1, lambda _: None)
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert ended.validation_loss < begun.validation_loss
    assert ended.metric > 0.8


def test_a_fine_tune_that_is_resumed_is_the_same_to_the_bit(place: Path, tmp_path: Path) -> None:
    whole = opened(spec_of(place, tmp_path / "a"))._opened().advance(6, lambda _: None)
    spec = spec_of(place, tmp_path / "b")
    opened(spec)._opened().advance(3, lambda _: None)
    resumed = opened(spec)._opened().advance(6, lambda _: None)
    assert (resumed.validation_loss, resumed.metric) == (whole.validation_loss, whole.metric)


def test_frozen_features_beat_the_majority_and_are_kept(place: Path, tmp_path: Path) -> None:
    spec = spec_of(place, tmp_path)
    trial = opened(spec)
    first, baselines = trial._report_features(), trial._run_baselines().scores
    assert isinstance(first, FeatureReport)
    assert [b.name for b in baselines] == ["majority", "pixels-logistic"]
    assert first.head_metric > baselines[0].metric
    assert first.vocabulary == {}
    again = opened(spec)._report_features()
    assert again.pass_seconds == 0.0
    assert (again.head_metric, again.transferability) == (first.head_metric, first.transferability)


def test_what_is_drawn_does_not_hang_on_how_batches_are_cut(place: Path) -> None:
    backbone = load_model(place / "model")
    assert isinstance(backbone, ImageTransformer)
    images = backbone.read(sorted((place / "data" / "files").iterdir()), backbone.max_length)
    together = images.training_batch(np.array([3, 5]), seed=7).pixels
    assert torch.equal(together[1], images.training_batch(np.array([5]), seed=7).pixels[0])
    assert not torch.equal(together[1], images.training_batch(np.array([5]), seed=8).pixels[0])
    assert torch.equal(images.batch(np.array([5])).pixels, images.batch(np.array([5])).pixels)


def test_layers_of_one_width_are_stacked_and_those_of_several_are_not(place: Path, tmp_path: Path) -> None:
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(tmp_path / "resnet")
    for folder, shape in ((place / "model", (2, 3, 32)), (tmp_path / "resnet", (2, 1, 16))):
        backbone = load_model(folder)
        assert isinstance(backbone, ImageTransformer)
        files = sorted((place / "data" / "files").iterdir())
        batch = backbone.read(files, backbone.max_length).batch(np.array([0, 1]))
        assert backbone.encode_layers(batch).shape == shape
        assert backbone.width == shape[-1]


def test_norms_over_batches_keep_their_statistics_in_training() -> None:
    network = EfficientNetLite(VARIANTS["efficientnet-lite0"]).train()
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())


@pytest.mark.parametrize("strategy", ["head", "full"])
@pytest.mark.parametrize("kind", ["vit", "resnet", "lite"])
def test_what_is_taken_away_predicts_the_same(place: Path, tmp_path: Path, kind: str, strategy: str) -> None:
    if kind != "vit":
        shutil.rmtree(place / "model")
        WRITERS[kind](place / "model")
    spec = spec_of(place, tmp_path, strategy=strategy)
    trial = opened(spec)
    if strategy == "full":
        trial._opened().advance(4, lambda _: None)
    files = trial._export().files
    assert ("model/model.safetensors" in files) == (strategy == "full" or kind == "lite")
    paths = trial._load_data().validation.paths
    found = Classifier(spec.folder / FOLDER, base=str(place / "model")).outputs(paths).double().numpy()
    if strategy == "head":
        passed = trial._passes()
        ours = trial._fit_head(passed).classifier.logits(passed.validation)
    else:
        tune = trial._opened()
        ours = tune._outputs(tune._validation).double().numpy()
    assert found == pytest.approx(ours, rel=1e-3, abs=1e-3)


def test_the_program_that_is_taken_away_runs_by_itself(place: Path, tmp_path: Path) -> None:
    shutil.rmtree(place / "model")
    write_tiny_lite(place / "model")
    spec = spec_of(place, tmp_path, strategy="full")
    trial = opened(spec)
    trial._opened().advance(2, lambda _: None)
    trial._export()
    image = trial._load_data().validation.paths[0]
    program = spec.folder / FOLDER / "predict.py"
    done = subprocess.run([sys.executable, "-I", program, image], capture_output=True, text=True, check=True)
    label, probability, path = done.stdout.strip().split("\t")
    assert label in {"c", "w"}
    assert 0.5 <= float(probability) <= 1.0
    assert path == str(image)


def hymenoptera(folder: Path) -> None:
    """120 images to train on and 100 to validate on."""
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    source = shared / "data" / "tasks" / "hymenoptera"
    if not source.exists():
        pytest.skip(f"no development data in {shared}")
    rows = []
    for part, n in (("train", 120), ("test", 100)):
        with (source / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        chosen = np.random.default_rng(0).permutation(len(found))[:n]
        rows += [((source / found[i]["path"]).read_bytes(), ".jpg", found[i]["label"]) for i in chosen]
    write_images(folder / "data", rows)
    write_split(folder / "split.json", np.arange(120), np.arange(120, 220))


@pytest.mark.weights
@pytest.mark.shared
@pytest.mark.slow
def test_pretrained_efficientnet_lite_tells_ants_from_bees(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    weights, place = model_folder(LITE), tmp_path / "place"
    hymenoptera(place)
    torch.manual_seed(0)
    random = EfficientNetLite(VARIANTS["efficientnet-lite0"])
    (place / "random").mkdir()
    shutil.copyfile(weights / "config.json", place / "random" / "config.json")
    save_file(random.state_dict(), place / "random" / "model.safetensors")
    scores = {}
    for name, folder in (("pretrained", weights), ("random", place / "random")):
        assert isinstance(load_model(folder), LiteBackbone)
        spec = spec_of(place, tmp_path / name, model_folder=folder, model_name=name)
        scores[name] = opened(spec)._report_features().head_metric
    majority, pixels = (b.metric for b in opened(spec)._run_baselines().scores)
    assert scores["pretrained"] > 0.85
    assert scores["pretrained"] > max(scores["random"], majority, pixels) + 0.15
