"""What is expected of a model on a column before any of its figures is seen: features of the prior mean.

The coefficients of these features are learnt with the prior; the features themselves are general properties
of (model, column), never names of models.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.ranking.coded import Coded
from app.ranking.columns import Column, ColumnTable, is_target, trains_backbone
from app.ranking.described import Described
from benchmarks.figures import Protocol
from benchmarks.training_sets import letters
from models_registry.entry import Architecture
from models_registry.vocabulary import MULTILINGUAL, Domain, TaskType

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
    "trained for this task type before",
    "trained on this before",
    "named after this",
)
_BLOCKS = ("", ", frozen", ", untrained")
"""Where traits of models alone count: everywhere, where a head was trained on frozen features, and where
nothing was trained. Size and kind are worth something else on each."""
TRAITS = (*(f"{t}{block}" for block in _BLOCKS for t in _MODEL_TRAITS), *_PAIR_TRAITS)
_SPECIAL = tuple(sorted(frozenset(Domain) - {Domain.GENERAL, Domain.ENCYCLOPEDIA, Domain.NATURAL_IMAGES}))
"""Domains with a language or a look of their own."""
_BROAD = frozenset({Domain.GENERAL, Domain.NATURAL_IMAGES})
_EPOCH = 2018.0
_CENTRE = 8.0  # 100 million parameters
_SMALLEST = 1_000_000
_FEW_LANGUAGES = 2
_SHORTEST_NAME = 3
"""Letters from which a data set's name inside a model's name is no accident."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ModelFeatures:
    """What traits of M models follow from, their names left out: 50,000 models in some ten megabytes.

    Attributes:
        alone: Traits of each model alone, shape (M, len(_MODEL_TRAITS)).
        languages: That each is known to read.
        domains: Of its pretraining data.
        trained_for: What each was fine-tuned to do before.
    """

    alone: Array
    languages: Coded[frozenset[str]]
    domains: Coded[frozenset[Domain]]
    trained_for: Coded[frozenset[TaskType]]

    @classmethod
    def of(cls, models: Iterable[Described]) -> "ModelFeatures":
        """Of these models."""
        number = {a: i for i, a in enumerate(_ARCHITECTURES)}
        rows = [
            (
                m.n_parameters,
                m.year,
                number.get(m.architecture, -1) if m.architecture else -1,
                bool(m.fine_tuned_on),
                m.languages,
                m.domains,
                m.trained_for,
            )
            for m in models
        ]
        parameters, years, kinds, before, languages, domains, trained_for = (
            zip(*rows, strict=True) if rows else ((),) * 7
        )
        return cls(
            alone=_alone(parameters, years, np.array(kinds, dtype=np.intp), before),
            languages=Coded.of(languages),
            domains=Coded.of(domains),
            trained_for=Coded.of(trained_for),
        )


def _alone(
    parameters: Sequence[int | None], years: Sequence[float | None], kinds: Index, before: Sequence[bool]
) -> Array:
    """Traits of models alone, shape (M, len(_MODEL_TRAITS)).

    Args:
        parameters: Of each model; None where not known.
        years: Of each one's release; None where not known.
        kinds: Place of each one's architecture in `_ARCHITECTURES`, -1 elsewhere, shape (M,).
        before: Whether each was fine-tuned before.
    """
    known = np.array([n is not None for n in parameters], dtype=bool)
    counts = np.array([n or 0 for n in parameters], dtype=np.float64)
    size = np.where(known, np.log10(np.maximum(counts, _SMALLEST)) - _CENTRE, 0.0)
    age = np.array([0.0 if year is None else (year - _EPOCH) / 4.0 for year in years])
    kind = (kinds[:, None] == np.arange(len(_ARCHITECTURES))).astype(np.float64)
    alone = np.column_stack([size, size**2, ~known, age, np.array(before, dtype=np.float64)])
    return np.hstack([alone, kind, size[:, None] * kind, age[:, None] * kind])


def traits(models: Sequence[Described], columns: ColumnTable, model: Index, column: Index) -> Array:
    """Traits of pairs, shape (n, len(TRAITS)).

    Args:
        models: The models.
        columns: The columns.
        model: Number of each pair's model, shape (n,).
        column: Number of each pair's column, shape (n,).
    """
    features = ModelFeatures.of(models)
    alone = features.alone[model]
    pairs = [
        *_likeness_traits(features, columns, model, column),
        _among(_pairs_trained(models, columns), model, column, len(columns)),
        _among(_pairs_named(models, columns), model, column, len(columns)),
    ]
    shares = _shares(columns)[column]
    return np.hstack([*(alone * share[:, None] for share in shares.T), np.column_stack(pairs)])


