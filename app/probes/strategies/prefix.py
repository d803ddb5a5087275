"""`prefix`: learnt keys and values that every layer's attention reads beside those of the text.

Source: Li and Liang 2021, "Prefix-Tuning"; Liu et al. 2022, "P-Tuning v2" (every layer, no reparametrisation,
short prefixes for classification).
"""

from peft import PrefixTuningConfig, TaskType

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation, blocks_of

LENGTH = 16
"""Learnt tokens; they take as many of the positions that the model was pretrained with."""


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone with a prefix in every layer.

    Raises:
        UnsuitableStrategyError: It has no layers.
    """
    del total_steps
    blocks_of(backbone, "prefix")
    backbone.add_adapters(
        PrefixTuningConfig(task_type=TaskType.FEATURE_EXTRACTION, num_virtual_tokens=LENGTH)
    )
    return Adaptation()
