"""`ia3`: keys, values and the inner activations of feed-forward layers are rescaled by learnt vectors.

Source: Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context
Learning", section 3.3.
"""

from peft import IA3Config

from app.probes.backbones import Backbone
from app.probes.strategies.adaptation import Adaptation, UnsuitableStrategyError, blocks_of

KEYS_AND_VALUES = frozenset({"key", "value", "k_proj", "v_proj", "k_lin", "v_lin", "key_proj", "value_proj"})
"""Last parts of their names: BERT's kin, Llama's kin, DistilBERT, DeBERTa."""
INNER = ("output.dense", "down_proj", "fc2", "lin2", "wo")
"""Of the map that reads the inner activations; `attention.output.dense` of BERT's kin is another one."""
OF_ATTENTION = "attention.output.dense"


def adapt(backbone: Backbone, total_steps: int) -> Adaptation:
    """The backbone with a vector beside keys, values and inner activations.

    Raises:
        UnsuitableStrategyError: None of its layers' names tells where these are.
    """
    del total_steps
    blocks_of(backbone, "ia3")
    names = [name for name, _ in backbone.module.named_modules()]
    scaled = [name for name in names if name.rsplit(".", 1)[-1] in KEYS_AND_VALUES]
    inner = [name for name in names if name.endswith(INNER) and not name.endswith(OF_ATTENTION)]
    if not scaled or not inner:
        raise UnsuitableStrategyError("ia3", "no keys, values and feed-forward layers that are known by name")
    backbone.add_adapters(IA3Config(target_modules=[*scaled, *inner], feedforward_modules=inner))
    return Adaptation()
