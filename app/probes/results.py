"""Results go back: what a run measured becomes probe figures of its data, for the next answer."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.datasets.storage import StoredDataset
from app.datasets.words import task_words
from app.probes.scheduler import Scheduler, best_of_each
from app.question import Question
from app.ranking.devices import device_named
from app.ranking.observations import ProbeObservation
from app.ranking.phrases import Language
from app.recall import Budget, Constraints
from app.task_profile import read_task
from benchmarks.figures import Figure, FigureKind, Protocol
from benchmarks.repository import FigureRepository
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy


def question_for_run(
    dataset: StoredDataset, request: Mapping[str, Any], earlier: Sequence[ProbeObservation] = ()
) -> Question:
    """The question that a run answers; its limits were applied when it was made, so none stand here."""
    reading = read_task(task_words(dataset, metric=request["task"]["metric"]))
    device = device_named(request["budget"]["device"])
    return Question(
        profile=reading.profile,
        device=device,
        budget=Budget(memory_bytes=float("inf")),
        constraints=Constraints(),
        language=Language(request.get("language", "en")),
        probes=tuple(earlier),
    )


def measured_figures(
    scheduler: Scheduler,
    entries: Sequence[ModelEntry],
    dataset: StoredDataset,
    run_id: str,
    today: dt.date,
    n_validation: int,
) -> list[ProbeObservation]:
    """The newest scores of every candidate, with what is still uncertain about their end.

    Of each its head and the best of its arms that train, of those that were measured.
    """
    found, scores = [], scheduler.scores()
    for arm in best_of_each(scheduler, list(scores)):
        score = scores[arm]
        plan = scheduler.plan.arms[arm]
        figure = Figure(
            model=entries[plan.model].key,
            benchmark=dataset.id,
            metric=scheduler.plan.metric.name,
            value=score.value,
            protocol=Protocol.LINEAR_PROBE if plan.strategy is Strategy.HEAD else Protocol.FINE_TUNED,
            split="validation",
            std_error=score.std_error,
            n_test=n_validation,
            source=f"probe run {run_id}",
            as_of=today,
            kind=FigureKind.PROBE,
        )
        found.append(
            ProbeObservation(
                model=entries[plan.model].key,
                strategy=plan.strategy,
                figure=figure,
                extrapolation_variance=score.extrapolation_variance,
            )
        )
    return found


def put_back(
    observations: Sequence[ProbeObservation], dataset: StoredDataset, run_id: str, session: Session
) -> int:
    """Append the figures of finished arms; returns how many were new.

    Scores of arms that were stopped half-way stay with the run: they are no figures of the fine-tune.
    """
    finished = [o.figure for o in observations if o.extrapolation_variance == 0.0]
    report = FigureRepository(session).add_probe_figures(
        finished, dataset_sha256=dataset.sha256, project=dataset.project, run_id=run_id
    )
    return report.inserted
