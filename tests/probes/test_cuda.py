"""Fine-tunes on a card, in mixed precision; skipped where there is none."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.probes.data import TrialData
from app.probes.messages import Train, TrialSpec
from app.probes.outcomes import OutOfMemory
from app.probes.precision import Precision
from app.probes.strategies.trained import TRAINED
from app.probes.trial_process import ForkServer, TrialProcess
from models_registry.vocabulary import Strategy
from tests.probes.test_strategies import data, of, place, spec, trained

__all__ = ["data", "place", "spec"]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card"),
]


@pytest.mark.parametrize("strategy", TRAINED)
def test_every_strategy_trains_on_a_card(spec: TrialSpec, data: TrialData, strategy: Strategy) -> None:
    begun, ended = trained(of(spec, strategy), data, 2), trained(of(spec, strategy), data, 40)
    assert ended.validation_loss < begun.validation_loss - 0.01


def test_slices_on_a_card_go_on_where_they_ended(spec: TrialSpec, data: TrialData, tmp_path: Path) -> None:
    parted = replace(spec, folder=tmp_path / "parted")
    whole, parts = trained(spec, data, 20), trained(parted, data, 7, 20)
    assert parts.validation_loss == pytest.approx(whole.validation_loss, abs=1e-2)


def test_a_trial_takes_no_more_of_a_card_than_it_may(spec: TrialSpec) -> None:
    with ForkServer() as server:
        trial = TrialProcess(replace(spec, card_bytes=2**20), server)
        outcome = trial.run(Train(until_step=4), timeout_seconds=120.0, memory_limit_bytes=2**34)
        trial.close()
    assert isinstance(outcome, OutOfMemory)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA cards")
def test_two_cards_train_what_one_does(spec: TrialSpec, data: TrialData, tmp_path: Path) -> None:
    spread = replace(spec, folder=tmp_path / "spread", n_devices=2)
    alone, together = trained(spec, data, 20), trained(spread, data, 7, 20)
    assert together.validation_loss == pytest.approx(alone.validation_loss, abs=5e-2)


def test_a_card_computes_in_few_bits() -> None:
    with Precision(torch.device("cuda")).autocast():
        product = torch.ones(2, 2, device="cuda") @ torch.ones(2, 2, device="cuda")
    assert product.dtype in {torch.bfloat16, torch.float16}
