"""In which precision a model computes: mixed on a card, and on a processor that multiplies bfloat16 faster.

Weights, their moments, norms and the sums along the layers stay in single precision.

Source: Micikevicius et al. 2018, "Mixed Precision Training" (loss scaling for half precision); Kalamkar et
al. 2019, "A Study of BFLOAT16 for Deep Learning Training" (the range of single precision, so that nothing is
scaled).
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from app.probes.messages import BRAIN, SINGLE
from app.probes.strategies.full import MOST_GRADIENT_NORM


class Precision:
    """What lies between a loss and the update that it makes.

    Args:
        device: Where the model is.
        name: `fp32` or `bf16`, on a processor (`app.probes.device_speed` chooses); a card decides by itself.
    """

    def __init__(self, device: torch.device, name: str = SINGLE) -> None:
        self._device = device
        self._type = torch.bfloat16 if name == BRAIN else None
        if device.type == "cuda":
            self._type = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        self._scaler = torch.amp.GradScaler(device.type) if self._type is torch.float16 else None

    def autocast(self) -> AbstractContextManager[object]:
        """Forward passes belong under it."""
        if self._type is None:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._type)

    def backward(self, loss: Tensor) -> None:
        """Gradients are added to those of before."""
        scaled = loss if self._scaler is None else self._scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def update(self, optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter]) -> None:
        """One step along the clipped gradients."""
        if self._scaler is None:
            nn.utils.clip_grad_norm_(parameters, MOST_GRADIENT_NORM)
            optimizer.step()
            return
        self._scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(parameters, MOST_GRADIENT_NORM)
        self._scaler.step(optimizer)
        self._scaler.update()

    def state(self) -> dict[str, Tensor]:
        """What a resumed trial needs."""
        found = {} if self._scaler is None else self._scaler.state_dict()
        return {name: torch.tensor(float(value)) for name, value in found.items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        if self._scaler is not None and tensors:
            numbers = {name: float(value) for name, value in tensors.items()}
            whole = {name: int(numbers[name]) for name in ("growth_interval", "_growth_tracker")}
            self._scaler.load_state_dict({**numbers, **whole})
