"""The worker from lease to end, with simulated trials: failures, take-overs, cancels, determinism."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from app.datasets.ingest import ingest_rows
from app.datasets.repository import DatasetRepository
from app.db import Database
from app.probes.artifact_files import ARTIFACTS, FOLDER
from app.probes.execution import RunExecution
from app.probes.lease import Lease
from app.probes.messages import BaselineScore, Export, Refit
from app.probes.plan import Action, Kind
from app.probes.planning import Prepared
from app.probes.refit_plan import RefitPlan
from app.probes.repository import LeaseRepository, RunRepository
from app.probes.sample import RunData
from app.probes.states import RunStatus
from app.probes.tables import ProbeRunRow
from app.probes.trials import REFIT, InterruptedTrialError, TrialResult
from app.probes.worker import Worker, utc_now
from app.run_documents import run_document
from app.settings import Settings
from app.snapshot import Snapshot, SnapshotCache
from benchmarks.repository import FigureRepository
from models_registry.entry import ModelEntry
from models_registry.hubs.base import HubTimeoutError
from models_registry.vocabulary import Strategy, TaskType
from tests.conftest import CopyOfShipped

L3 = "package-index:sentence-transformers/paraphrase-MiniLM-L3-v2@0.2.1"
L6 = "package-index:sentence-transformers/all-MiniLM-L6-v2@0.1.0"
E5 = "package-index:intfloat/multilingual-e5-small@0.3.0"
TRUTH = {L3: 0.80, L6: 0.83, E5: 0.81}
WAIT_SECONDS = 60.0


class WorkerKilled(BaseException):
    """What a test raises where a worker is killed: nothing of the worker catches it."""


@dataclass
class Simulation:
    """What trials do instead of training.

    Attributes:
        features_seconds: Charged for a pass over the data.
        slice_seconds: Charged for a slice.
        outcomes: Of the actions of a model on a kind of work; finished by default.
        at_action: Told of every action before it is carried out.
        no_weights: Models that cannot be fetched.
        hangs: Whether an action lasts until it is interrupted.
        refits: Pieces of the winner's training on all the data that were carried out.
        fails_to_refit: Whether such a piece fails.
        vocabulary: How well a model's tokenizer knows the texts.
        folder: Of the run.
        truth: Final score of a model.
        std_error: Of the score of a pass.
        actions: What was carried out.
        n_begun: Actions begun, carried out or not.
    """

    features_seconds: float = 1.0
    slice_seconds: float = 2.0
    outcomes: dict[tuple[str, Kind], tuple[str, str]] = field(default_factory=dict)
    at_action: Callable[[int], None] = lambda _: None
    no_weights: frozenset[str] = frozenset()
    hangs: bool = False
    truth: dict[str, float] = field(default_factory=TRUTH.copy)
    std_error: float = 0.04
    actions: list[tuple[str, str, int | None]] = field(default_factory=list)
    n_begun: int = 0
    refits: list[tuple[RefitPlan, Refit | Export]] = field(default_factory=list)
    fails_to_refit: bool = False
    vocabulary: dict[str, dict[str, float]] = field(default_factory=dict)
    folder: Path = Path()

    def weights(self, entry: ModelEntry, models_dir: Path, **_: object) -> Path:
        if entry.name in self.no_weights:
            raise HubTimeoutError(entry.name, 1.0)
        return models_dir

    def pool(self, prepared: Prepared, _dataset: object, data: RunData, *_: object) -> "SimulatedPool":
        self.folder = data.split_file.parent
        return SimulatedPool(self, prepared)


class SimulatedPool:
    """Stands in for `TrialPool`."""

    def __init__(self, simulation: Simulation, prepared: Prepared) -> None:
        self._simulation = simulation
        self._prepared = prepared
        self.last_seconds = 0.5

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def warm_up(self) -> float:
        return 0.25

    def baselines(self, _timeout: float, _interrupted: threading.Event) -> tuple[list[BaselineScore], float]:
        return [BaselineScore(name="majority", metric=0.5, std_error=0.05, seconds=0.1)], 0.1

    def perform(self, action: Action, _timeout: float, interrupted: threading.Event) -> TrialResult:
        simulation = self._simulation
        name = self._prepared.plan.names[action.model]
        simulation.n_begun += 1
        simulation.at_action(simulation.n_begun)
        if simulation.hangs:
            assert interrupted.wait(WAIT_SECONDS)
            raise InterruptedTrialError
        is_pass = action.kind is Kind.FEATURES
        seconds = simulation.features_seconds if is_pass else simulation.slice_seconds
        outcome, why = simulation.outcomes.get((name, action.kind), ("finished", ""))
        simulation.actions.append((name, str(action.kind), action.until_step))
        if outcome != "finished":
            return TrialResult(outcome=outcome, why=why, seconds=seconds)
        if is_pass:
            transferability = {"linear_probe": simulation.truth[name], "logme": 1.0, "h_score": 1.0}
            return TrialResult(
                outcome=outcome,
                seconds=seconds,
                score=simulation.truth[name],
                std_error=simulation.std_error,
                transferability=transferability,
                vocabulary=simulation.vocabulary.get(name, {}),
            )
        assert action.arm is not None
        assert action.until_step is not None
        share = action.until_step / self._prepared.plan.arms[action.arm].total_steps
        score = simulation.truth[name] - 0.2 * (1.0 - share)
        return TrialResult(
            outcome=outcome, seconds=seconds, step=action.until_step, score=score, std_error=0.04, loss=0.5
        )

    def refit(
        self, plan: RefitPlan, command: Refit | Export, _timeout: float, _interrupted: threading.Event
    ) -> TrialResult:
        simulation = self._simulation
        simulation.n_begun += 1
        simulation.at_action(simulation.n_begun)
        simulation.refits.append((plan, command))
        if simulation.fails_to_refit:
            return TrialResult(outcome="out_of_memory", why="needs more than 8.0 GB", seconds=1.0)
        if isinstance(command, Export):
            written = simulation.folder / REFIT / FOLDER
            written.mkdir(parents=True)
            (written / "classifier.json").write_text("{}")
        return TrialResult(outcome="finished", seconds=1.0)


@pytest.fixture(scope="module")
def snapshot(shipped_data_dir: Path) -> Iterator[Snapshot]:
    settings = Settings(data_dir=shipped_data_dir)
    database = Database(settings.url)
    yield SnapshotCache(database, settings.fits_dir).current()
    database.close()


@dataclass
class Place:
    """A service's data with a queued run or more, and workers on it."""

    settings: Settings
    database: Database
    simulation: Simulation

    def worker(self) -> Worker:
        return Worker(self.database, self.settings)

    def queue(
        self,
        candidates: tuple[str, ...] = (L3, L6, E5),
        seconds: float = 300.0,
        strategies: tuple[Strategy, ...] = (Strategy.HEAD, Strategy.FULL),
        **changes: object,
    ) -> str:
        rows = [
            {"text": f"the film is {w}, part {i}", "label": w} for i in range(60) for w in ("good", "bad")
        ]
        stored = ingest_rows(
            rows,
            task_type=TaskType.TEXT_CLASSIFICATION,
            project="default",
            data_dir=self.settings.data_dir,
        )
        request: dict[str, Any] = {
            "task": {"type": "text-classification", "metric": "accuracy"},
            "candidates": list(candidates),
            "strategies": [s.value for s in strategies],
            "budget": {"seconds": seconds, "device": "cpu", "memory_gb": None},
            "stop": {"p_best": 1.0, "expected_regret": 0.0},
            "seed": 3,
            "language": "en",
        }
        now = utc_now()
        with self.database.write() as session:
            DatasetRepository(session).add(stored, created_at=now)
            return (
                RunRepository(session)
                .create(
                    dataset_id=stored.id,
                    request={**request, **changes},
                    budget_seconds=seconds,
                    body_sha256="",
                    now=now,
                )
                .id
            )

    def document(self, run_id: str) -> dict[str, Any]:
        with self.database.read() as session:
            runs = RunRepository(session)
            return dict(run_document(runs.get(run_id), runs.trials(run_id), runs.points(run_id)))

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run, after one worker has worked on it."""
        assert self.worker().run_once()
        return self.document(run_id)

    def killed_at(self, run_id: str, action: int) -> dict[str, Any]:
        """The run, after its worker was killed at the start of this action and the lease has expired."""

        def kill(number: int) -> None:
            if number == action:
                raise WorkerKilled

        self.simulation.at_action = kill
        with pytest.raises(WorkerKilled):
            self.worker().run_once()
        self.simulation.at_action = lambda _: None
        with self.database.write() as session:
            row = session.get_one(ProbeRunRow, run_id)
            row.lease_expires_at = utc_now() - dt.timedelta(seconds=1)
        return self.document(run_id)


@pytest.fixture
def place(
    snapshot: Snapshot, copy_shipped: CopyOfShipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    copy_shipped(tmp_path)
    settings = Settings(data_dir=tmp_path, lease_seconds=2.0, poll_seconds=0.05)
    simulation = Simulation()
    database = Database(settings.url)
    monkeypatch.setattr("app.probes.execution.TrialPool", simulation.pool)
    monkeypatch.setattr("app.probes.execution.ensure_weights", simulation.weights)
    monkeypatch.setattr("app.probes.execution.measured_device", lambda device, *_: device)
    monkeypatch.setattr(SnapshotCache, "current", lambda _: snapshot)
    yield Place(settings, database, simulation)
    database.close()


def trials_of(run: dict[str, Any], model: str) -> list[dict[str, Any]]:
    return [trial for trial in run["trials"] if trial["model"] == model]


def points_of(run: dict[str, Any]) -> set[tuple[str, str, int, float]]:
    return {(t["model"], t["strategy"], p["step"], p["metric"]) for t in run["trials"] for p in t["points"]}


@contextmanager
def working(worker: Worker) -> Iterator[threading.Thread]:
    """The worker works in a thread, and has ended afterwards."""
    thread = threading.Thread(target=worker.run_once)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(WAIT_SECONDS)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_succeeds_with_every_candidate_measured(place: Place) -> None:
    run = place.ended(place.queue())

    assert run["status"] == "succeeded"
    assert {t["model"] for t in run["trials"] if t["transferability"]} == {L3, L6, E5}


def test_the_probabilities_of_a_ranking_sum_to_one(place: Place) -> None:
    run = place.ended(place.queue())

    assert sum(row["p_best"] for row in run["ranking"]) == pytest.approx(1.0, abs=1e-3)


def test_the_model_that_measures_far_best_leads(place: Place) -> None:
    place.simulation.truth[L6], place.simulation.std_error = 0.97, 0.01
    run = place.ended(place.queue(strategies=(Strategy.HEAD,)))

    assert run["ranking"][0]["model"]["name"] == L6


def test_adapters_are_trained_and_ranked_as_arms_of_their_model(place: Place) -> None:
    run = place.ended(place.queue(candidates=(L3, L6), strategies=(Strategy.HEAD, Strategy.LORA)))

    assert {t["strategy"] for t in trials_of(run, L6)} == {"head", "lora"}
    assert {t["model"] for t in run["trials"] if t["strategy"] == "lora" and t["points"]} == {L3, L6}
    assert {row["model"]["name"] for row in run["ranking"]} == {L3, L6}
    assert all(row["recipe"]["strategy"] == row["strategy"] in {"head", "lora"} for row in run["ranking"])


def test_charges_are_those_of_trials_and_baselines(place: Place) -> None:
    run = place.ended(place.queue())
    n_passes = sum(kind == "features" for _, kind, _ in place.simulation.actions)
    n_slices = len(place.simulation.actions) - n_passes

    assert run["spent"]["charged_seconds"] == pytest.approx(0.1 + 1.0 * n_passes + 2.0 * n_slices)
    assert run["spent"]["warmup_seconds"] >= 0.25


def test_no_action_begins_that_the_budget_has_no_room_for(place: Place) -> None:
    place.simulation.features_seconds = 4.0
    run = place.ended(place.queue(seconds=10.0))

    assert run["status"] == "succeeded"
    assert run["spent"]["charged_seconds"] <= 10.5


def test_a_budget_too_small_for_anything_gives_the_prior_and_says_so(place: Place) -> None:
    run = place.ended(place.queue(seconds=0.3))

    assert run["status"] == "succeeded"
    assert "nothing could be measured" in run["decision"]
    assert "the budget has no room" in run["decision"]
    assert len(run["ranking"]) == 3


def test_what_got_no_turn_says_so(place: Place) -> None:
    run = place.ended(place.queue(seconds=0.3))

    assert {(t["status"], t["why"]) for t in run["trials"]} == {
        ("stopped", f"the run ended before its turn: {run['decision']}")
    }


def test_the_working_folder_is_gone_at_the_end(place: Place) -> None:
    run_id = place.queue()
    place.ended(run_id)

    assert not (place.settings.data_dir / "runs" / run_id).exists()


@pytest.mark.parametrize("outcome", ["out_of_memory", "diverged", "failed"])
def test_a_model_that_fails_in_its_pass_is_left_out_and_the_others_are_ranked(
    place: Place, outcome: str
) -> None:
    place.simulation.outcomes[L3, Kind.FEATURES] = (outcome, "because")
    run = place.ended(place.queue())

    assert run["status"] == "succeeded"
    assert {(t["status"], t["why"]) for t in trials_of(run, L3)} == {(outcome, "because")}
    assert {row["model"]["name"] for row in run["ranking"]} == {L6, E5}


def test_an_arm_that_diverges_leaves_its_models_other_arm(place: Place) -> None:
    place.simulation.outcomes[L6, Kind.SLICE] = ("diverged", "the loss left its range at step 3")
    run = place.ended(place.queue())
    status = {t["strategy"]: t["status"] for t in trials_of(run, L6)}

    assert run["status"] == "succeeded"
    assert status == {"head": "finished", "full": "diverged"}
    assert L6 in {row["model"]["name"] for row in run["ranking"]}


def test_a_model_that_cannot_be_fetched_is_left_out_and_says_why(place: Place) -> None:
    place.simulation.no_weights = frozenset({L6})
    run = place.ended(place.queue())
    lost = trials_of(run, L6)

    assert {t["status"] for t in lost} == {"failed"}
    assert all("HubTimeoutError" in t["why"] for t in lost)
    assert {row["model"]["name"] for row in run["ranking"]} == {L3, E5}


def test_a_run_whose_candidates_all_fail_fails_and_says_so(place: Place) -> None:
    place.simulation.no_weights = frozenset(TRUTH)
    run = place.ended(place.queue())

    assert (run["status"], run["decision"]) == ("failed", "every candidate failed")


def test_a_candidate_that_does_not_read_the_language_ends_the_run_with_a_reason(place: Place) -> None:
    foreign = "huggingface:google-bert/bert-base-chinese"
    name = next(
        e.name
        for e in SnapshotCache(place.database, place.settings.fits_dir).current().entries
        if e.key == foreign
    )
    run = place.ended(place.queue((L3, name)))

    assert run["status"] == "failed"
    assert "does not read the language" in run["decision"]


def test_an_error_inside_ends_the_run_without_its_text(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(RunExecution, "_probe", fail)
    run = place.ended(place.queue())

    assert (run["status"], run["decision"]) == ("failed", "internal error: ZeroDivisionError")


@pytest.mark.parametrize("action", [1, 2, 4, 5])
def test_a_killed_worker_loses_no_finished_slice_and_none_counts_twice(place: Place, action: int) -> None:
    run_id = place.queue()
    before = place.killed_at(run_id, action)
    done = len(place.simulation.actions)
    after = place.ended(run_id)
    n_passes = sum(kind == "features" for _, kind, _ in place.simulation.actions)

    assert points_of(before) <= points_of(after)
    assert len(set(place.simulation.actions)) == len(place.simulation.actions)
    assert done == action - 1
    assert after["status"] == "succeeded"
    charged = 0.1 + n_passes + 2.0 * (len(place.simulation.actions) - n_passes)
    assert after["spent"]["charged_seconds"] == pytest.approx(charged, abs=0.2)


def test_a_run_that_was_taken_over_makes_the_decisions_of_one_that_was_not(place: Place) -> None:
    first = place.queue()
    whole = place.ended(first)
    steps, place.simulation.actions = place.simulation.actions, []
    forget_results(place, whole["dataset_id"])
    place.simulation.n_begun = 0
    second = place.queue()
    place.killed_at(second, 4)
    place.ended(second)

    assert place.simulation.actions == steps


def test_the_same_seed_and_data_make_the_same_decisions(place: Place) -> None:
    first = place.ended(place.queue())
    steps, place.simulation.actions = place.simulation.actions, []
    forget_results(place, first["dataset_id"])
    second = place.ended(place.queue())

    assert place.simulation.actions == steps
    assert points_of(second) == points_of(first)
    assert [(r["model"]["name"], r["p_best"]) for r in second["ranking"]] == [
        (r["model"]["name"], r["p_best"]) for r in first["ranking"]
    ]


def forget_results(place: Place, dataset_id: str) -> None:
    with place.database.write() as session:
        FigureRepository(session).remove_dataset(dataset_id)


def test_a_cancelled_run_keeps_the_best_answer_so_far(place: Place) -> None:
    run_id = place.queue()

    def cancel(number: int) -> None:
        if number == 3:
            with place.database.write() as session:
                RunRepository(session).request_cancel(run_id, utc_now())
            place.simulation.hangs = True

    place.simulation.at_action = cancel
    run = place.ended(run_id)

    assert run["status"] == "cancelled"
    assert len(points_of(run)) == 2
    measured = {trial["model"] for trial in run["trials"] if trial["points"]}
    told = {
        r["model"]["name"] for r in run["ranking"] if "measured on your own data" in " ".join(r["reasons"])
    }
    assert told == measured
    assert "the run was cancelled" in {t["why"] for t in run["trials"]}


def test_what_a_cancelled_action_used_is_charged(place: Place) -> None:
    run_id = place.queue()

    def cancel(_: int) -> None:
        with place.database.write() as session:
            RunRepository(session).request_cancel(run_id, utc_now())
        place.simulation.hangs = True

    place.simulation.at_action = cancel
    run = place.ended(run_id)

    assert run["spent"]["charged_seconds"] == pytest.approx(0.1 + 0.5)


def test_a_stopping_worker_leaves_the_run_to_the_next_at_once(place: Place) -> None:
    run_id = place.queue()
    place.simulation.hangs = True
    worker = place.worker()
    with working(worker):
        until(lambda: place.simulation.n_begun == 1)
        worker.stop()
    place.simulation.hangs = False
    left = place.document(run_id)["status"]
    run = place.ended(run_id)

    assert left == "running"
    assert run["status"] == "succeeded"


def test_a_worker_whose_run_was_taken_over_writes_nothing_more(place: Place) -> None:
    run_id = place.queue()
    place.simulation.hangs = True
    with working(place.worker()) as thread:
        until(lambda: place.simulation.n_begun == 1)
        with place.database.write() as session:
            later = utc_now() + dt.timedelta(hours=1)
            taken = LeaseRepository(session).acquire("two", later, dt.timedelta(hours=1))
        before = place.document(run_id)
        thread.join(WAIT_SECONDS)

    assert taken is not None
    assert not thread.is_alive()
    assert place.document(run_id) == before


def test_of_two_workers_one_works_on_a_run(place: Place) -> None:
    run_id = place.queue()
    workers = [Worker(Database(place.settings.url), place.settings) for _ in range(2)]
    found: list[bool] = []
    threads = [threading.Thread(target=lambda w=w: found.append(w.run_once())) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert sorted(found) == [False, True]
    assert place.document(run_id)["status"] == "succeeded"


def test_the_events_of_a_run_have_no_gap_and_end_with_done(place: Place) -> None:
    run_id = place.queue()
    place.killed_at(run_id, 3)
    place.ended(run_id)
    with place.database.read() as session:
        events = RunRepository(session).events_after(run_id, 0)

    assert [e.number for e in events] == list(range(1, len(events) + 1))
    assert [e.kind for e in events].count("done") == 1
    assert events[-1].kind == "done"


def test_finished_arms_become_figures_of_their_data(place: Place) -> None:
    run = place.ended(place.queue(strategies=(Strategy.HEAD,)))
    with place.database.read() as session:
        row = DatasetRepository(session).get(run["dataset_id"])
        assert row is not None
        figures = FigureRepository(session).probe_figures(row.stored.sha256)

    assert {(f.figure.model, f.figure.value) for f in figures} == {
        (name.partition("@")[0], value) for name, value in TRUTH.items()
    }
    assert {f.run_id for f in figures} == {run["id"]}


def test_a_settled_charge_is_not_noted_as_in_flight_again(place: Place) -> None:
    run_id = place.queue()
    lease_time = dt.timedelta(seconds=0.2)
    with place.database.write() as session:
        LeaseRepository(session).acquire("one", utc_now(), dt.timedelta(hours=1))
    with Lease(place.database, run_id, 1, utc_now, lease_time) as lease, lease.metered():
        until(lambda: in_flight(place, run_id) > 0)
        with lease.write() as (_, repository, row):
            repository.charge(row, 1.0)
            lease.settle()
        time.sleep(0.3)  # several heartbeats
        noted = in_flight(place, run_id)

    assert noted == 0.0


def in_flight(place: Place, run_id: str) -> float:
    with place.database.read() as session:
        return RunRepository(session).get(run_id).in_flight_seconds


def test_a_cancel_that_comes_before_the_first_action_ends_the_run(place: Place) -> None:
    run_id = place.queue()
    with place.database.write() as session:
        row = LeaseRepository(session).acquire("one", utc_now(), dt.timedelta(seconds=-1))
        assert row is not None
        RunRepository(session).request_cancel(run_id, utc_now())
    run = place.ended(run_id)

    assert run["status"] == RunStatus.CANCELLED


def test_the_winner_is_trained_on_all_the_data_where_that_is_asked_for(place: Place) -> None:
    run_id = place.queue(refit=True)
    run = place.ended(run_id)

    plans = {plan for plan, _ in place.simulation.refits}
    assert [type(command) for _, command in place.simulation.refits].count(Export) == 1
    assert {plan.n_examples for plan in plans} == {120}
    assert (run["refit"]["model"], run["refit"]["strategy"]) == (
        run["ranking"][0]["model"]["name"],
        run["ranking"][0]["strategy"],
    )
    assert run["refit"]["status"] == "finished"
    assert run["refit"]["seconds"] == float(len(place.simulation.refits))
    assert "trained on 120 of 120 examples" in run["decision"]
    (file,) = run["refit"]["artifacts"]
    assert (place.settings.data_dir / ARTIFACTS / run_id / file["path"]).stat().st_size == file["bytes"]


def test_a_run_that_was_not_asked_to_refit_keeps_nothing(place: Place) -> None:
    run = place.ended(place.queue())

    assert run["refit"] is None
    assert not place.simulation.refits


def test_time_is_kept_for_the_refit(place: Place) -> None:
    place.simulation.features_seconds = place.simulation.slice_seconds = 1.0
    place.simulation.truth = dict.fromkeys(TRUTH, 0.8)  # nothing stands out, so all that can be is trained
    strategies, budget = (Strategy.HEAD, Strategy.FULL, Strategy.LORA, Strategy.BITFIT), 38.0
    without = place.ended(place.queue(strategies=strategies, seconds=budget))
    forget_results(place, without["dataset_id"])
    run = place.ended(place.queue(strategies=strategies, seconds=budget, refit=True))

    assert run["refit"]["status"] == "finished", (run["decision"], run["spent"])
    probed = run["spent"]["charged_seconds"] - run["refit"]["seconds"]
    assert probed < without["spent"]["charged_seconds"]
    assert run["spent"]["charged_seconds"] <= budget + 1.0


def test_a_refit_without_time_is_not_begun_and_says_so(place: Place) -> None:
    run = place.ended(place.queue(seconds=0.3, refit=True))

    assert run["status"] == "succeeded"
    assert run["refit"]["status"] == "stopped"
    assert run["refit"]["why"] in run["decision"]
    assert not place.simulation.refits


def test_a_refit_that_fails_leaves_the_ranking_and_says_why(place: Place) -> None:
    place.simulation.fails_to_refit = True
    run = place.ended(place.queue(refit=True))

    assert run["status"] == "succeeded"
    assert (run["refit"]["status"], run["refit"]["artifacts"]) == ("out_of_memory", [])
    assert "needs more than 8.0 GB" in run["decision"]


def test_a_refit_that_was_taken_over_is_gone_on_with(place: Place) -> None:
    undisturbed = place.ended(place.queue(refit=True))
    plans = [plan for plan, _ in place.simulation.refits]
    n_probed = place.simulation.n_begun - len(plans)
    forget_results(place, undisturbed["dataset_id"])
    place.simulation.n_begun, place.simulation.refits = 0, []

    run_id = place.queue(refit=True)
    place.killed_at(run_id, n_probed + 1)
    run = place.ended(run_id)

    assert [plan for plan, _ in place.simulation.refits] == plans
    assert run["decision"] == undisturbed["decision"]


def test_a_vocabulary_that_does_not_know_the_texts_is_a_caution(place: Place) -> None:
    known = {"fertility": 1.2, "unknown_share": 0.0, "truncated_share": 0.02, "whole_share": 0.9}
    place.simulation.vocabulary = {
        L3: {"fertility": 2.4, "unknown_share": 0.031, "truncated_share": 0.3, "whole_share": 0.6},
        L6: known,
        E5: known,
    }
    run = place.ended(place.queue())

    cautions = {row["model"]["name"]: " ".join(row["cautions"]) for row in run["ranking"]}
    for words in (
        "lacks 3.1%",
        "2.0 times as many tokens",
        "30% of your texts",
        "holds 60% of your commonest",
    ):
        assert words in cautions[L3]
        assert words not in cautions[L6]
    reasons = {row["model"]["name"]: " ".join(row["reasons"]) for row in run["ranking"]}
    assert "holds 90% of your commonest words whole, the most here" in reasons[L6]
    assert "words whole" not in reasons[L3]
    assert {t["vocabulary"]["fertility"] for t in trials_of(run, L6)} == {1.2}
