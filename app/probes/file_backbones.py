"""Pretrained models of files as one thing: images or recordings in, one vector a file out.

Notation:
    B   files in a batch;  d  width of the output
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from app.probes.backbones import BackboneError
from app.probes.inputs import Files

if TYPE_CHECKING:
    from peft import PeftConfig


class FileBackbone(ABC):
    """What models of files have in common; satisfies `Backbone`.

    Attributes:
        noun: What one file is called.
    """

    noun: ClassVar[str]
    module: nn.Module
    width: int
    n_parameters: int
    max_length: int

    @abstractmethod
    def read(self, paths: Sequence[Path], max_length: int) -> Files:
        """Files on disk, decoded when they are asked for, each cut to `max_length` where it has a length."""

    def encode(self, batch: Any) -> Tensor:  # noqa: ANN401  (as the model reads them)
        """One vector a file, in single precision, shape (B, d)."""
        return self.encode_layers(batch)[:, -1]

    @abstractmethod
    def encode_layers(self, batch: Any) -> Tensor:  # noqa: ANN401
        """The same of every layer that has this width, shape (B, layers, d)."""

    @abstractmethod
    def save_memory(self) -> None:
        """Activations are computed again for the backward pass, where it knows how."""

    @abstractmethod
    def layers(self) -> list[nn.Module]:
        """Its blocks, the lowest first."""

    def add_adapters(self, config: "PeftConfig") -> nn.Module:
        """Not for files yet.

        Raises:
            BackboneError: Always.
        """
        raise BackboneError(f"models of {self.noun}s are not adapted by {config.peft_type}")
