"""What is known of the labelled sets that fine-tunes were recorded on."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml

from models_registry.vocabulary import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """What a user would have said of a recorded set.

    Attributes:
        languages: Of its texts.
        domain: Of its texts.
        n_classes: Of its labels.
        hides: Data sets with the same examples.
    """

    languages: tuple[str, ...]
    domain: Domain
    n_classes: int
    hides: frozenset[str]


@lru_cache(maxsize=1)
def labelled_sets() -> dict[str, LabelledSet]:
    """All recorded sets, by name."""
    text = resources.files("app.fitting.recorded").joinpath("labelled_sets.yaml").read_text(encoding="utf-8")
    return {
        name: LabelledSet(
            languages=tuple(raw["languages"]),
            domain=Domain(raw["domain"]),
            n_classes=raw["n_classes"],
            hides=frozenset(raw["hides"]),
        )
        for name, raw in yaml.safe_load(text).items()
    }
