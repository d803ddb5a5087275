"""Defects that public rankers of models have had, each as a test of ours.

Those not here: copies do not raise a nearest-neighbour score (test_transferability_knn), a model that fails
does not end the run (e2e/test_failing_candidates), no text is on both sides of a split (test_datasets_split).
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from app.probes.backbones import load_backbone
from app.probes.data import write_split
from app.probes.features import extract_features
from app.probes.messages import FeatureReport, TrainingRecipe
from app.probes.plan import ArmPlan
from app.probes.trial import Trial
from app.probes.trials import TrialPool
from app.probes.weights import packaged_entries
from models_registry.vocabulary import Strategy, TaskType
from tests.probes.tiny import trial_spec, write_place, write_tiny_bert

TEXTS = ["good film", "the plot a film", "awful"]
RECIPE = TrainingRecipe(batch_size=8, epochs=2, max_length=16)


class Listener:
    """The worker's end of a trial's connection."""

    def send_bytes(self, message: bytes) -> None:
        """Nobody reads it."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write_place(tmp_path / "place")


def write_tiny_llama(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaModel

    write_tiny_bert(folder)  # for its tokenizer
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=14,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        pad_token_id=0,
    )
    LlamaModel(config).save_pretrained(folder)


@pytest.mark.parametrize("write", [write_tiny_bert, write_tiny_llama])
def test_the_last_layer_is_really_the_last(tmp_path: Path, write: Any) -> None:
    """Behind its norm, where there is one, and not the one before it."""
    from transformers import AutoModel

    write(tmp_path)
    backbone = load_backbone(tmp_path)
    tokenized = backbone.tokenize(TEXTS, 16)
    seen = extract_features(backbone, tokenized)[:, -1]
    batch = tokenized.batch(np.arange(len(TEXTS)))
    with torch.inference_mode():
        model = AutoModel.from_pretrained(tmp_path, local_files_only=True).eval()
        states = model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
    mask = batch.mask.unsqueeze(-1)
    expected = ((states * mask).sum(1) / mask.sum(1)).numpy()
    assert seen == pytest.approx(expected, abs=1e-5)
    with torch.no_grad():
        for parameter in backbone.layers()[-1].parameters():
            parameter.mul_(1.5)
    assert np.abs(extract_features(backbone, tokenized)[:, -1] - seen).max() > 1e-3


def report(place: Path, work: Path, validation: slice) -> FeatureReport:
    write_split(place / "split.json", np.arange(60), np.arange(60, 120)[validation])
    trial = Trial(trial_spec(place, work, RECIPE), Listener())  # type: ignore[arg-type]
    found = trial._report_features()
    assert isinstance(found, FeatureReport)
    return found


def test_validation_examples_never_reach_an_estimator(place: Path, tmp_path: Path) -> None:
    one = report(place, tmp_path / "one", slice(0, 20))
    other = report(place, tmp_path / "other", slice(20, 60))
    assert one.transferability.keys() == other.transferability.keys()
    for name, value in one.transferability.items():
        assert other.transferability[name] == pytest.approx(value, rel=1e-3, abs=1e-4), name
    assert one.predicted_metric == other.predicted_metric


def test_settings_reach_every_model_and_not_only_the_first() -> None:
    strategies = (Strategy.HEAD, Strategy.FULL, Strategy.LORA)
    arms = tuple(
        ArmPlan(
            model=m, strategy=s, total_steps=10, step_seconds=0.1, slice_overhead_seconds=0.1, micro_batch=4
        )
        for m in range(3)
        for s in strategies
    )
    entry = packaged_entries()["intfloat/multilingual-e5-small"]
    plan = SimpleNamespace(arms=arms, names=("a", "b", "c"), metric=SimpleNamespace(name="f1_macro"), seed=7)
    prepared = SimpleNamespace(
        plan=plan, entries=(entry,) * 3, epochs=5, max_length=48, n_threads=2, precision="bf16", n_devices=1
    )
    dataset = SimpleNamespace(
        id="ds_1",
        task_type=TaskType.TEXT_CLASSIFICATION,
        profile=SimpleNamespace(class_counts={"x": 90, "y": 10}),
    )
    data = SimpleNamespace(
        examples=SimpleNamespace(label_names=("x", "y")),
        folder=Path("data"),
        split_file=Path("run/split.json"),
        train=range(80),
    )
    settings: Any = SimpleNamespace(data_dir=Path("d"), feature_cache_bytes=1)
    made: Any = TrialPool  # of stand-ins with only what a trial's settings are made of
    folders = {m: Path(f"m{m}") for m in range(3)}
    pool = made(prepared, dataset, data, folders, {"budget": {}}, settings, None)
    specs = [pool._spec(arm) for arm in range(len(arms))]
    assert {s.model_folder for s in specs} == {Path("m0"), Path("m1"), Path("m2")}
    assert {(s.seed, s.n_threads, s.precision, s.metric, s.input_prefix) for s in specs} == {
        (7, 2, "bf16", "f1_macro", "query: ")
    }
    weights = {s.recipe.class_weights for s in specs}
    assert len(weights) == 1
    assert None not in weights
    assert {(r.epochs, r.max_length, r.micro_batch) for r in (s.recipe for s in specs)} == {(5, 48, 4)}
    for strategy in strategies:
        assert len({s.recipe.learning_rate for s in specs if s.strategy == strategy.value}) == 1
