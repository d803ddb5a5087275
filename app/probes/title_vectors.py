"""What a pretrained model of texts makes of items' titles: one frozen vector an item.

Notation:
    K, d   items, width

Source: Hou et al. 2022, "Towards Universal Sequence Representation Learning for Recommender Systems"
(UniSRec), section 2.1: texts of items are read by a frozen language model. Its vectors lie in a narrow cone,
so their mean is taken off (Mu and Viswanath 2018, "All-but-the-Top").
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.datasets.titles import read_titles
from app.probes.backbones import BackboneError, TextBackbone, best_device
from app.probes.data import Part
from app.probes.feature_cache import FeatureCache, FeatureKey, rows_digest
from app.probes.features import extract_features
from app.probes.messages import Heartbeat, TrialSpec

TITLE_TOKENS = 48
"""Kept of a title: longer ones are descriptions."""
TITLES = "titles of items: last layer"


class NoTitlesError(BackboneError):
    """A model of texts, and items without a title."""

    def __init__(self) -> None:
        super().__init__("a model of texts reads items by their titles, and the data have none")


def title_vectors(
    spec: TrialSpec,
    load: Callable[[], TextBackbone],
    part: Part,
    heartbeat: Callable[[Heartbeat], None],
) -> tuple[NDArray[np.float32], float]:
    """Vectors of all items of the data, shape (K, d), and the seconds that they took: 0 from the cache.

    Each is of unit length, seen from the mean of all.

    Args:
        spec: The trial.
        load: Gives the model, where the cache lacks its vectors.
        part: Any part of the data, which names all items.
        heartbeat: Told of the stage and after each batch.

    Raises:
        NoTitlesError: The data have no titles.
    """
    titles = read_titles(part.folder)
    if not titles:
        raise NoTitlesError
    cache = FeatureCache(spec.feature_cache_folder, spec.feature_cache_bytes)
    key = FeatureKey(
        dataset_id=spec.dataset_id,
        rows_sha256=rows_digest(np.arange(len(part.names))),
        model_name=spec.model_name,
        pooling=TITLES,
        max_length=TITLE_TOKENS,
        input_prefix=spec.input_prefix,
        precision=spec.precision,
    )
    kept, seconds = cache.get(key), 0.0
    if kept is None:
        backbone, began = load(), time.monotonic()
        kept = _read([titles.get(item, item) for item in part.names], spec, backbone, heartbeat)
        seconds = time.monotonic() - began
        cache.put(key, kept)
    vectors = np.asarray(kept, dtype=np.float32)
    vectors = vectors - vectors.mean(axis=0)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), seconds


def _read(
    titles: Sequence[str], spec: TrialSpec, backbone: TextBackbone, heartbeat: Callable[[Heartbeat], None]
) -> NDArray[np.float32]:
    backbone.module.to(best_device())
    tokenized = backbone.tokenize(titles, TITLE_TOKENS)

    def on_batch(n_done: int) -> None:
        heartbeat(Heartbeat(stage="features", done=n_done, total=len(tokenized)))

    return extract_features(backbone, tokenized, precision=spec.precision, on_batch=on_batch)[:, -1]
