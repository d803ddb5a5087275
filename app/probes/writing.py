"""Texts that a model writes as it was pretrained, and what they score: a pass over the data of their metrics.

Writing a text costs many passes, so only some examples are written of. What is written is kept with features.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.probes.backbones import best_device
from app.probes.data import Part, TrialData
from app.probes.feature_cache import FeatureCache, FeatureKey, rows_digest
from app.probes.loading import load_model
from app.probes.messages import FeatureReport, Heartbeat, TrialSpec
from app.probes.precision import Precision
from app.probes.tasks.base import ProbeTask
from app.probes.work_costs import MOST_WRITTEN
from app.probes.writers import Writer

AS_IT_IS = "texts written as pretrained"


def written_rows(n: int) -> NDArray[np.int64]:
    """Places of the examples that texts are written of, evenly spread over n of them."""
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, MOST_WRITTEN)).astype(np.int64))


def report_written(
    spec: TrialSpec,
    folder: Path,
    data: TrialData,
    task: ProbeTask,
    heartbeat: Callable[[Heartbeat], None],
) -> FeatureReport:
    """What the model's texts score, of training examples and of the validation part.

    Args:
        spec: The trial.
        folder: Its model's weights.
        data: Its data.
        task: Bound to it.
        heartbeat: Told of the stage.
    """
    seen = data.passed_over()
    parts = [part.take(written_rows(len(part.texts))) for part in (seen, data.validation)]
    began = time.monotonic()
    texts, seconds = _texts(spec, folder, task, seen, parts, heartbeat)
    own, theirs = (
        (texts[: len(parts[0].texts)], task.references(parts[0].targets)),
        (texts[len(parts[0].texts) :], task.references(parts[1].targets)),
    )
    predicted = task.score(spec.metric, *own)
    return FeatureReport(
        transferability={"linear_probe": predicted},
        predicted_metric=predicted,
        predicted_std_error=task.standard_error(spec.metric, *own, seed=spec.seed),
        head_metric=task.compute(spec.metric, *theirs),
        head_std_error=task.standard_error(spec.metric, *theirs, seed=spec.seed),
        head_seconds=0.0,
        inverse_regularisation=1.0,
        extraction_seconds=time.monotonic() - began,
        pass_seconds=seconds,
    )


def _texts(
    spec: TrialSpec,
    folder: Path,
    task: ProbeTask,
    seen: Part,
    parts: list[Part],
    heartbeat: Callable[[Heartbeat], None],
) -> tuple[list[str], float]:
    """What the model writes of all parts, from the cache where it is there, and seconds of writing."""
    cache = FeatureCache(spec.feature_cache_folder, spec.feature_cache_bytes)
    key = FeatureKey(
        dataset_id=spec.dataset_id,
        rows_sha256=rows_digest(np.concatenate([seen.rows, *(part.rows for part in parts)])),
        model_name=spec.model_name,
        pooling=AS_IT_IS,
        max_length=spec.recipe.max_length,
        input_prefix=spec.input_prefix,
        precision=spec.precision,
    )
    kept = cache.get(key)
    if kept is not None:
        return list(json.loads(kept.tobytes())), 0.0
    heartbeat(Heartbeat(stage="loading"))
    model = load_model(folder, seed=spec.seed, input_prefix=spec.input_prefix, writes=True)
    if not isinstance(model, Writer):
        raise TypeError(f"{spec.model_name} does not write")
    device = best_device()
    model.module.to(device)
    heartbeat(Heartbeat(stage="features"))
    began = time.monotonic()
    n_new = model.read(task.pages(seen), spec.recipe.max_length).typical_answer
    found: list[str] = []
    for part in parts:
        read = model.read(task.pages(part), spec.recipe.max_length)
        with Precision(device, spec.precision).autocast():
            found += model.write(read, np.arange(len(read)), n_new)
    seconds = time.monotonic() - began
    cache.put(key, np.frombuffer(json.dumps(found).encode(), dtype=np.uint8))
    return found, seconds
