"""One model on several devices: each works on its part of a batch, gradients are added on the first.

Neither of torch's own ways fits a trial: DistributedDataParallel needs processes that talk over a network,
which a trial has not; DataParallel copies every weight for every pass, where here only what trains is copied,
once a step. Updates, and what a strategy keeps beside the weights, happen on the first device alone.

Source: Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating Data Parallel Training" (gradients
of parts that are weighed by their share of the batch add up to those of the whole).
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from app.probes.backbones import BackboneError


class FewerDevicesError(BackboneError):
    """The machine has not as many cards as the trial is to train on."""

    def __init__(self, wanted: int, found: int) -> None:
        self.wanted = wanted
        self.found = found
        super().__init__(f"{wanted} cards were asked for, this machine has {found}")


def training_devices(wanted: int) -> tuple[torch.device, ...]:
    """So many CUDA cards; the processor where one device is asked for and there is no card.

    Raises:
        FewerDevicesError: There are not as many.
    """
    found = torch.cuda.device_count()
    if wanted > max(found, 1):
        raise FewerDevicesError(wanted, found)
    return tuple(torch.device("cuda", i) for i in range(wanted)) if found else (torch.device("cpu"),)


Model = TypeVar("Model", bound=nn.Module)


class Replicas(Generic[Model]):
    """A model and its copies, one a device.

    Args:
        model: What is trained; it moves to the first device.
        devices: At least one.
    """

    def __init__(self, model: Model, devices: Sequence[torch.device]) -> None:
        self.devices = tuple(devices)
        self._models = [model.to(devices[0]), *(deepcopy(model).to(device) for device in devices[1:])]

    def __len__(self) -> int:
        return len(self.devices)

    @property
    def first(self) -> Model:
        """The one that is updated and kept."""
        return self._models[0]

    def parted(self, rows: NDArray[np.int64]) -> Iterator[tuple[Model, torch.device, NDArray[np.int64]]]:
        """Every replica with its device and its share of the rows; none of a share that is empty."""
        parts = np.array_split(rows, len(self))
        return ((m, d, p) for m, d, p in zip(self._models, self.devices, parts, strict=True) if len(p))

    def seed(self, seed: int) -> None:
        """Everything drawn from now on follows from it, on each card in its own way."""
        torch.manual_seed(seed)
        for place, device in enumerate(self.devices):
            if place and device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed + place)

    def train(self, *, mode: bool) -> None:
        """Dropout is on or off in all of them."""
        for model in self._models:
            model.train(mode)

    def gather_gradients(self) -> None:
        """The gradients of the first are those of all together; the others have none."""
        for model in self._models[1:]:
            for mine, theirs in zip(self.first.parameters(), model.parameters(), strict=True):
                if theirs.grad is None:
                    continue
                moved = theirs.grad.to(mine.device)
                mine.grad = moved if mine.grad is None else mine.grad.add_(moved)
                theirs.grad = None

    def spread_weights(self) -> None:
        """The others hold what the first holds of the weights that train and of its buffers."""
        mine = [*(p for p in self.first.parameters() if p.requires_grad), *self.first.buffers()]
        with torch.no_grad():
            for model in self._models[1:]:
                theirs = [*(p for p in model.parameters() if p.requires_grad), *model.buffers()]
                for source, target in zip(mine, theirs, strict=True):
                    target.copy_(source, non_blocking=True)
