"""`partial`: the upper half of the layers is trained, all below it frozen.

Source: Lee, Tang and Lin 2019, "What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning": the last
quarter to half of the layers keeps nearly all of the quality.
"""

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation, blocks_of, freeze


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone with its input vectors and the lower half of its layers frozen.

    Raises:
        UnsuitableStrategyError: It has no layers.
    """
    del total_steps
    blocks = blocks_of(backbone, "partial")
    freeze(backbone.module)
    for block in blocks[len(blocks) // 2 :]:
        for parameter in block.parameters():
            parameter.requires_grad = True
    return Adaptation()
