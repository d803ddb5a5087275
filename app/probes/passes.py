"""One pass of a trial's model over its data: what the head and the estimators read, cached for other trials.

Of every example the last layer is kept, which the head reads; of as many as estimators see, every layer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.datasets.examples import Examples
from app.datasets.split import subsample
from app.probes.backbones import BackboneError, TextBackbone, best_device
from app.probes.data import Part, TrialData
from app.probes.feature_cache import Array, FeatureCache, FeatureKey, rows_digest
from app.probes.features import Features, every_layer, extract_features
from app.probes.file_backbones import FileBackbone
from app.probes.inputs import (
    CutPair,
    Encoded,
    Inputs,
    TokenizedTexts,
    compared,
    is_cut,
    is_cut_pair,
    units_of,
)
from app.probes.item_networks import ItemBackbone, ItemsOnlyError
from app.probes.loading import load_model
from app.probes.messages import Heartbeat, TrialSpec
from app.probes.tokens import tokenize
from app.probes.vocabulary_fit import VocabularyFit, vocabulary_fit, whole_share
from app.probes.writers import Writer
from app.probes.writings import Pages

WrittenPages = Callable[[Part], Pages]
MOST_ESTIMATED = 1_000
"""Units that estimators see: as many as they were calibrated on, and some cost the square of them."""
LAST, EVERY = "mean over tokens: last layer", "mean over tokens: every layer"
UNITS = "units of each example"
MOST_SPECIAL = 32
"""Tokens of an empty text: special ones, and those of the prefix."""
TOKENS = "how texts and words are cut into tokens"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Passed:
    """Frozen features of a trial's units; of a pair those that compare both texts, d then being 4 widths.

    Attributes:
        seen: Last layer of the units of the training examples that are seen, shape (U, d).
        validation: Last layer of those of the validation part, shape (U', d).
        counts: Units of each example that is seen, shape (k,).
        validation_counts: Units of each of the validation part.
        estimated: Places among the seen of the examples that estimators read, ascending, shape (m,).
        layers: Every layer of the units of these, input vectors first, shape (U'', layers + 1, d).
        seconds: In passes; 0 where the cache had all.
        vocabulary: How well the tokenizer knows the texts; None of files, and where texts are written.
    """

    seen: Features
    validation: Features
    counts: NDArray[np.int64]
    validation_counts: NDArray[np.int64]
    estimated: NDArray[np.int64]
    layers: Features
    seconds: float
    vocabulary: VocabularyFit | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Made:
    """What one pass gives: last layer of all units, every layer of some, units an example, and the rest."""

    last: Features
    layers: Features
    counts: NDArray[np.int64]
    vocabulary: VocabularyFit | None
    seconds: float


def pass_over(
    spec: TrialSpec,
    folder: Path,
    data: TrialData,
    heartbeat: Callable[[Heartbeat], None],
    pages: WrittenPages | None = None,
) -> Passed:
    """The features of a trial, from the cache where it has them.

    Args:
        spec: The trial.
        folder: Its model's weights.
        data: Its data.
        heartbeat: Told of the stage and after each batch.
        pages: What is to be written of a part, where texts are written.
    """
    seen = data.passed_over()
    estimated = _estimated(seen, spec)
    cache = FeatureCache(spec.feature_cache_folder, spec.feature_cache_bytes)
    rows = np.concatenate([seen.rows, data.validation.rows])
    keys = [
        _key(spec, LAST, rows),
        _key(spec, EVERY, seen.rows[estimated]),
        _key(spec, UNITS, rows),
        _key(spec, TOKENS, rows),
    ]
    last, layers, counts, known = (cache.get(key) for key in keys)
    seconds = 0.0
    if last is None or layers is None or counts is None or known is None:
        made = _make(spec, folder, data, estimated, heartbeat, pages)
        last, layers, counts, seconds = made.last, made.layers, made.counts, made.seconds
        known = np.array(()) if made.vocabulary is None else made.vocabulary.packed()
        arrays: tuple[Array, ...] = (last, layers, counts, known)
        for key, array in zip(keys, arrays, strict=True):
            cache.put(key, array)
    features, units = np.asarray(last, dtype=np.float32), np.asarray(counts, dtype=np.int64)
    n_seen = int(units[: len(seen.rows)].sum())
    return Passed(
        seen=features[:n_seen],
        validation=features[n_seen:],
        counts=units[: len(seen.rows)],
        validation_counts=units[len(seen.rows) :],
        estimated=estimated,
        layers=np.asarray(layers, dtype=np.float32),
        seconds=seconds,
        vocabulary=_fit_of(known),
    )


def _make(
    spec: TrialSpec,
    folder: Path,
    data: TrialData,
    estimated: NDArray[np.int64],
    heartbeat: Callable[[Heartbeat], None],
    pages: WrittenPages | None,
) -> _Made:
    heartbeat(Heartbeat(stage="loading"))
    seen, validation, writes = data.passed_over(), data.validation, pages is not None
    backbone = load_model(folder, seed=spec.seed, input_prefix=spec.input_prefix, writes=writes)
    backbone.module.to(best_device())
    tokenized: Encoded
    if isinstance(backbone, ItemBackbone):
        raise ItemsOnlyError
    if isinstance(backbone, FileBackbone):
        paths = [*seen.paths, *validation.paths]
        fit, tokenized = None, backbone.read(paths, spec.recipe.max_length)
    elif isinstance(backbone, Writer):
        if pages is None:
            raise BackboneError("a model that writes is given texts to be written")
        written = pages(seen).joined(pages(validation))
        fit, tokenized = None, backbone.read(written, spec.recipe.max_length)
    else:
        fit, tokenized = _tokenized(spec, backbone, _texts(seen, validation))
    n_examples = len(seen.rows) + len(validation.rows)
    n_each = len(tokenized) // max(n_examples, 1)
    of_estimated = _of_each_text(estimated, n_examples, n_each)
    others = np.setdiff1d(np.arange(len(tokenized)), of_estimated)
    began = time.monotonic()
    n_done = 0

    def on_batch(n: int) -> None:
        heartbeat(Heartbeat(stage="features", done=n_done + n, total=len(tokenized)))

    extract = partial(extract_features, backbone, tokenized, precision=spec.precision, on_batch=on_batch)
    layers = extract(rows=of_estimated, reduce=every_layer)
    n_done = len(of_estimated)
    rest = extract(rows=others)
    seconds = time.monotonic() - began
    units = tokenized.n_units
    last = np.empty((int(units.sum()), backbone.width), dtype=np.float32)
    last[units_of(units, of_estimated)] = layers[:, -1]
    if len(others):
        last[units_of(units, others)] = rest[:, -1]
    return _Made(
        last=_compared(last, n_each),
        layers=_compared(layers, n_each),
        counts=units[:n_examples],
        vocabulary=fit,
        seconds=seconds,
    )


def _tokenized(
    spec: TrialSpec, backbone: TextBackbone, texts: Sequence[Inputs]
) -> tuple[VocabularyFit, TokenizedTexts]:
    """All texts as tokens, and how well these suit them."""
    tokenized = TokenizedTexts.joined(
        [tokenize(spec, backbone, part, spec.recipe.max_length) for part in texts if len(part)]
    )
    plain = [_joined(text) for part in texts for text in part]
    fit = vocabulary_fit(
        tokenized,
        plain,
        whole=whole_share(plain, backbone.tokenize),
        unknown_id=backbone.unknown_id,
        n_special=_n_special(backbone, next((part for part in texts if len(part)), ())),
        max_length=min(spec.recipe.max_length, backbone.max_length),
    )
    return fit, tokenized


def _n_special(backbone: TextBackbone, like: Inputs) -> int:
    """Tokens that every text of this kind gets besides its own."""
    nothing: Inputs = [([""], [""])] if is_cut_pair(like) else [[""]] if is_cut(like) else [""]
    return int(backbone.tokenize(nothing, MOST_SPECIAL).lengths[0])


def _joined(text: str | list[str] | tuple[str, str] | CutPair) -> str:
    return text if isinstance(text, str) else " ".join(map(_joined, text))


def _fit_of(known: NDArray[np.generic]) -> VocabularyFit | None:
    if not known.size:
        return None
    return VocabularyFit.unpacked(known)


def _texts(seen: Part, validation: Part) -> list[Inputs]:
    """Every text by itself, the second ones of pairs behind all first ones; words as they are read."""
    inputs = seen.inputs
    if seen.pairs is not None and not is_cut_pair(inputs):
        return [seen.texts, validation.texts, seen.pairs, validation.pairs or ()]
    return [inputs, validation.inputs]


def _of_each_text(examples: NDArray[np.int64], n_examples: int, n_each: int) -> NDArray[np.int64]:
    """Places of the texts of these examples, all first ones before all second ones."""
    return (examples + n_examples * np.arange(n_each)[:, None]).ravel()


def _compared(features: Features, n_each: int) -> Features:
    """Of pairs what compares their texts, shape (n, ..., 4 d)."""
    return features if n_each < 2 else compared(torch.from_numpy(features)).numpy()


def _estimated(seen: Part, spec: TrialSpec) -> NDArray[np.int64]:
    """As many examples as have `MOST_ESTIMATED` units."""
    examples = Examples(
        texts=list(seen.texts), labels=seen.labels, label_names=seen.names, values=seen.values
    )
    return subsample(examples, max(int(MOST_ESTIMATED / examples.mean_units), 1), spec.seed)


def _key(spec: TrialSpec, pooling: str, rows: NDArray[np.int64]) -> FeatureKey:
    return FeatureKey(
        dataset_id=spec.dataset_id,
        rows_sha256=rows_digest(rows),
        model_name=spec.model_name,
        pooling=pooling,
        max_length=spec.recipe.max_length,
        input_prefix=spec.input_prefix,
        precision=spec.precision,
    )
