"""The whole way of a trial, on small models with random weights: commands, limits, crashes, divergence."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.probes.messages import (
    BaselineReport,
    Command,
    ExtractFeatures,
    FeatureReport,
    Heartbeat,
    RunBaselines,
    SlicePoint,
    Train,
    TrainingRecipe,
    TrialSpec,
)
from app.probes.outcomes import Crashed, Diverged, Finished, Outcome, OutOfMemory, TimedOut
from app.probes.transferability import ESTIMATORS
from app.probes.trial_process import ForkServer, TrialProcess, trial_environment
from tests.probes.tiny import WORDS, trial_spec, write_place

GIB = 2**30
RECIPE = TrainingRecipe(learning_rate=1e-2, batch_size=8, epochs=4, max_length=16)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as running:
        yield running


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trials")
    return write_place(folder)


@pytest.fixture
def spec(shared_folder: Path, tmp_path: Path) -> TrialSpec:
    return trial_spec(shared_folder, tmp_path, RECIPE)


def run(process: TrialProcess, command: Command, **limits: float) -> Outcome:
    return process.run(
        command,
        timeout_seconds=limits.get("timeout_seconds", 120.0),
        memory_limit_bytes=int(limits.get("memory_limit_bytes", 4 * GIB)),
    )


def final_point(process: TrialProcess, *ends: int) -> SlicePoint:
    points = []
    for end in ends:
        outcome = run(process, Train(until_step=end))
        assert isinstance(outcome, Finished), outcome
        assert isinstance(outcome.result, SlicePoint)
        points.append(outcome.result)
    return points[-1]


def state_bytes(folder: Path) -> bytes:
    (state,) = folder.glob("slice-*/state.safetensors")
    return state.read_bytes()


def test_spec_survives_json(spec: TrialSpec) -> None:
    weighted = replace(spec, recipe=replace(RECIPE, class_weights=(0.5, 1.5)))
    assert TrialSpec.from_json(weighted.to_json()) == weighted


def test_features_give_scores_and_are_cached(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(spec, server)
    outcome = run(process, ExtractFeatures())
    process.close()
    assert isinstance(outcome, Finished), outcome
    report = outcome.result
    assert isinstance(report, FeatureReport)
    assert set(report.transferability) == set(ESTIMATORS)
    assert report.head_metric > 0.8
    assert outcome.peak_memory_bytes > 10**8
    # The last layer of all, every layer of what estimators read, units an example, how well the vocabulary
    # fits, and the tokens of either part.
    assert len(list(spec.feature_cache_folder.glob("*/*.npy"))) == 6


def test_training_beats_guessing_and_counts_its_work(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(spec, server)
    point = final_point(process, 10, 40)
    process.close()
    assert (point.step, point.total_steps, point.examples_seen) == (40, 40, 320)
    assert point.metric > 0.8
    assert 0.0 < point.std_error < 0.1
    assert point.seconds > 0.0


def test_resumed_slices_equal_one_run_to_the_bit(spec: TrialSpec, server: ForkServer) -> None:
    whole = TrialProcess(spec, server)
    in_one = final_point(whole, 23)
    whole.close()
    parted = replace(spec, folder=spec.folder.with_name("parted"))
    for end in (5, 10, 17, 23):
        process = TrialProcess(parted, server)
        in_parts = final_point(process, end)
        process.close()
    assert state_bytes(spec.folder) == state_bytes(parted.folder)
    assert (in_one.metric, in_one.validation_loss) == (in_parts.metric, in_parts.validation_loss)


def test_only_the_last_slice_stays_on_disk(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(spec, server)
    final_point(process, 3, 6)
    process.close()
    assert [path.name for path in spec.folder.glob("*slice*")] == ["slice-00000006"]


def test_step_beyond_the_end_trains_to_the_end(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(spec, server)
    point = final_point(process, 10**6)
    process.close()
    assert point.step == point.total_steps == 40


def test_absurd_learning_rate_diverges_and_the_process_goes_on(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(replace(spec, recipe=replace(RECIPE, learning_rate=1e6)), server)
    outcome = run(process, Train(until_step=40))
    assert isinstance(outcome, Diverged), outcome
    assert isinstance(run(process, ExtractFeatures()), Finished)
    process.close()


def test_killed_trial_is_crashed_and_can_be_run_again(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(spec, server)
    process.start()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSEGV)
    outcome = run(process, Train(until_step=5))
    assert isinstance(outcome, Crashed)
    assert outcome.exit_code == -signal.SIGSEGV
    assert isinstance(run(process, Train(until_step=5)), Finished)
    process.close()


def test_memory_limit_ends_the_trial(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(spec, server)
    outcome = run(process, Train(until_step=40), memory_limit_bytes=50_000_000)
    assert isinstance(outcome, OutOfMemory)
    assert outcome.peak_memory_bytes > outcome.limit_bytes == 50_000_000
    assert process.pid is None


def test_timeout_ends_the_trial_and_leaves_nothing_running(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(replace(spec, recipe=replace(RECIPE, epochs=100_000)), server)
    process.start()
    pid = process.pid
    outcome = run(process, Train(until_step=10**6), timeout_seconds=1.5)
    assert isinstance(outcome, TimedOut)
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_broken_model_crashes_without_telling_the_data(spec: TrialSpec, server: ForkServer) -> None:
    folder = spec.folder.with_name("no-model")
    folder.mkdir(parents=True)
    process = TrialProcess(replace(spec, model_folder=folder), server)
    outcome = run(process, ExtractFeatures())
    process.close()
    assert isinstance(outcome, Crashed)
    assert "no-model" in outcome.reason
    assert not any(word in outcome.reason for word in WORDS[:6])


def test_baselines_are_scored(spec: TrialSpec, server: ForkServer) -> None:
    process = TrialProcess(replace(spec, model_folder=None), server)
    outcome = run(process, RunBaselines())
    process.close()
    assert isinstance(outcome, Finished)
    assert isinstance(outcome.result, BaselineReport)
    majority, tfidf = outcome.result.scores
    assert (majority.name, tfidf.name) == ("majority", "tfidf-logistic")
    assert tfidf.metric > majority.metric


def test_heartbeats_tell_the_stage(spec: TrialSpec, server: ForkServer) -> None:
    heard: list[Heartbeat] = []
    process = TrialProcess(spec, server)
    process.run(
        Train(until_step=40), timeout_seconds=120, memory_limit_bytes=4 * GIB, on_heartbeat=heard.append
    )
    process.close()
    assert {beat.stage for beat in heard} >= {"loading", "training"}


def test_listener_that_raises_ends_the_trial(spec: TrialSpec, server: ForkServer) -> None:
    def cancel(_: Heartbeat) -> None:
        raise InterruptedError

    process = TrialProcess(spec, server)
    with pytest.raises(InterruptedError):
        process.run(Train(until_step=40), timeout_seconds=60, memory_limit_bytes=4 * GIB, on_heartbeat=cancel)
    assert process.pid is None


def test_children_end_with_their_server(spec: TrialSpec) -> None:
    server = ForkServer()
    process = TrialProcess(spec, server)
    process.start()
    pid = process.pid
    assert pid is not None
    server.close()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_environment_of_a_trial_holds_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTPS_PROXY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "ADVISOR_DATABASE_URL"):
        monkeypatch.setenv(name, "secret")
    environment = trial_environment(tmp_path)
    assert "secret" not in environment.values()
    assert environment["HF_HUB_OFFLINE"] == "1"
