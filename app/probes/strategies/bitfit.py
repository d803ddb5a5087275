"""`bitfit`: only the biases are trained.

Source: Ben Zaken, Goldberg and Ravfogel 2022, "BitFit: Simple Parameter-efficient Fine-tuning for
Transformer-based Masked Language-models".
"""

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation, UnsuitableStrategyError, blocks_of, freeze


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone with all but its biases frozen.

    Raises:
        UnsuitableStrategyError: It has no layers, or no biases, as Llama's kin.
    """
    del total_steps
    blocks_of(backbone, "bitfit")
    biases = [p for name, p in backbone.module.named_parameters() if name.endswith("bias")]
    if not biases:
        raise UnsuitableStrategyError("bitfit", "no biases")
    freeze(backbone.module)
    for bias in biases:
        bias.requires_grad = True
    return Adaptation()
