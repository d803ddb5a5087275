"""What a pool of trials charges, its children stood in for."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.probes import trials
from app.probes.messages import Command, FeatureReport, SlicePoint, Train, TrialSpec
from app.probes.outcomes import Finished
from app.probes.plan import Action, ArmPlan, Kind
from app.probes.planning import Prepared
from app.probes.sample_size import Sample
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Strategy, TaskType
from tests.factories import make_entry

WALL_SECONDS = 2.0
ARM = ArmPlan(model=0, strategy=Strategy.FULL, total_steps=8, step_seconds=0.1, slice_overhead_seconds=0.1)
POINT = SlicePoint(
    step=4,
    total_steps=8,
    examples_seen=64,
    seconds=WALL_SECONDS,
    pass_seconds=1.0,
    loss=0.5,
    validation_loss=0.5,
    metric=0.8,
    std_error=0.1,
)
REPORT = FeatureReport(
    transferability={},
    predicted_metric=0.7,
    predicted_std_error=0.1,
    head_metric=0.7,
    head_std_error=0.1,
    head_seconds=0.1,
    inverse_regularisation=1.0,
    extraction_seconds=1.0,
    pass_seconds=1.0,
    vocabulary={},
)


@dataclass
class StandIn:
    """A child that takes two seconds for anything, and notes how long it was given."""

    spec: TrialSpec
    server: object
    given: list[float]

    def run(self, command: Command, *, timeout_seconds: float, **_: object) -> Finished:
        self.given.append(timeout_seconds)
        result = POINT if isinstance(command, Train) else REPORT
        return Finished(result=result, seconds=WALL_SECONDS, peak_memory_bytes=1)

    def close(self) -> None:
        pass


@pytest.fixture
def prepared() -> Prepared:
    plan: Any = SimpleNamespace(arms=(ARM,), names=("m",), seed=0, metric=metric_named("accuracy"))
    return Prepared(
        plan=plan,
        entries=(make_entry("m"),),
        sample=Sample(n_train=64, n_validation=64),
        epochs=2,
        max_length=48,
        n_threads=1,
        n_devices=4,
    )


def pool_of(prepared: Prepared, given: list[float], monkeypatch: pytest.MonkeyPatch) -> trials.TrialPool:
    def stand_in(spec: TrialSpec, server: object) -> StandIn:
        return StandIn(spec, server, given)

    monkeypatch.setattr(trials, "TrialProcess", stand_in)
    profile = SimpleNamespace(class_counts={"x": 50, "y": 50})
    dataset = SimpleNamespace(id="ds_1", task_type=TaskType.TEXT_CLASSIFICATION, profile=profile)
    examples = SimpleNamespace(label_names=("x", "y"))
    data = SimpleNamespace(examples=examples, folder=Path(), split_file=Path("split.json"), train=range(64))
    settings = SimpleNamespace(data_dir=Path(), feature_cache_bytes=1)
    made: Any = trials.TrialPool
    pool: trials.TrialPool = made(prepared, dataset, data, {}, {"budget": {}}, settings, None)
    return pool


@pytest.mark.parametrize(("kind", "n_devices"), [(Kind.SLICE, 4), (Kind.FEATURES, 1)])
def test_the_seconds_of_every_device_at_work_are_charged(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, kind: Kind, n_devices: int
) -> None:
    given: list[float] = []
    action = Action(kind=kind, model=0, arm=0, until_step=4, predicted_seconds=1.0)
    result = pool_of(prepared, given, monkeypatch).perform(action, 40.0, threading.Event())
    assert result.seconds == WALL_SECONDS * n_devices
    assert given == [40.0 / n_devices]


def test_every_trial_is_told_of_its_devices(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pool_of(prepared, [], monkeypatch)._spec(0).n_devices == 4
    one = replace(prepared, n_devices=1)
    assert pool_of(one, [], monkeypatch)._spec(0).n_devices == 1
