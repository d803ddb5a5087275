"""The state dict of a PyTorch checkpoint; nothing but tensors and plain containers is unpickled."""

from pathlib import Path

import torch

from app.probes.conversion.base import DamagedSourceError, write_model
from models_registry.entry import ModelEntry

_STATE_KEYS = ("model_state", "state_dict", "model")


def convert(parts: Path, target: Path, entry: ModelEntry) -> None:
    """The target folder holds the tensors under their own names; optimizer states are left out."""
    path = next((p for p in sorted((parts / "weights").rglob("*.p*t*")) if p.suffix in {".pt", ".pth"}), None)
    if path is None:
        raise DamagedSourceError("no .pt or .pth file")
    content = torch.load(path, map_location="cpu", weights_only=True)
    state = next((content[key] for key in _STATE_KEYS if key in content), content)
    tensors = {name: value.detach().numpy() for name, value in state.items() if torch.is_tensor(value)}
    if not tensors:
        raise DamagedSourceError(f"{path.name} holds no tensors")
    config = {
        "model_type": entry.id.rpartition("/")[2].lower(),
        "hidden_size": entry.embedding_width,
        "input_size": entry.input_size,
        "dtype": "float32",
        "_name_or_path": entry.id,
    }
    write_model(target, config, tensors)
