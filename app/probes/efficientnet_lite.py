"""EfficientNet-Lite: without squeeze-and-excitation, with ReLU6, stem and head of one width for all sizes.

Notation:
    a block         kernel k, times r, stride s of the first, expansion e, input and output channels i, o
    width, depth    factors of channels and of repeats

Source: Tan and Le 2019, "EfficientNet", table 1 and section 3.3 (baseline and scaling); README of
EfficientNet-Lite in tensorflow/tpu (what Lite leaves out; the sizes). Names of the weights are those of the
published PyTorch checkpoints.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor, nn

STEM, HEAD = 32, 1_280
BASE = (
    (3, 1, 1, 1, 32, 16),
    (3, 2, 2, 6, 16, 24),
    (5, 2, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (5, 3, 1, 6, 80, 112),
    (5, 4, 2, 6, 112, 192),
    (3, 1, 1, 6, 192, 320),
)
"""Stages as (k, r, s, e, i, o)."""
NORM_EPSILON = 1e-3
MEAN, SCALE = 127.0, 128.0
"""Inputs are (x - 127) / 128 of values from 0 to 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One size of the family.

    Attributes:
        width: Factor of channels.
        depth: Factor of repeats.
        size: Pixels a side.
    """

    width: float
    depth: float
    size: int


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "efficientnet-lite0": Variant(width=1.0, depth=1.0, size=224),
        "efficientnet-lite1": Variant(width=1.0, depth=1.1, size=240),
        "efficientnet-lite2": Variant(width=1.1, depth=1.2, size=260),
    }
)


class StillNorm(nn.BatchNorm2d):
    """A norm that keeps its pretrained statistics in training too.

    Those of a few small batches are worse, and they would be a state that depends on how batches are cut.
    """

    def train(self, mode: bool = True) -> "StillNorm":
        """Its scale and shift train, its statistics stay."""
        del mode
        super().train(mode=False)
        return self


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does: the odd pixel goes to the right and the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, o, ceil(H / s), ceil(W / s))."""
        pads = []
        for size, kernel, stride in zip(
            x.shape[:-3:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(x, pads))


class Block(nn.Module):
    """An inverted residual: expand, filter each channel, project; with a shortcut where shapes allow."""

    def __init__(self, kernel: int, stride: int, expansion: int, inputs: int, outputs: int) -> None:
        super().__init__()
        width = inputs * expansion
        self._has_expansion = expansion > 1
        self._has_shortcut = stride == 1 and inputs == outputs
        if self._has_expansion:
            self._expand_conv = SameConv(inputs, width, 1, bias=False)
            self._bn0 = StillNorm(width, eps=NORM_EPSILON)
        self._depthwise_conv = SameConv(width, width, kernel, stride, groups=width, bias=False)
        self._bn1 = StillNorm(width, eps=NORM_EPSILON)
        self._project_conv = SameConv(width, outputs, 1, bias=False)
        self._bn2 = StillNorm(outputs, eps=NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, o, H / s, W / s)."""
        found = nn.functional.relu6(self._bn0(self._expand_conv(x))) if self._has_expansion else x
        found = nn.functional.relu6(self._bn1(self._depthwise_conv(found)))
        found = self._bn2(self._project_conv(found))
        outputs: Tensor = found + x if self._has_shortcut else found
        return outputs


class EfficientNetLite(nn.Module):
    """The network up to its pooled features; its classifier of ImageNet is left out."""

    width = HEAD

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM, 3, 2, bias=False)
        self._bn0 = StillNorm(STEM, eps=NORM_EPSILON)
        self._blocks = nn.ModuleList(_blocks(variant))
        self._conv_head = SameConv(_rounded(BASE[-1][-1] * variant.width), HEAD, 1, bias=False)
        self._bn1 = StillNorm(HEAD, eps=NORM_EPSILON)

    @property
    def blocks(self) -> list[nn.Module]:
        """The lowest first."""
        return list(self._blocks)

    def forward(self, pixels: Tensor) -> Tensor:
        """Mean over places of the last layer, shape (B, 1280).

        Args:
            pixels: Shape (B, 3, H, W).
        """
        x = nn.functional.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            x = block(x)
        last: Tensor = nn.functional.relu6(self._bn1(self._conv_head(x)))
        return last.mean(dim=(2, 3))


def pretrained(model_type: str, tensors: Mapping[str, Tensor]) -> EfficientNetLite:
    """The network with these weights, every one of which must be there and in its place.

    Args:
        model_type: A key of `VARIANTS`.
        tensors: By their names in the checkpoint.

    Raises:
        ValueError: Weights are missing, left over or of another shape.
    """
    network = EfficientNetLite(VARIANTS[model_type])
    # Converted files hold the count of batches as a vector of one.
    shaped = {n: t.reshape(()) if n.endswith("num_batches_tracked") else t for n, t in tensors.items()}
    own = {name: tensor for name, tensor in shaped.items() if not name.startswith("_fc.")}
    try:
        network.load_state_dict(own, strict=True)
    except RuntimeError as error:
        raise ValueError(f"not the weights of {model_type}: {error}") from error
    return network.eval()


def _blocks(variant: Variant) -> Iterator[Block]:
    for i, (kernel, repeats, stride, expansion, inputs, outputs) in enumerate(BASE):
        # Lite keeps the first and the last stage as they are.
        times = repeats if i in {0, len(BASE) - 1} else math.ceil(repeats * variant.depth)
        first = STEM if i == 0 else _rounded(inputs * variant.width)
        wide = _rounded(outputs * variant.width)
        for repeat in range(times):
            yield Block(kernel, 1 if repeat else stride, expansion, wide if repeat else first, wide)


def _rounded(channels: float, by: int = 8) -> int:
    """The nearest multiple of 8, less than a tenth below."""
    found = max(by, int(channels + by / 2) // by * by)
    return found + by if found < 0.9 * channels else found
