"""What models are measured by, for every kind of target: the only importer of `evaluate`.

`compute` is the contract that every reported figure goes through: an `evaluate.Metric` of our own, which
asks no hub. `score` is its plain function, for inner loops: the round trip through arrow costs ten times the
metric.
"""

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from app.probes.metrics import classes, numbers, ranks, several, spans, tags, texts
from app.probes.metrics.base import MetricError, UnsupportedMetricError
from app.tasks.targets import Target
from app.tasks.texts import WRITTEN_METRICS

_BY_TARGET: dict[Target, ModuleType] = {
    Target.CLASS: classes,
    Target.CLASSES: several,
    Target.NUMBER: numbers,
    Target.TAGS: tags,
    Target.MATCH: ranks,
    Target.SPAN: spans,
    Target.TEXT: texts,
    Target.NEXT: ranks,
}


def score(metric: str, predictions: Any, references: Any, target: Target = Target.CLASS) -> float:  # noqa: ANN401
    """The metric's value by its plain function; equals `compute`.

    Args:
        metric: Canonical name.
        predictions: Of n examples, as the module of their target has them.
        references: The true ones.
        target: What is predicted.

    Raises:
        MetricError: It is not computed for such targets.
    """
    return float(_BY_TARGET[target].score(metric, predictions, references))


def compute(metric: str, predictions: Any, references: Any, target: Target = Target.CLASS) -> float:  # noqa: ANN401
    """The metric's value through `evaluate`, offline; arguments and errors as for `score`."""
    module = _BY_TARGET[target]
    if metric not in module.SUPPORTED:
        raise UnsupportedMetricError(metric)
    values = _metric(metric, target).compute(predictions=predictions, references=references)
    return float(values[metric])


def standard_error(
    metric: str,
    predictions: Any,  # noqa: ANN401
    references: Any,  # noqa: ANN401
    *,
    seed: int,
    target: Target = Target.CLASS,
) -> float:
    """Standard error of the metric over the choice of examples.

    Args:
        metric: Canonical name.
        predictions: Of n examples.
        references: The true ones.
        seed: Of the bootstrap.
        target: What is predicted.

    Raises:
        MetricError: It is not computed for such targets.
    """
    return float(_BY_TARGET[target].standard_error(metric, predictions, references, seed=seed))


def preload() -> None:
    """`evaluate` is imported: seconds that a process which is forked later need not spend again."""
    _metric_class()


@lru_cache(maxsize=32)
def _metric(name: str, target: Target) -> Any:  # noqa: ANN401  (evaluate ships no types)
    folder = str(_cache_folder())
    return _metric_class()(config_name=f"{target}/{name}", keep_in_memory=True, cache_dir=folder)


@lru_cache(maxsize=1)
def _cache_folder() -> Path:
    """A private folder for the lock files that every metric leaves behind."""
    folder = Path(tempfile.mkdtemp(prefix="advisor-metrics-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@lru_cache(maxsize=1)
def _metric_class() -> Any:  # noqa: ANN401  (evaluate ships no types)
    import datasets
    import evaluate
    import numpy as np
    from datasets import Sequence, Value

    columns = {
        Target.CLASS: (Value("int64"), Value("int64")),
        Target.CLASSES: (Sequence(Value("float64")), Sequence(Value("bool"))),
        Target.NUMBER: (Value("float64"), Value("float64")),
        Target.TAGS: (Sequence(Value("string")), Sequence(Value("string"))),
        Target.MATCH: (Value("int64"), Value("int64")),
        Target.SPAN: (Value("string"), Sequence(Value("string"))),
        Target.TEXT: (Value("string"), Sequence(Value("string"))),
        Target.NEXT: (Value("int64"), Value("int64")),
    }
    likelihoods = (Sequence(Value("float64")), Sequence(Value("string")))

    class TargetMetric(evaluate.Metric):  # type: ignore[misc]  # untyped base
        """One metric of predictions against the truth, named by `config_name`: the target and the metric."""

        def _info(self) -> Any:  # noqa: ANN401
            kind, _, name = self.config_name.partition("/")
            reads_texts = kind != Target.TEXT or name in WRITTEN_METRICS
            predicted, true = columns[Target(kind)] if reads_texts else likelihoods
            return evaluate.MetricInfo(
                description="A metric of predictions against the truth.",
                citation="",
                features=datasets.Features({"predictions": predicted, "references": true}),
            )

        def _compute(self, predictions: Any, references: Any) -> dict[str, float]:  # noqa: ANN401
            kind, _, name = self.config_name.partition("/")
            if kind not in {Target.TAGS, Target.SPAN, Target.TEXT}:
                predictions, references = np.asarray(predictions), np.asarray(references)
            return {name: score(name, predictions, references, Target(kind))}

    return TargetMetric


__all__ = ["MetricError", "UnsupportedMetricError", "compute", "preload", "score", "standard_error"]
