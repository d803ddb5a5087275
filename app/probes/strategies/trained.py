"""The strategies that train by gradient steps, by name."""

from collections.abc import Callable, Mapping

from app.probes.backbones import Backbone
from app.probes.strategies import adalora, bitfit, full, ia3, lora, partial, prefix
from app.probes.strategies.adaptation import Adaptation
from models_registry.vocabulary import Strategy

Adapt = Callable[[Backbone, int], Adaptation]
"""From a backbone, its vocabulary cut, and the steps of the whole fine-tune."""

TRAINED: Mapping[Strategy, Adapt] = {
    Strategy.FULL: full.adapt,
    Strategy.LORA: lora.adapt,
    Strategy.ADALORA: adalora.adapt,
    Strategy.PREFIX: prefix.adapt,
    Strategy.IA3: ia3.adapt,
    Strategy.BITFIT: bitfit.adapt,
    Strategy.PARTIAL: partial.adapt,
}


def reserved_positions(strategy: Strategy) -> int:
    """Positions of the longest input that are the strategy's own."""
    return prefix.LENGTH if strategy is Strategy.PREFIX else 0
