"""What a strategy makes of a backbone: which weights train, and what it does beside the gradient step."""

from collections.abc import Mapping

from torch import Tensor, nn

from app.probes.backbones import Backbone, BackboneError


class UnsuitableStrategyError(BackboneError):
    """A backbone has nothing that this strategy trains."""

    def __init__(self, strategy: str, lack: str) -> None:
        self.strategy = strategy
        super().__init__(f"{strategy} does not suit this model: it has {lack}")


class Adaptation:
    """A strategy at work on one backbone. Most do nothing beside the gradient step."""

    def penalty(self) -> Tensor | None:
        """Added to the loss of a step; None for nothing."""
        return None

    def after_step(self, step: int) -> None:
        """Between the update of a step (from 0) and the next; gradients are still there."""

    def state(self) -> dict[str, Tensor]:
        """What a resumed trial needs beside weights and moments, by name."""
        return {}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""


def freeze(module: nn.Module) -> None:
    """None of its weights trains."""
    for parameter in module.parameters():
        parameter.requires_grad = False


def blocks_of(backbone: Backbone, strategy: str) -> list[nn.Module]:
    """The layers of a backbone, the lowest first.

    Raises:
        UnsuitableStrategyError: It has none.
    """
    blocks = backbone.layers()
    if not blocks:
        raise UnsuitableStrategyError(strategy, "no layers")
    return blocks
