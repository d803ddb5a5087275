"""What converters share: their signature, their error, and how the result is written."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from models_registry.entry import ModelEntry
from models_registry.hubs.policy import CONFIG, SIDE_FILES, SINGLE

Converter = Callable[[Path, Path, ModelEntry], None]
"""Called with (folder of the parts, folder to fill, the entry)."""

Arrays = Mapping[str, npt.NDArray[np.generic]]


class DamagedSourceError(Exception):
    """The weights do not have the layout that the converter was written for."""


def write_model(target: Path, config: Mapping[str, object], tensors: Arrays) -> None:
    """The target folder holds the configuration and the tensors.

    Args:
        target: Folder of the result.
        config: Content of `config.json`.
        tensors: By name; made contiguous, dtype kept.
    """
    (target / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
    contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    save_file(contiguous, target / SINGLE, metadata={"format": "pt"})  # transformers refuses files without it


def copy_tokenizer(source: Path, target: Path) -> None:
    """The target folder holds the tokenizer's files of the source folder."""
    for path in source.iterdir():
        if path.name in SIDE_FILES and path.name != CONFIG:
            shutil.copyfile(path, target / path.name)


def only_file(folder: Path, suffix: str) -> Path:
    """The one file with this suffix below a folder."""
    found = sorted(folder.rglob(f"*{suffix}"))
    if len(found) != 1:
        raise DamagedSourceError(f"expected one {suffix} file, found {len(found)}")
    return found[0]
