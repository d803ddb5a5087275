"""The processor's speed and precision: measured in a trial, kept a day, and what computes in few bits."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.probes import device_speed
from app.probes.backbones import load_backbone
from app.probes.data import TrialData
from app.probes.device_speed import KEPT_SECONDS, measure, measured_device
from app.probes.features import extract_features
from app.probes.messages import BRAIN, SINGLE, TrialSpec
from app.probes.strategies.trained import TRAINED
from app.probes.trial_process import ForkServer
from app.ranking.devices import device_named
from models_registry.vocabulary import Strategy
from tests.probes.test_strategies import data, kept, of, place, spec, trained

__all__ = ["data", "place", "spec"]

CPU = device_named("cpu")
SERVER = ForkServer()
"""Never started."""


class Measured:
    """Stands in for the trial that measures."""

    def __init__(self, flops: Mapping[str, float] | None) -> None:
        self.flops = flops
        self.n_calls = 0

    def __call__(self, _server: ForkServer) -> Mapping[str, float] | None:
        self.n_calls += 1
        return self.flops


def given(monkeypatch: pytest.MonkeyPatch, flops: Mapping[str, float] | None) -> Measured:
    measured = Measured(flops)
    monkeypatch.setattr(device_speed, "measure", measured)
    return measured


def test_a_card_is_taken_as_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = given(monkeypatch, {SINGLE: 1e11, BRAIN: 2e11})
    card = device_named("t4")
    assert measured_device(card, SERVER, tmp_path / "device.json") == card
    assert measured.n_calls == 0


@pytest.mark.parametrize(("brain", "precision"), [(2e11, BRAIN), (1.1e11, SINGLE), (0.3e11, SINGLE)])
def test_the_clearly_faster_precision_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, brain: float, precision: str
) -> None:
    flops = {SINGLE: 1e11, BRAIN: brain}
    given(monkeypatch, flops)
    device = measured_device(CPU, SERVER, tmp_path / "device.json")
    assert device.precision == precision
    assert device.flops * device.train_efficiency == pytest.approx(
        device_speed.TRAINING_SHARE * flops[precision]
    )


def test_what_was_measured_is_kept_for_a_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = tmp_path / "new" / "device.json"
    measured = given(monkeypatch, {SINGLE: 1e11, BRAIN: 2e11})
    first = measured_device(CPU, SERVER, cache)
    measured.flops = {SINGLE: 3e11, BRAIN: 3e11}
    assert measured_device(CPU, SERVER, cache) == first
    assert measured.n_calls == 1
    raw = json.loads(cache.read_text())
    cache.write_text(json.dumps({**raw, "measured_at": raw["measured_at"] - KEPT_SECONDS - 1}))
    assert measured_device(CPU, SERVER, cache).precision == SINGLE
    assert measured.n_calls == 2


@pytest.mark.parametrize("text", ["", "[]", '{"machine": "another", "measured_at": 0, "flops": {}}'])
def test_another_machines_file_or_a_broken_one_is_measured_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    cache = tmp_path / "device.json"
    cache.write_text(text)
    measured = given(monkeypatch, {SINGLE: 1e11, BRAIN: 2e11})
    measured_device(CPU, SERVER, cache)
    assert measured.n_calls == 1


def test_a_machine_that_cannot_be_measured_counts_as_usual(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(monkeypatch, None)
    assert measured_device(CPU, SERVER, tmp_path / "device.json") == CPU
    assert not (tmp_path / "device.json").exists()


def test_a_trial_measures_both_precisions() -> None:
    with ForkServer() as server:
        flops = measure(server)
    assert flops is not None
    assert set(flops) == {SINGLE, BRAIN}
    assert all(1e8 < value < 1e15 for value in flops.values())


@pytest.mark.parametrize("strategy", TRAINED)
def test_every_strategy_trains_in_few_bits_and_goes_on_to_the_bit(
    spec: TrialSpec, data: TrialData, strategy: Strategy
) -> None:
    spec = replace(of(spec, strategy), precision=BRAIN)
    parted = replace(spec, folder=spec.folder.with_name("parted"))
    begun = trained(replace(spec, folder=spec.folder.with_name("begun")), data, 2)
    whole, parts = trained(spec, data, 40), trained(parted, data, 11, 40)
    assert whole.validation_loss < begun.validation_loss - 0.01
    assert whole.validation_loss == parts.validation_loss
    assert all(
        value.dtype == torch.float32 for value in kept(spec.folder).values() if value.is_floating_point()
    )


def test_features_in_few_bits_are_close(place: Path) -> None:
    backbone = load_backbone(place / "model")
    tokenized = backbone.tokenize(["good film", "the plot a film", "awful"], 32)
    single = extract_features(backbone, tokenized)
    brain = extract_features(backbone, tokenized, precision=BRAIN)
    assert brain.dtype == np.float32
    assert not np.array_equal(brain, single)
    assert np.abs(brain - single).max() < 0.03 * np.abs(single).max()