def expected(features: ModelFeatures, columns: ColumnTable, beta: Array) -> Array:
    """Traits @ beta of every model on columns of which no model was trained or named after, (M, C).

    Args:
        features: Of the models.
        columns: Such as the user's task.
        beta: Coefficients, shape (len(TRAITS),).
    """
    n, size = len(_BLOCKS) * len(_MODEL_TRAITS), (len(features.alone), len(columns))
    alone = features.alone @ beta[:n].reshape(len(_BLOCKS), -1).T @ _shares(columns).T
    model, column = np.divmod(np.arange(size[0] * size[1]), max(size[1], 1))
    pairs = np.zeros(len(model))
    for values, coefficient in zip(
        _likeness_traits(features, columns, model, column), beta[n:], strict=False
    ):
        pairs += coefficient * values
    return np.asarray(alone + pairs.reshape(size))


def trained_before(models: Sequence[Described], column: Column) -> NDArray[np.bool_]:
    """Which models were trained on the column's data set before, by what is known or by their name, (M,)."""
    alone = ColumnTable([column])
    pairs = _pairs_trained(models, alone) + _pairs_named(models, alone)
    found = np.zeros(len(models), dtype=bool)
    found[[model for model, _ in pairs]] = True
    return found


def _shares(columns: ColumnTable) -> Array:
    """Which of `_BLOCKS` count on each column, shape (C, len(_BLOCKS))."""
    return np.array(
        [
            (True, is_target(c) and not trains_backbone(c.protocol), c.protocol is Protocol.ZERO_SHOT)
            for c in columns.columns
        ],
        dtype=np.float64,
    ).reshape(len(columns), len(_BLOCKS))


def _likeness_traits(
    features: ModelFeatures, columns: ColumnTable, model: Index, column: Index
) -> tuple[Array, ...]:
    """The pairs' traits of language, domain and training, in the order of `_PAIR_TRAITS`."""
    return (
        *_language_traits(features.languages, columns, model, column),
        *_domain_traits(features.domains, columns, model, column),
        _trained_for(features.trained_for, columns, model, column),
    )


def _language_traits(
    known: Coded[frozenset[str]], columns: ColumnTable, model: Index, column: Index
) -> tuple[Array, Array]:
    """Whether the model speaks little else than the column's languages, and whether it cannot read them."""
    missing = np.zeros(len(model), dtype=bool)
    for number, language in enumerate(sorted(columns.language_numbers)):
        readers = {language, MULTILINGUAL}
        unread = known.where(lambda mine, readers=readers: bool(mine) and not mine & readers)  # type: ignore[misc]
        missing |= unread[model] & (columns.languages[column, number] > 0)
    narrow = known.where(lambda mine: 0 < len(mine) <= _FEW_LANGUAGES and MULTILINGUAL not in mine)
    has_text = np.array([bool(c.languages) for c in columns.columns])[column]
    return (narrow[model] & has_text & ~missing).astype(float), missing.astype(float)


def _domain_traits(
    known: Coded[frozenset[Domain]], columns: ColumnTable, model: Index, column: Index
) -> tuple[Array, Array]:
    """Whether the model was pretrained on the column's special domain, and whether on others alone."""
    number = {domain: i for i, domain in enumerate(_SPECIAL)}
    special = known.where(lambda mine: bool(mine) and not _BROAD & mine)[model]
    knows = np.array([[d in mine for d in _SPECIAL] for mine in known.distinct], dtype=bool)
    knows = knows.reshape(len(known.distinct), len(_SPECIAL))
    asked = np.array([number.get(c.domain, -1) for c in columns.columns])[column]
    home = special & (asked >= 0) & knows[known.codes[model], asked]
    return home.astype(float), (special & ~home).astype(float)


def _trained_for(
    known: Coded[frozenset[TaskType]], columns: ColumnTable, model: Index, column: Index
) -> Array:
    """Whether the model was fine-tuned on some task of the column's type before."""
    asked = sorted({c.task_type for c in columns.columns})
    learnt = np.array([[t in mine for t in asked] for mine in known.distinct], dtype=np.float64)
    number = np.array([asked.index(c.task_type) for c in columns.columns], dtype=np.intp)
    return np.asarray(learnt.reshape(len(known.distinct), len(asked))[known.codes[model], number[column]])


def _pairs_trained(models: Sequence[Described], columns: ColumnTable) -> list[tuple[int, int]]:
    """Models and the columns of data sets that they were fine-tuned on."""
    where = _columns_by_dataset(columns)
    return [
        (i, c)
        for i, m in enumerate(models)
        for dataset in m.fine_tuned_on
        for c in where.get(letters(dataset), ())
    ]


def _pairs_named(models: Sequence[Described], columns: ColumnTable) -> list[tuple[int, int]]:
    """Models and the columns of data sets whose name is part of theirs: `roberta-base-mrpc` and mrpc."""
    names = [letters(m.name.rsplit("/", 1)[-1]) for m in models]
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
            result.setdefault(letters(c.short_name), []).append(number)
    return result


def _among(pairs: list[tuple[int, int]], model: Index, column: Index, n_columns: int) -> Array:
    """Which pairs of (model, column) are listed, shape (n,)."""
    listed = np.array([m * n_columns + c for m, c in pairs], dtype=np.intp)
    return np.isin(model * n_columns + column, listed).astype(float)
