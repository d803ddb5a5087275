"""What a fine-tune leaves on disk after a slice, and goes on from.

A folder `slice-<step>`: the weights that train, AdamW's moments, what the strategy needs, and a JSON file
with the step and what was measured. It is written whole or not at all; the one before it is then removed.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.probes.precision import Precision
from app.probes.strategies.adaptation import Adaptation

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a trial is.

    Attributes:
        step: Optimiser steps done.
        seconds: Spent in slices.
        best_validation_loss: Least so far; None before the first evaluation.
        n_worse: Evaluations since then.
        loss: Mean training loss of the last slice.
    """

    step: int = 0
    seconds: float = 0.0
    best_validation_loss: float | None = None
    n_worse: int = 0
    loss: float = 0.0


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """Everything of a fine-tune that changes with its steps."""

    model: nn.Module
    optimizer: torch.optim.AdamW
    adaptation: Adaptation
    precision: Precision

    def save(self, folder: Path, progress: Progress) -> None:
        """The state of this step is on disk, and no older one is."""
        scratch = folder / ".slice"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        save_file(self._tensors(), scratch / "state.safetensors")
        (scratch / "progress.json").write_text(json.dumps(asdict(progress)))
        target = folder / f"slice-{progress.step:08d}"
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
        for old in folder.glob("slice-*"):
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def load(self, folder: Path) -> Progress:
        """The newest slice's state, where there is one; how far it was."""
        slices = sorted(folder.glob("slice-*"))
        if not slices:
            return Progress()
        tensors = load_file(slices[-1] / "state.safetensors")
        with torch.no_grad():
            for name, parameter in self._changing():
                parameter.copy_(tensors[f"weight.{name}"])
                self.optimizer.state[parameter] = {
                    key: tensors[f"{key}.{name}"].to(parameter.device)
                    for key in _MOMENTS
                    if f"{key}.{name}" in tensors
                }
        self.adaptation.load_state(_under(tensors, "strategy."))
        self.precision.load_state(_under(tensors, "precision."))
        return Progress(**json.loads((slices[-1] / "progress.json").read_text()))

    def _changing(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, p) for name, p in self.model.named_parameters() if p.requires_grad)

    def _tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for name, parameter in self._changing():
            tensors[f"weight.{name}"] = parameter.detach().contiguous()
            for moment, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{moment}.{name}"] = value.detach().contiguous()
        tensors |= {f"strategy.{name}": value for name, value in self.adaptation.state().items()}
        return tensors | {f"precision.{name}": value for name, value in self.precision.state().items()}


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def save_progress(folder: Path, progress: Progress) -> None:
    """The step's progress is replaced, with the seconds that saving itself took."""
    path = folder / f"slice-{progress.step:08d}" / "progress.json"
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(asdict(progress)))
    scratch.replace(path)
