"""What a conversion process is told."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from models_registry.entry import ModelEntry

MODULES = {
    "onnx-minilm": "onnx_minilm",
    "q4_0": "q4_0",
    "gguf-llama": "gguf_llama",
    "wordllama": "wordllama",
    "pytorch-checkpoint": "pytorch_checkpoint",
}
"""Converters, as entries name them, and the modules that hold them."""


class Job(BaseModel):
    """One conversion.

    Attributes:
        converter: A key of `MODULES`.
        parts: Folder of the unpacked parts, one subfolder a role.
        target: Folder to make and fill.
        entry: The model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    converter: str
    parts: Path
    target: Path
    entry: ModelEntry
