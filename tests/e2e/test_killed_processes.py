"""Any process may be killed at any time: nothing finished is lost, nothing is left running."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import L3, L6, WORD_LLAMA, Service, reviews_csv, until

pytestmark = [pytest.mark.weights, pytest.mark.slow]
BUDGET_SECONDS = 40.0
ALLOWANCE_SECONDS = 5.0
NEVER: dict[str, float] = {"p_best": 1.0, "expected_regret": 0.0}
"""A stop rule that is not met, so that the run goes on to slices of training."""
WORKER_SERVER_TRIAL = 3
"""Processes of a service where a trial works."""

Point = tuple[str, str, int, float]


@dataclass(frozen=True)
class Story:
    """One run: its worker was killed, then the whole service, which was then started again."""

    before_worker: set[Point]
    before_service: set[Point]
    left_of_worker: list[psutil.Process]
    left_of_service: list[psutil.Process]
    datasets_before: Any
    datasets_after: Any
    run: dict[str, Any]
    events: list[int]


def points_of(run: dict[str, Any]) -> set[Point]:
    return {(t["model"], t["strategy"], p["step"], p["metric"]) for t in run["trials"] for p in t["points"]}


def more_points(service: Service, run_id: str, than: int) -> set[Point]:
    def look() -> set[Point] | None:
        run = service.run(run_id)
        assert run["status"] in {"queued", "running"}, run["decision"]
        found = points_of(run)
        return found if len(found) > than else None

    return until(look, "a point of the run")


def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still live after a while."""
    _, alive = psutil.wait_procs(processes, timeout=30)
    return [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def service(serve: Serve, models_dir: Path) -> Service:
    return serve(with_models=True)


@pytest.fixture(scope="module")
def story(service: Service) -> Story:
    dataset = service.upload(reviews_csv())
    datasets_before = service.ask("GET", "/datasets", 200)
    run_id = service.probe(dataset["id"], [WORD_LLAMA, L3, L6], BUDGET_SECONDS, stop=NEVER)
    before_worker = more_points(service, run_id, 0)
    worker = service.worker()
    of_worker = worker.children(recursive=True)
    worker.kill()
    left_of_worker = gone([worker, *of_worker])
    until(lambda: service.worker().pid != worker.pid, "another worker")
    before_service = more_points(service, run_id, len(before_worker))
    processes = service.descendants()
    service.end(signal.SIGKILL)
    left_of_service = gone(processes)
    service.start()
    datasets_after = service.ask("GET", "/datasets", 200)
    run = service.ended(run_id)
    text = service.client.get(f"/probe-runs/{run_id}/events").text
    events = [int(line[3:]) for line in text.splitlines() if line.startswith("id:")]
    return Story(
        before_worker,
        before_service,
        left_of_worker,
        left_of_service,
        datasets_before,
        datasets_after,
        run,
        events,
    )


def test_a_run_survives_the_death_of_its_worker_and_of_the_service(story: Story) -> None:
    assert story.run["status"] == "succeeded", story.run["decision"]


def test_no_finished_slice_is_lost(story: Story) -> None:
    assert story.before_worker <= story.before_service <= points_of(story.run)


def test_no_slice_counts_twice(story: Story) -> None:
    for trial in story.run["trials"]:
        steps = [point["step"] for point in trial["points"]]
        assert steps == sorted(set(steps))


def test_what_was_in_flight_is_charged_within_the_budget(story: Story) -> None:
    worked = sum(trial["seconds"] for trial in story.run["trials"])

    assert worked - 0.01 <= story.run["spent"]["charged_seconds"] <= BUDGET_SECONDS + ALLOWANCE_SECONDS


def test_event_numbers_have_no_gap_over_three_workers(story: Story) -> None:
    assert story.events == list(range(1, len(story.events) + 1))


def test_a_killed_worker_leaves_no_process(story: Story) -> None:
    assert story.left_of_worker == []


def test_a_killed_service_leaves_no_process(story: Story) -> None:
    assert story.left_of_service == []


def test_data_sets_outlive_the_service(story: Story) -> None:
    assert story.datasets_after == story.datasets_before


def test_an_ended_run_leaves_no_working_folder(story: Story, service: Service) -> None:
    def is_empty() -> bool:
        return not list((service.data_dir / "runs").iterdir())

    assert until(is_empty, "the end of the working folder", 10)


def test_a_running_run_is_cancelled_with_its_best_answer(service: Service, story: Story) -> None:
    assert story.run["status"] == "succeeded"
    dataset = service.upload(reviews_csv(opening="All told, "))
    run_id = service.probe(dataset["id"], [WORD_LLAMA, L3, L6], 300.0, stop=NEVER)
    done = more_points(service, run_id, 0)
    service.ask("POST", f"/probe-runs/{run_id}/cancel", 200)
    run = service.ended(run_id)

    assert run["status"] == "cancelled"
    assert done <= points_of(run)
    assert len(run["ranking"]) == 3
    assert "measured on your own data" in str(run["ranking"])


def test_a_data_set_that_a_run_uses_is_kept(service: Service, story: Story) -> None:
    dataset = service.upload(reviews_csv(opening="By and large, "))
    run_id = service.probe(dataset["id"], [WORD_LLAMA], 300.0)
    service.ask("DELETE", f"/datasets/{dataset['id']}", 409)
    service.ask("POST", f"/probe-runs/{run_id}/cancel", 200)
    service.ended(run_id)
    service.ask("DELETE", f"/datasets/{dataset['id']}", 204)


def test_a_terminated_service_leaves_no_process(service: Service, story: Story) -> None:
    dataset = service.upload(reviews_csv(opening="On the whole, "))
    service.probe(dataset["id"], [L6, L3], 300.0, stop=NEVER)
    until(lambda: len(service.descendants()) >= WORKER_SERVER_TRIAL, "a trial")
    processes = service.descendants()
    service.end(signal.SIGTERM)

    assert gone(processes) == []
