"""One pass of a trial's model over its data: what the head and the estimators read, cached for other trials.

Of every example the last layer is kept, which the head reads; of as many as estimators see, every layer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.datasets.examples import Examples
from app.datasets.split import subsample
from app.probes.backbones import TokenizedTexts, best_device, load_backbone
from app.probes.data import Part, TrialData
from app.probes.feature_cache import FeatureCache, FeatureKey, rows_digest
from app.probes.features import Features, every_layer, extract_features
from app.probes.messages import Heartbeat, TrialSpec
from app.probes.tokens import tokenize
from app.probes.vocabulary_fit import VocabularyFit, vocabulary_fit

MOST_ESTIMATED = 1_000
"""Examples that estimators see: as many as they were calibrated on, and some cost the square of them."""
LAST, EVERY = "mean over tokens: last layer", "mean over tokens: every layer"
MOST_SPECIAL = 32
"""Tokens of an empty text: special ones, and those of the prefix."""
TOKENS = "how texts are cut into tokens"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Passed:
    """Frozen features of a trial's examples; of a pair those that compare both texts, d then being 4 widths.

    Attributes:
        seen: Last layer of the training examples that are seen, shape (k, d).
        validation: Last layer of the validation part, shape (n, d).
        estimated: Places among the seen of the examples that estimators read, ascending, shape (m,).
        layers: Every layer of these, input vectors first, shape (m, layers + 1, d).
        seconds: In passes; 0 where the cache had all.
        vocabulary: How well the tokenizer knows the texts.
    """

    seen: Features
    validation: Features
    estimated: NDArray[np.int64]
    layers: Features
    seconds: float
    vocabulary: VocabularyFit


def pass_over(
    spec: TrialSpec, folder: Path, data: TrialData, heartbeat: Callable[[Heartbeat], None]
) -> Passed:
    """The features of a trial, from the cache where it has them.

    Args:
        spec: The trial.
        folder: Its model's weights.
        data: Its data.
        heartbeat: Told of the stage and after each batch.
    """
    seen = data.passed_over()
    estimated = _estimated(seen, spec)
    cache = FeatureCache(spec.feature_cache_folder, spec.feature_cache_bytes)
    of_last = _key(spec, LAST, np.concatenate([seen.rows, data.validation.rows]))
    of_every = _key(spec, EVERY, seen.rows[estimated])
    of_tokens = _key(spec, TOKENS, np.concatenate([seen.rows, data.validation.rows]))
    kept, kept_layers, known, seconds = (*(cache.get(k) for k in (of_last, of_every, of_tokens)), 0.0)
    if kept is None or kept_layers is None or known is None:
        heartbeat(Heartbeat(stage="loading"))
        backbone = load_backbone(folder, seed=spec.seed, input_prefix=spec.input_prefix)
        backbone.module.to(best_device())
        tokenized = TokenizedTexts.joined(
            [
                tokenize(spec, backbone, texts, spec.recipe.max_length)
                for texts in _texts(seen, data.validation)
            ]
        )
        n_examples = len(seen.rows) + len(data.validation.rows)
        n_each = len(tokenized) // max(n_examples, 1)
        of_estimated = _of_each_text(estimated, n_examples, n_each)
        others = np.setdiff1d(np.arange(len(tokenized)), of_estimated)
        began = time.monotonic()
        n_done = 0

        def on_batch(n: int) -> None:
            heartbeat(Heartbeat(stage="features", done=n_done + n, total=len(tokenized)))

        layers = extract_features(
            backbone,
            tokenized,
            rows=of_estimated,
            reduce=every_layer,
            precision=spec.precision,
            on_batch=on_batch,
        )
        n_done = len(of_estimated)
        rest = extract_features(backbone, tokenized, rows=others, precision=spec.precision, on_batch=on_batch)
        seconds = time.monotonic() - began
        last = np.empty((len(tokenized), backbone.width), dtype=np.float32)
        last[of_estimated] = layers[:, -1]
        if len(others):
            last[others] = rest[:, -1]
        last, layers = _compared(last, n_each), _compared(layers, n_each)
        fit = vocabulary_fit(
            tokenized,
            [text for texts in _texts(seen, data.validation) for text in texts],
            unknown_id=backbone.unknown_id,
            n_special=int(backbone.tokenize([""], MOST_SPECIAL).lengths[0]),
            max_length=min(spec.recipe.max_length, backbone.max_length),
        )
        known = np.array(astuple(fit))
        cache.put(of_tokens, known)
        cache.put(of_last, last)
        cache.put(of_every, layers)
        kept, kept_layers = last, layers
    features = np.asarray(kept, dtype=np.float32)
    return Passed(
        seen=features[: len(seen.rows)],
        validation=features[len(seen.rows) :],
        estimated=estimated,
        layers=np.asarray(kept_layers, dtype=np.float32),
        seconds=seconds,
        vocabulary=_fit_of(known),
    )


def _fit_of(known: NDArray[np.generic]) -> VocabularyFit:
    fertility, unknown_share, truncated_share = np.asarray(known, dtype=np.float64).tolist()
    return VocabularyFit(fertility=fertility, unknown_share=unknown_share, truncated_share=truncated_share)


def _texts(seen: Part, validation: Part) -> list[Sequence[str]]:
    """Every text by itself, the second ones of pairs behind all first ones."""
    found = [seen.texts, validation.texts]
    return found if seen.pairs is None else [*found, seen.pairs, validation.pairs or ()]


def _of_each_text(examples: NDArray[np.int64], n_examples: int, n_each: int) -> NDArray[np.int64]:
    """Places of the texts of these examples, all first ones before all second ones."""
    return (examples + n_examples * np.arange(n_each)[:, None]).ravel()


def _compared(features: Features, n_each: int) -> Features:
    """Of pairs both vectors, their distance and their product, shape (n, ..., 4 d).

    Source: Conneau et al. 2017, "Supervised Learning of Universal Sentence Representations from Natural
    Language Inference Data", section 3.1 (InferSent).
    """
    if n_each < 2:
        return features
    u, v = np.split(features, n_each)
    return np.concatenate([u, v, np.abs(u - v), u * v], axis=-1)


def _estimated(seen: Part, spec: TrialSpec) -> NDArray[np.int64]:
    names = tuple(str(k) for k in range(spec.n_classes))
    examples = Examples(texts=list(seen.texts), labels=seen.labels, label_names=names)
    return subsample(examples, MOST_ESTIMATED, spec.seed)


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
