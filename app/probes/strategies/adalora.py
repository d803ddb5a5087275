"""`adalora`: LoRA in the form of a singular value decomposition, its ranks spent where they count.

Notation:
    P, E, Q     left vectors, singular values and right vectors of an update; P' P = Q Q' = I is asked for

Source: Zhang et al. 2023, "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning",
equations 3 and 4 and section 3.3 (budget schedule: full, cubic fall, final).
"""

from collections.abc import Mapping

import torch
from peft import AdaLoraConfig, AdaLoraModel
from torch import Tensor, nn

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation, blocks_of
from app.probes.strategies.lora import DROPOUT, EVERY_LINEAR_MAP

FIRST_RANK, LAST_RANK, ALPHA = 12, 8, 32
ORTHOGONALITY = 0.1
"""Weight of the penalty; the paper has 0.1 to 0.5 on GLUE."""
WARM, SETTLED = 0.1, 0.3
"""Shares of the steps before ranks are taken away and after."""
_AVERAGES = ("ipt", "exp_avg_ipt", "exp_avg_unc")
_PATTERN = "rank_pattern"


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone with an update beside every linear map whose ranks compete.

    Raises:
        UnsuitableStrategyError: It has no layers.
    """
    blocks_of(backbone, "adalora")
    config = AdaLoraConfig(
        init_r=FIRST_RANK,
        target_r=LAST_RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        target_modules=EVERY_LINEAR_MAP,
        total_step=total_steps,
        tinit=int(WARM * total_steps),
        tfinal=int(SETTLED * total_steps),
        deltaT=max(total_steps // 100, 1),
    )
    return AdaLora(backbone.add_adapters(config), config)


class AdaLora(Adaptation):
    """Ranks are taken from updates that matter little while training goes on."""

    def __init__(self, module: nn.Module, config: AdaLoraConfig) -> None:
        tuner = module.base_model
        if not isinstance(tuner, AdaLoraModel):
            raise TypeError(f"{type(tuner).__name__} instead of AdaLoRA's tuner")
        self._tuner = tuner
        self._config = config

    def penalty(self) -> Tensor:
        """How far the singular vectors are from being orthonormal, mean over updates (equation 4)."""
        found = [
            _distance(p if ".lora_A." in name else p.T)
            for name, p in self._tuner.named_parameters()
            if ".lora_A." in name or ".lora_B." in name
        ]
        return ORTHOGONALITY * torch.stack(found).mean()

    def after_step(self, step: int) -> None:
        """Importances are updated, and ranks taken away where it is time."""
        self._tuner.update_and_allocate(step)  # type: ignore[no-untyped-call]  # peft leaves it untyped

    def state(self) -> dict[str, Tensor]:
        """Running importances and which ranks are left."""
        allocator = self._tuner.rankallocator
        found = {
            f"{average}.{name}": value.contiguous()
            for average in _AVERAGES
            for name, value in getattr(allocator, average).items()
        }
        pattern = self._config.rank_pattern or {}
        return found | {f"{_PATTERN}.{name}": torch.tensor(kept) for name, kept in pattern.items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on with these importances and ranks."""
        for average in _AVERAGES:
            setattr(self._tuner.rankallocator, average, _under(tensors, average))
        pattern = {name: kept.tolist() for name, kept in _under(tensors, _PATTERN).items()}
        self._config.rank_pattern = pattern or None


def _distance(rows: Tensor) -> Tensor:
    """Frobenius norm of V V' - I, rows V of shape (r, d)."""
    distance: Tensor = torch.linalg.matrix_norm(rows @ rows.T - torch.eye(len(rows), device=rows.device))
    return distance


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")
    }
