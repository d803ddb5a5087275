"""`lora`: low-rank updates of every linear map, the pretrained weights frozen.

Notation:
    r     rank of an update;  alpha / r scales it

Sources: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models" (rank, scale, dropout); Dettmers
et al. 2023, "QLoRA" (every linear map rather than queries and values alone).
"""

from peft import LoraConfig

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation, blocks_of

RANK, ALPHA, DROPOUT = 8, 16, 0.05
EVERY_LINEAR_MAP = "all-linear"


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone with an update beside every linear map.

    Raises:
        UnsuitableStrategyError: It has no layers.
    """
    del total_steps
    blocks_of(backbone, "lora")
    backbone.add_adapters(
        LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=DROPOUT, target_modules=EVERY_LINEAR_MAP)
    )
    return Adaptation()
