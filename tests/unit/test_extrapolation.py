"""Curves foretold by several ways, each learnt on the other labelled sets."""

from dataclasses import replace

import numpy as np
import pytest

from app.evaluation.replay.extrapolation import (
    ADVISOR,
    EXPONENTIAL,
    FREEZE_THAW,
    LAST,
    POWER,
    Seen,
    misses,
)
from app.fitting.probes import fit_probes
from app.fitting.recorded_tasks import RecordedTask
from tests.unit.test_replay import FRACTIONS, STEPS, TASKS, make_task, scores


def power_law(task: RecordedTask) -> RecordedTask:
    """The task with curves that follow a power law without noise."""
    t, _ = task.final.comparable(task.metric)
    slices = {round(f * STEPS): scores(t - 0.2 * (f**-0.5 - 1.0)) for f in FRACTIONS}
    return replace(task, slices=slices)


def test_a_curve_is_seen_up_to_the_slice_at_its_share() -> None:
    seen = Seen.of(TASKS[0], 0.25)
    assert seen.shares.tolist() == [0.125, 0.25]
    assert seen.y.shape == (len(TASKS[0].models), 2)


def test_curves_of_a_family_are_foretold_by_that_family() -> None:
    tasks = [power_law(make_task(f"d{i}", i)) for i in range(4)]
    model = fit_probes(TASKS, [])
    found = {(e.way, e.until): e for e in misses(tasks, lambda _: model, (0.125, 0.5))}
    assert found[POWER, 0.125].score < 0.01
    assert found[POWER, 0.5].score < found[LAST, 0.5].score
    assert found[EXPONENTIAL, 0.5].score < found[LAST, 0.5].score
    # All candidates are moved alike, so their order is that of the last value.
    assert found[POWER, 0.125].order == pytest.approx(found[LAST, 0.125].order)


def test_only_ways_with_intervals_say_what_these_hold() -> None:
    model = fit_probes(TASKS[4:], [])
    errors = misses(TASKS[:4], lambda _: model, (0.5,))
    held = {e.way: e.held for e in errors}
    assert held[LAST] is held[POWER] is held[EXPONENTIAL] is None
    for way in (FREEZE_THAW, ADVISOR):
        assert 0.5 <= (held[way] or 0.0) <= 1.0
    assert np.isfinite([e.order for e in errors]).all()
