"""Beliefs after probes are as wide as labelled sets that were left out show."""

from dataclasses import replace

import numpy as np
import pytest

from app.fitting.fine_tunes import load_fine_tunes
from app.fitting.probes import learnt_without
from app.fitting.recorded_tasks import RecordedTask, Scores, recorded_tasks
from app.fitting.spread import spread_of
from app.fitting.transferability_scores import load_transferability
from app.ranking.probe_model import HEAD
from app.ranking.probed import Observation, Probed

SETS = frozenset({"sst2", "cola", "subj", "tweet_emotion", "sms_spam"})


@pytest.fixture(scope="module")
def tasks() -> list[RecordedTask]:
    points = [p for p in load_fine_tunes() if p.dataset in SETS and p.seed == 0]
    return recorded_tasks(points, [s for s in load_transferability() if s.dataset in SETS])


def moved(task: RecordedTask, by: float) -> RecordedTask:
    """The same with every final score this much further from the middle of all, comparable scale."""
    t, _ = task.final.comparable(task.metric)
    values = np.array([task.metric.from_comparable(y) for y in t.mean() + by * (t - t.mean())])
    return replace(task, final=Scores(values=values, errors=task.final.errors))


def test_scores_further_away_than_learnt_ask_for_wider_beliefs(tasks: list[RecordedTask]) -> None:
    without = learnt_without(tasks, (), ())
    as_recorded = spread_of(tasks, without)
    assert 0.5 <= as_recorded <= 2.0
    assert spread_of([moved(t, 2.0) for t in tasks], without) > as_recorded
    assert spread_of([moved(t, 0.5) for t in tasks], without) < as_recorded


def test_nothing_left_out_leaves_beliefs_as_they_are(tasks: list[RecordedTask]) -> None:
    two = [t for t in tasks if t.dataset in {"sst2", "cola"}]
    assert spread_of(two, learnt_without(two, (), ())) == 1.0


@pytest.mark.parametrize("n_seen", [0, 3])
def test_a_spread_widens_a_belief_and_moves_nothing(tasks: list[RecordedTask], n_seen: int) -> None:
    task = tasks[0]
    model = next(iter(learnt_without(tasks, (), ()).values()))
    seen = tuple(
        Observation(candidate=m, kind=HEAD, share=1.0, value=0.5, variance=0.01) for m in range(n_seen)
    )
    plain, wide = (
        Probed(model.joined(task.prior, task.groups), replace(model, spread=k), task.groups, seen).belief
        for k in (1.0, 1.5)
    )
    np.testing.assert_allclose(wide.mean, plain.mean)
    np.testing.assert_allclose(wide.variance, 2.25 * plain.variance)
