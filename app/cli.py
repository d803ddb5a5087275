"""`advisor`: serve, work, recommend, import, demonstrate."""

import asyncio
import ipaddress
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from app.evaluation.command import backtest_command
from app.evaluation.replay.command import replay_command
from app.fit_command import fit_command
from app.importing import import_command
from app.settings import Settings, get_settings

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)
WIDTH = 128
"""Columns of output where no terminal says how wide it is."""
console = Console(width=None if sys.stdout.isatty() else WIDTH)
errors = Console(stderr=True)
FAILED, UNUSABLE = 1, 2
RESTART_SECONDS = (0.5, 30.0)
"""First and longest pause before a worker that ended is started again."""


def _settings(data: Path | None) -> Settings:
    """The settings of this process and, through the environment, of the processes that it starts."""
    if data is not None:
        os.environ["ADVISOR_DATA_DIR"] = str(data.absolute())
        get_settings.cache_clear()
    return get_settings()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes a free one.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    worker: Annotated[bool, typer.Option(help="Start a worker process too.")] = True,
) -> None:
    """Serve the API, with one supervised worker process unless --no-worker."""
    import uvicorn

    settings = _settings(data)
    bind = host or settings.host
    if not _is_loopback(bind) and not settings.allow_unauthenticated:
        errors.print(
            f"Refused to bind {bind}: requests are not authenticated, so only loopback addresses are served. "
            "Set ADVISOR_ALLOW_UNAUTHENTICATED=true where something in front of the service authenticates."
        )
        raise typer.Exit(UNUSABLE)
    supervisor = WorkerSupervisor() if worker else None
    if supervisor is not None:
        supervisor.start()
    # uvicorn ends by raising the signal again, which would end the process before the worker is stopped.
    signal.signal(signal.SIGTERM, _leave)
    try:
        uvicorn.run(
            "app.main:create_app",
            factory=True,
            host=bind,
            port=settings.port if port is None else port,
            log_level=settings.log_level.lower(),
            access_log=False,
            timeout_graceful_shutdown=5,
        )
    finally:
        if supervisor is not None:
            supervisor.stop()


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


class WorkerSupervisor:
    """Keeps one worker process alive: starts it again, with growing pauses, whenever it ends."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="worker-supervisor", daemon=True)

    def start(self) -> None:
        """Start the worker and watch it."""
        self._thread.start()

    def _watch(self) -> None:
        pause = RESTART_SECONDS[0]
        while not self._stopping.is_set():
            began = time.monotonic()
            self._process = subprocess.Popen([sys.executable, "-m", "app.cli", "worker", "--supervised"])
            self._process.wait()
            lasted = time.monotonic() - began
            pause = RESTART_SECONDS[0] if lasted > RESTART_SECONDS[1] else min(2 * pause, RESTART_SECONDS[1])
            self._stopping.wait(pause)

    def stop(self) -> None:
        """End the worker and wait for it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(timeout=5)


@app.command()
def worker(
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    once: Annotated[bool, typer.Option(help="End when no run is waiting.")] = False,
    supervised: Annotated[bool, typer.Option(hidden=True, help="End with its parent.")] = False,
) -> None:
    """Work on probe runs until told to stop."""
    from app.probes.worker import end_with_parent, work

    if supervised:
        end_with_parent()
    work(_settings(data), until_idle=once)


@app.command()
def recommend(
    description: Annotated[str, typer.Argument(help="The task in your own words, English or Chinese.")],
    n_examples: Annotated[int | None, typer.Option(min=1, help="Labelled examples.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or a card's name.")] = "cpu",
    memory_gb: Annotated[float | None, typer.Option(help="Memory of one device.")] = None,
    train_hours: Annotated[float | None, typer.Option(help="Longest fine-tune.")] = None,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Rows.")] = 10,
    language: Annotated[str, typer.Option(help="Language of the answer: en or zh.")] = "en",
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    without_figure: Annotated[
        list[int] | None, typer.Option(help="Leave this figure out and show the change; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's own document.")] = False,
) -> None:
    """Recommend models for a task, without a server."""
    from app.demo import print_answer
    from app.ranking.evidence import UnknownFigureError
    from app.without_command import print_change

    body = {
        "task": {"description": description},
        "data": {"n_examples": n_examples},
        "budget": {"device": device, "device_memory_gb": memory_gb, "train_hours": train_hours},
        "top_k": top_k,
    }
    left_out = without_figure or []
    try:
        responses = asyncio.run(_ask(_settings(data), body, language, left_out))
    except UnknownFigureError as error:
        errors.print(str(error))
        raise typer.Exit(UNUSABLE) from None
    document = responses[-1].json()
    if responses[-1].is_error:
        errors.print_json(json.dumps(document))
        raise typer.Exit(UNUSABLE)
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    elif left_out:
        print_change(responses[0].json(), document, left_out, console)
    else:
        print_answer(document, console)


async def _ask(
    settings: Settings, body: dict[str, object], language: str, left_out: list[int]
) -> list[httpx.Response]:
    """The API's own answer, asked without a socket; a second one without these figures, if any."""
    from app.main import create_app
    from app.without_command import without_figures

    api = create_app(settings)
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://advisor") as client,
    ):
        headers = {"Accept-Language": language}
        answers = [await client.post("/recommend", json=body, headers=headers)]
        if left_out and answers[0].is_success:
            api.state.services = without_figures(api.state.services, left_out)
            answers.append(await client.post("/recommend", json=body, headers=headers))
        return answers


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Data folder.")] = Path(".cache/demo"),
    budget: Annotated[int, typer.Option(min=10, help="Seconds of the probe.")] = 120,
) -> None:
    """Run the main job once on real models and real data."""
    from app.demo import DemoError, run_demo

    data.mkdir(parents=True, exist_ok=True)
    try:
        run_demo(data, console, budget_seconds=budget)
    except DemoError as error:
        errors.print(f"The demonstration stopped: {error}")
        raise typer.Exit(FAILED) from None


app.command("import")(import_command)
app.command("fit")(fit_command)
app.command("backtest")(backtest_command)
app.command("replay")(replay_command)


def main() -> None:
    """Entry point of `advisor`."""
    app()


if __name__ == "__main__":
    main()
