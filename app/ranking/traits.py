"""What is expected of a model on a column before any of its figures is seen: features of the prior mean.

The coefficients of these features are learnt in `app.fitting.prior`; the features themselves are general
properties of (model, column), never names of models.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import Column, trains_backbone
from benchmarks.figures import Protocol
from models_registry.entry import Architecture, ModelEntry
from models_registry.vocabulary import MULTILINGUAL, Domain

Array = NDArray[np.float64]

_ARCHITECTURES = (
    Architecture.STATIC_VECTORS,
    Architecture.ENCODER,
    Architecture.DECODER,
    Architecture.ENCODER_DECODER,
    Architecture.CNN,
    Architecture.VISION_TRANSFORMER,
    Architecture.DUAL_ENCODER,
    Architecture.SPEECH_ENCODER,
)
_MODEL_TRAITS = (
    "log10 parameters",
    "log10 parameters squared",
    "years after 2018",
    "was fine-tuned before",
    *(f"is {a.value}" for a in _ARCHITECTURES),
    *(f"log10 parameters of {a.value}" for a in _ARCHITECTURES),
    *(f"years after 2018 of {a.value}" for a in _ARCHITECTURES),
)
"""Slopes are shared in part: what encoders gain from size says something of decoders, but not all."""
_PAIR_TRAITS = (
    "speaks only this language",
    "cannot read this language",
    "pretrained on this domain",
    "pretrained on other domains only",
    "trained on this before",
)
TRAITS = (*_MODEL_TRAITS, *(f"{t}, frozen" for t in _MODEL_TRAITS), *_PAIR_TRAITS)
_SPECIAL = frozenset(Domain) - {Domain.GENERAL, Domain.ENCYCLOPEDIA, Domain.NATURAL_IMAGES}
"""Domains with a language or a look of their own."""
_BROAD = frozenset({Domain.GENERAL, Domain.NATURAL_IMAGES})
_EPOCH = 2018.0
_CENTRE = 8.0  # 100 million parameters


def model_traits(entry: ModelEntry | None) -> Array:
    """Traits of the model alone, shape (len(_MODEL_TRAITS),); zeros for a model without an entry."""
    if entry is None:
        return np.zeros(len(_MODEL_TRAITS))
    size = np.log10(max(entry.n_parameters - entry.n_embedding_parameters, 1_000_000)) - _CENTRE
    years = (entry.release_date.year + entry.release_date.month / 12 - _EPOCH) / 4.0
    kinds = np.array([float(entry.architecture is a) for a in _ARCHITECTURES])
    return np.array(
        [size, size**2, years, float(bool(entry.fine_tuned_on)), *kinds, *(size * kinds), *(years * kinds)]
    )


def pair_traits(entry: ModelEntry | None, column: Column) -> Array:
    """Traits of the model on this column, shape (len(_PAIR_TRAITS),)."""
    if entry is None:
        return np.zeros(len(_PAIR_TRAITS))
    languages = column.languages
    reads = all(entry.reads(language) for language in languages)
    only = bool(languages) and reads and MULTILINGUAL not in entry.languages and len(entry.languages) <= 2
    specialised = not _BROAD & set(entry.domains)
    at_home = specialised and column.domain in _SPECIAL and column.domain in entry.domains
    elsewhere = specialised and not at_home
    seen = bool(column.benchmark) and column.benchmark in entry.fine_tuned_on
    return np.array(
        [float(only), float(bool(languages) and not reads), float(at_home), float(elsewhere), float(seen)]
    )


def traits(entries: Sequence[ModelEntry | None], columns: Sequence[Column]) -> Array:
    """Traits of every model on its column, pairwise, shape (n, len(TRAITS))."""
    alone = np.array([model_traits(e) for e in entries]).reshape(len(entries), len(_MODEL_TRAITS))
    frozen = np.array(
        [not trains_backbone(c.protocol) and c.protocol is not Protocol.PRETRAINED for c in columns]
    )
    pairs = np.array([pair_traits(e, c) for e, c in zip(entries, columns, strict=True)])
    return np.hstack([alone, alone * frozen[:, None], pairs.reshape(len(entries), len(_PAIR_TRAITS))])
