"""What is learnt of strategies that train a part, from curves made up to be what is to be found."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from app.fitting.adapted import LEAST_SETS, adapted_tasks, learn_adapted
from app.fitting.fine_tunes import TEST, VALIDATION, FineTunePoint
from app.fitting.recorded_tasks import RecordedTask
from app.ranking.probe_model import SLICE, Group
from models_registry.vocabulary import Strategy
from tests.unit.probe_models import MODEL
from tests.unit.test_replay import ERROR, TASKS

SLICES = MODEL.probes[SLICE][Group.LAYERED]
LOST = -0.3
"""Comparable scale: how far the made-up strategy ends below the fine-tune."""
EASIER = 0.5


def rows(task: RecordedTask, models: tuple[str, ...], strategy: Strategy) -> Iterator[FineTunePoint]:
    """Curves whose ends lie `LOST` below the fine-tune's on the same examples."""
    t, _ = task.final.comparable(task.metric)

    def point(
        model: str, step: int, part: str, comparable: float, strategy: Strategy = strategy
    ) -> FineTunePoint:
        value: NDArray[np.float64] = task.metric.from_comparable(np.array([comparable]))
        return FineTunePoint(
            dataset=task.dataset,
            model=model,
            strategy=strategy.value,
            seed=task.seed,
            n_train=task.n_train,
            epochs=3,
            max_length=64,
            learning_rate=1e-3,
            step=step,
            total_steps=task.steps,
            seconds=1.0,
            n_threads=1,
            peak_memory_bytes=0,
            part=part,
            n_examples=300,
            metric_name=task.metric.name,
            metric=float(value[0]),
            std_error=ERROR,
            loss=0.5,
        )

    for model in models:
        end = float(t[task.models.index(model)]) + LOST
        # The test examples are easier than those of the final score, for whatever was trained.
        yield point(model, task.steps, TEST, end + EASIER)
        yield point(model, task.steps, TEST, end - LOST + EASIER, Strategy.FULL)
        for step in task.slices:
            yield point(model, step, VALIDATION, end - 0.4 * (1 - step / task.steps))


def points(n_sets: int, models: tuple[str, ...] = ("m3", "m4", "m5")) -> list[FineTunePoint]:
    return [p for task in TASKS[:n_sets] for p in rows(task, models, Strategy.LORA)]


def test_a_strategy_ends_as_far_from_the_fine_tune_as_was_recorded() -> None:
    ends, slices = learn_adapted(TASKS, points(8), SLICES, 0.7)
    assert set(ends) == set(slices) == {"lora"}
    assert ends["lora"].intercept == pytest.approx(LOST, abs=0.02)
    assert (ends["lora"].tuned, ends["lora"].frozen) == (1.0, 0.0)
    assert len(slices["lora"]) == len(Group)


def test_a_strategys_slices_have_the_slopes_of_a_fine_tunes() -> None:
    _, slices = learn_adapted(TASKS, points(8), SLICES, 0.7)
    for share in SLICES.shares.tolist():
        found, like = slices["lora"][Group.LAYERED].at(share), SLICES.at(share)
        assert (found.tuned, found.frozen) == (like.tuned, like.frozen)


def test_what_alike_models_share_may_be_their_own_among_others() -> None:
    ends, _ = learn_adapted(TASKS, points(8), SLICES, 0.7)
    assert ends["lora"].own >= ends["lora"].shared ** 2


def test_too_few_sets_or_models_teach_nothing() -> None:
    assert learn_adapted(TASKS, points(LEAST_SETS - 1), SLICES, 0.7) == ({}, {})
    assert learn_adapted(TASKS, points(8, models=("m3",)), SLICES, 0.7) == ({}, {})


def test_a_curve_that_was_not_recorded_to_its_end_is_left_out() -> None:
    whole = points(1)
    cut = [p for p in whole if not (p.model == "m3" and p.part == TEST)]
    (task,) = adapted_tasks(TASKS, cut, Strategy.LORA)
    assert task.curve.models == task.end.models == ("m4", "m5")
    assert adapted_tasks(TASKS, cut, Strategy.IA3) == []
