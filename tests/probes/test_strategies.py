"""Every strategy that trains, on a BERT of random weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from app.probes.backbones import load_backbone
from app.probes.data import TrialData, read_trial_data
from app.probes.footprint import NOT_CHECKPOINTED
from app.probes.messages import SlicePoint, TrainingRecipe, TrialSpec
from app.probes.strategies.adaptation import UnsuitableStrategyError
from app.probes.strategies.trained import TRAINED
from app.probes.training import FineTune
from models_registry.vocabulary import Strategy
from tests.probes.test_text_classifier import static_backbone
from tests.probes.tiny import trial_spec, write_dataset, write_place

TRAINS = {
    Strategy.FULL: "",
    Strategy.LORA: "lora_",
    Strategy.ADALORA: "lora_",
    Strategy.PREFIX: "prompt_encoder",
    Strategy.IA3: "ia3_",
    Strategy.BITFIT: "bias",
    Strategy.PARTIAL: "layer.1.",
}
"""Part of the name of every weight that trains below the head."""
RATES = {Strategy.FULL: 1e-2, Strategy.PARTIAL: 1e-2, Strategy.BITFIT: 3e-2}
RATE = 1e-2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strategies")
    return write_place(folder)


@pytest.fixture
def data(place: Path) -> TrialData:
    return read_trial_data(place / "data", place / "split.json")


@pytest.fixture
def spec(place: Path, tmp_path: Path) -> TrialSpec:
    return trial_spec(place, tmp_path, TrainingRecipe(batch_size=8, epochs=4, max_length=32))


def of(spec: TrialSpec, strategy: Strategy) -> TrialSpec:
    recipe = replace(spec.recipe, learning_rate=RATES.get(strategy, RATE))
    return replace(spec, strategy=strategy.value, recipe=recipe)


def opened(spec: TrialSpec, data: TrialData) -> FineTune:
    assert spec.model_folder is not None
    return FineTune(spec, load_backbone(spec.model_folder), data)


def trained(spec: TrialSpec, data: TrialData, *ends: int) -> SlicePoint:
    """In slices, each by another process would be the same: nothing is kept but what is on disk."""
    return [opened(spec, data).advance(end, lambda _: None) for end in ends][-1]


def kept(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = folder.glob("slice-*/state.safetensors")
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)


@pytest.mark.parametrize("strategy", TRAINED)
def test_only_what_trains_is_kept_and_nothing_else_changes(
    spec: TrialSpec, data: TrialData, strategy: Strategy
) -> None:
    trained(of(spec, strategy), data, 3)
    weights = {n.removeprefix("weight.") for n in kept(spec.folder) if n.startswith("weight.")}
    assert weights > {"head.weight", "head.bias"}
    below = weights - {"head.weight", "head.bias"}
    assert below
    assert all(TRAINS[strategy] in name for name in below)
    if strategy is Strategy.FULL:
        n_weights = len(list(load_backbone(spec.model_folder or Path()).module.parameters()))
        assert len(below) == n_weights


@pytest.mark.parametrize("strategy", TRAINED)
def test_loss_falls(spec: TrialSpec, data: TrialData, strategy: Strategy) -> None:
    spec = of(spec, strategy)
    begun, ended = trained(spec, data, 2), trained(spec, data, 40)
    assert ended.validation_loss < begun.validation_loss - 0.01


@pytest.mark.parametrize("strategy", TRAINED)
def test_resumed_slices_equal_one_run_to_the_bit(
    spec: TrialSpec, data: TrialData, strategy: Strategy
) -> None:
    spec = of(spec, strategy)
    parted = replace(spec, folder=spec.folder.with_name("parted"))
    in_one, in_parts = trained(spec, data, 38), trained(parted, data, 5, 17, 30, 38)
    one, parts = kept(spec.folder), kept(parted.folder)
    assert one.keys() == parts.keys()
    assert all(torch.equal(one[name], parts[name]) for name in one)
    assert (in_one.metric, in_one.validation_loss) == (in_parts.metric, in_parts.validation_loss)


def test_adalora_takes_ranks_away(spec: TrialSpec, data: TrialData) -> None:
    trained(of(spec, Strategy.ADALORA), data, 40)
    state = kept(spec.folder)
    left = [int(v.sum()) for name, v in state.items() if name.startswith("strategy.rank_pattern.")]
    values = [v for name, v in state.items() if name.startswith("weight.") and "lora_E" in name]
    assert sum(left) == 8 * len(left)
    assert sum(int((v != 0).sum()) for v in values) == sum(left)


@pytest.mark.parametrize("strategy", [s for s in TRAINED if s is not Strategy.FULL])
def test_word_vectors_have_nothing_to_adapt(tmp_path: Path, strategy: Strategy) -> None:
    with pytest.raises(UnsuitableStrategyError, match="no layers"):
        TRAINED[strategy](static_backbone(tmp_path), 10)


def test_prefix_leaves_room_for_its_positions(spec: TrialSpec, place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    write_dataset(folder)
    long = read_trial_data(folder, place / "split.json")
    long = replace(long, train=replace(long.train, texts=["good film " * 40] * len(long.train.texts)))
    assert trained(of(spec, Strategy.PREFIX), long, 2).step == 2


def without_dropout(spec: TrialSpec, data: TrialData, monkeypatch: pytest.MonkeyPatch) -> SlicePoint:
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda _self, x: x)
    return trained(spec, data, 10)


def test_micro_batches_give_the_gradients_of_the_batch(
    spec: TrialSpec, data: TrialData, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = of(spec, Strategy.FULL)
    weighted = replace(spec, recipe=replace(spec.recipe, class_weights=(0.5, 1.5), learning_rate=1e-3))
    whole = without_dropout(weighted, data, monkeypatch)
    recipe = replace(weighted.recipe, micro_batch=3)
    parts = replace(weighted, recipe=recipe, folder=spec.folder.with_name("parts"))
    in_parts = without_dropout(parts, data, monkeypatch)
    assert in_parts.loss == pytest.approx(whole.loss, abs=1e-4)
    assert in_parts.validation_loss == pytest.approx(whole.validation_loss, abs=1e-4)


@pytest.mark.parametrize("strategy", [s for s in TRAINED if s not in NOT_CHECKPOINTED])
def test_checkpointed_activations_change_nothing(
    spec: TrialSpec, data: TrialData, strategy: Strategy
) -> None:
    spec = of(spec, strategy)
    saving = replace(spec, recipe=replace(spec.recipe, gradient_checkpointing=True))
    saving = replace(saving, folder=spec.folder.with_name("saving"))
    plain, saved = trained(spec, data, 4), trained(saving, data, 4)
    assert saved.validation_loss == pytest.approx(plain.validation_loss, abs=1e-5)
