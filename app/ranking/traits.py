"""What is expected of a model on a column before any of its figures is seen: features of the prior mean.

The coefficients of these features are learnt with the prior; the features themselves are general properties
of (model, column), never names of models.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.ranking.columns import Column, ColumnTable, trains_backbone
from app.ranking.described import Described
from benchmarks.figures import Protocol
from models_registry.entry import Architecture
from models_registry.vocabulary import MULTILINGUAL, Domain

Array = NDArray[np.float64]
Index = NDArray[np.intp]

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
    "size is unknown",
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
    "named after this",
)
TRAITS = (*_MODEL_TRAITS, *(f"{t}, frozen" for t in _MODEL_TRAITS), *_PAIR_TRAITS)
_SPECIAL = tuple(sorted(frozenset(Domain) - {Domain.GENERAL, Domain.ENCYCLOPEDIA, Domain.NATURAL_IMAGES}))
"""Domains with a language or a look of their own."""
_BROAD = frozenset({Domain.GENERAL, Domain.NATURAL_IMAGES})
_EPOCH = 2018.0
_CENTRE = 8.0  # 100 million parameters
_SMALLEST = 1_000_000
_FEW_LANGUAGES = 2
_SHORTEST_NAME = 3
"""Letters from which a data set's name inside a model's name is no accident."""


def model_traits(model: Described) -> Array:
    """Traits of the model alone, shape (len(_MODEL_TRAITS),)."""
    known = model.n_parameters is not None
    size = np.log10(max(model.n_parameters or 0, _SMALLEST)) - _CENTRE if known else 0.0
    years = (model.year - _EPOCH) / 4.0 if model.year is not None else 0.0
    kinds = np.array([float(model.architecture is a) for a in _ARCHITECTURES])
    before = float(bool(model.fine_tuned_on))
    alone = [size, size**2, float(not known), years, before]
    return np.concatenate([alone, kinds, size * kinds, years * kinds])


def traits(models: Sequence[Described], columns: ColumnTable, model: Index, column: Index) -> Array:
    """Traits of pairs, shape (n, len(TRAITS)).

    Args:
        models: The models.
        columns: The columns.
        model: Number of each pair's model, shape (n,).
        column: Number of each pair's column, shape (n,).
    """
    alone = np.array([model_traits(m) for m in models]).reshape(len(models), len(_MODEL_TRAITS))[model]
    frozen = np.array(
        [not trains_backbone(c.protocol) and c.protocol is not Protocol.PRETRAINED for c in columns.columns]
    )
    pairs = [
        *_language_traits(models, columns, model, column),
        *_domain_traits(models, columns, model, column),
        _among(_pairs_trained(models, columns), model, column, len(columns)),
        _among(_pairs_named(models, columns), model, column, len(columns)),
    ]
    return np.hstack([alone, alone * frozen[column, None], np.column_stack(pairs)])


def trained_before(models: Sequence[Described], column: Column) -> NDArray[np.bool_]:
    """Which models were trained on the column's data set before, by what is known or by their name, (M,)."""
    alone = ColumnTable([column])
    pairs = _pairs_trained(models, alone) + _pairs_named(models, alone)
    found = np.zeros(len(models), dtype=bool)
    found[[model for model, _ in pairs]] = True
    return found


def _language_traits(
    models: Sequence[Described], columns: ColumnTable, model: Index, column: Index
) -> tuple[Array, Array]:
    """Whether the model speaks little else than the column's languages, and whether it cannot read them."""
    spoken = sorted(columns.language_numbers)
    unread = np.array([[bool(m.languages) and not m.reads(s) for s in spoken] for m in models], dtype=bool)
    unread = unread.reshape(len(models), len(spoken))
    missing = np.zeros(len(model), dtype=bool)
    for number in range(len(spoken)):
        missing |= unread[model, number] & (columns.languages[column, number] > 0)
    narrow = np.array(
        [0 < len(m.languages) <= _FEW_LANGUAGES and MULTILINGUAL not in m.languages for m in models]
    )
    has_text = np.array([bool(c.languages) for c in columns.columns])[column]
    return (narrow[model] & has_text & ~missing).astype(float), missing.astype(float)


def _domain_traits(
    models: Sequence[Described], columns: ColumnTable, model: Index, column: Index
) -> tuple[Array, Array]:
    """Whether the model was pretrained on the column's special domain, and whether on others alone."""
    number = {domain: i for i, domain in enumerate(_SPECIAL)}
    special = np.array([bool(m.domains) and not _BROAD & m.domains for m in models])
    knows = np.array([[d in m.domains for d in _SPECIAL] for m in models]).reshape(len(models), len(_SPECIAL))
    asked = np.array([number.get(c.domain, -1) for c in columns.columns])[column]
    home = special[model] & (asked >= 0) & knows[model, asked]
    return home.astype(float), (special[model] & ~home).astype(float)


def _pairs_trained(models: Sequence[Described], columns: ColumnTable) -> list[tuple[int, int]]:
    """Models and the columns of data sets that they were fine-tuned on."""
    where = _columns_by_dataset(columns)
    return [
        (i, c)
        for i, m in enumerate(models)
        for dataset in m.fine_tuned_on
        for c in where.get(_letters(dataset), ())
    ]


def _pairs_named(models: Sequence[Described], columns: ColumnTable) -> list[tuple[int, int]]:
    """Models and the columns of data sets whose name is part of theirs: `roberta-base-mrpc` and mrpc."""
    names = [_letters(m.name.rsplit("/", 1)[-1]) for m in models]
    return [
        (i, c)
        for dataset, where in _columns_by_dataset(columns).items()
        if len(dataset) >= _SHORTEST_NAME
        for i, name in enumerate(names)
        if dataset in name
        for c in where
    ]


def _columns_by_dataset(columns: ColumnTable) -> dict[str, list[int]]:
    result: dict[str, list[int]] = {}
    for number, c in enumerate(columns.columns):
        if c.short_name:
            result.setdefault(_letters(c.short_name), []).append(number)
    return result


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _among(pairs: list[tuple[int, int]], model: Index, column: Index, n_columns: int) -> Array:
    """Which pairs of (model, column) are listed, shape (n,)."""
    listed = np.array([m * n_columns + c for m, c in pairs], dtype=np.intp)
    return np.isin(model * n_columns + column, listed).astype(float)
