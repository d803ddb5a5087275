"""The classical baselines: what a pretrained model has to beat. One file a kind of target."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from app.probes.data import TrialData
from app.probes.messages import BaselineReport, BaselineScore

if TYPE_CHECKING:
    from app.probes.tasks.base import ProbeTask


def run_baselines(
    data: TrialData, task: "ProbeTask", *, metric: str, seed: int, on_done: Callable[[str], None]
) -> BaselineReport:
    """The task's baselines, trained on the training part and scored on the validation part.

    Args:
        data: Both parts.
        task: Bound to them.
        metric: Canonical name.
        seed: Of folds and bootstrap.
        on_done: Told the name of each that is done.
    """
    scores = []
    references = task.references(data.validation.targets)
    predictors: Mapping[str, Callable[..., object]] = task.baselines_for(metric)
    for name, predict in predictors.items():
        began = time.monotonic()
        predictions = predict(data.train, data.validation, seed)
        scores.append(
            BaselineScore(
                name=name,
                metric=task.compute(metric, predictions, references),
                std_error=task.standard_error(metric, predictions, references, seed=seed),
                seconds=time.monotonic() - began,
            )
        )
        on_done(name)
    return BaselineReport(scores=tuple(scores))
