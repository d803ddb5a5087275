"""A model spread over several devices; two replicas on one processor stand in for two cards."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from app.probes.backbones import load_backbone
from app.probes.data import TrialData
from app.probes.messages import SlicePoint, TrialSpec
from app.probes.replicas import FewerDevicesError, training_devices
from app.probes.strategies.trained import TRAINED
from app.probes.training import FineTune
from models_registry.vocabulary import Strategy
from tests.probes.test_strategies import data, kept, of, place, spec

__all__ = ["data", "place", "spec"]

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _no_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of dropout differ with the part of a batch, so equal results need it off."""
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda found, *_, **__: found)


def trained_on(devices: Sequence[torch.device], spec: TrialSpec, data: TrialData, *ends: int) -> SlicePoint:
    assert spec.model_folder is not None
    folder = spec.model_folder
    tunes = (FineTune(spec, load_backbone(folder), data, devices=devices) for _ in ends)
    return [tune.advance(end, lambda _: None) for tune, end in zip(tunes, ends, strict=True)][-1]


@pytest.mark.parametrize("strategy", TRAINED)
def test_two_devices_train_what_one_does(spec: TrialSpec, data: TrialData, strategy: Strategy) -> None:
    one = replace(of(spec, strategy), recipe=replace(spec.recipe, class_weights=(1.0, 3.0)))
    two = replace(one, folder=one.folder.with_name("two"))
    alone, together = trained_on([CPU], one, data, 6), trained_on([CPU, CPU], two, data, 2, 6)
    assert together.validation_loss == pytest.approx(alone.validation_loss, abs=1e-3)
    begun, moved = kept(one.folder), kept(two.folder)
    assert all(torch.allclose(begun[n], moved[n], atol=2e-3) for n in begun if n.startswith("weight."))


def test_more_devices_than_examples_leave_some_idle(spec: TrialSpec, data: TrialData) -> None:
    few = replace(spec, recipe=replace(spec.recipe, batch_size=2))
    assert trained_on([CPU] * 3, few, data, 4).step == 4


def test_micro_batches_are_a_device_s(spec: TrialSpec, data: TrialData) -> None:
    parted = replace(spec, folder=spec.folder.with_name("parted"), recipe=replace(spec.recipe, micro_batch=2))
    whole, parts = trained_on([CPU], spec, data, 4), trained_on([CPU, CPU], parted, data, 4)
    assert parts.validation_loss == pytest.approx(whole.validation_loss, abs=1e-3)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without cards")
def test_cards_that_are_not_there_are_missed() -> None:
    assert training_devices(1) == (CPU,)
    with pytest.raises(FewerDevicesError, match="2 cards were asked for, this machine has 0"):
        training_devices(2)
