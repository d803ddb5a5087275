"""A real `advisor serve` of its own for a test: started, asked over HTTP, killed, started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

ROOT = Path(__file__).parents[2]
MODELS_DIR = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", ROOT / ".cache" / "models"))
LIMIT_SECONDS = 120.0
L3 = "package-index:sentence-transformers/paraphrase-MiniLM-L3-v2"
L6 = "package-index:sentence-transformers/all-MiniLM-L6-v2"
E5 = "package-index:intfloat/multilingual-e5-small"
WORD_LLAMA = "package-index:dleemiller/word-llama-l2-supercat"
_GOOD = ("a warm and funny film", "one of the best of the year", "wonderful acting", "a joy to watch")
_BAD = ("dull from start to end", "a waste of two hours", "wooden acting", "I walked out of it")
_WHAT = ("the plot", "the cast", "the music", "the photography", "the ending", "the script", "the sequel")
T = TypeVar("T")


def reviews(n_each: int = 60, *, opening: str = "") -> list[dict[str, str]]:
    """Labelled examples, none twice."""
    return [
        {"text": f"{opening}{_WHAT[i % 7]}, part {i // 4}: {texts[i % 4]}", "label": label}
        for i in range(n_each)
        for label, texts in (("good", _GOOD), ("bad", _BAD))
    ]


def reviews_csv(n_each: int = 60, *, opening: str = "") -> bytes:
    """The same as a file."""
    rows = [f'"{row["text"]}",{row["label"]}' for row in reviews(n_each, opening=opening)]
    return "\n".join(["text,label", *rows]).encode()


def link_models(data_dir: Path) -> None:
    """The fetched weights lie where the service keeps its own; nothing is written to the cache."""
    for source in sorted((MODELS_DIR / "package-index").iterdir()):
        for revision in source.iterdir() if source.is_dir() else ():
            target = data_dir / "models" / "package-index" / source.name / revision.name
            target.mkdir(parents=True)
            for file in revision.iterdir():
                (target / file.name).symlink_to(file)


def until(found: Callable[[], T | None], what: str, seconds: float = LIMIT_SECONDS) -> T:
    """What is found, waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value is not None and value is not False:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")


class Service:
    """A server process with its worker, on a data folder of its own."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "2",
            "ADVISOR_LEASE_SECONDS": "2",
            "ADVISOR_POLL_SECONDS": "0.1",
            "TMPDIR": str(data_dir / "tmp"),
            "HF_ENDPOINT": "http://127.0.0.1:9",  # nothing listens there
            **environment,
        }
        (data_dir / "tmp").mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: dict[int, psutil.Process] = {}
        self.client = httpx.Client(timeout=60, trust_env=False)

    @property
    def log(self) -> str:
        """What the processes have said."""
        return (self.data_dir / "service.log").read_text(errors="replace")

    def start(self) -> None:
        """Up and ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.client.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        command = [
            sys.executable,
            "-m",
            "app.cli",
            "serve",
            "--port",
            str(port),
            "--data",
            str(self.data_dir),
        ]
        with (self.data_dir / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self._is_ready, f"the service, which says:\n{self.log}")

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return self.client.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def descendants(self) -> list[psutil.Process]:
        """All processes that the server has started and that live; they are remembered."""
        if self._process is not None:
            try:
                found = psutil.Process(self._process.pid).children(recursive=True)
            except psutil.NoSuchProcess:
                found = []
            self._seen |= {process.pid: process for process in found}
        return [p for p in self._seen.values() if _lives(p)]

    def worker(self) -> psutil.Process:
        """Its worker process."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return until(
            lambda: next((p for p in parent.children() if "worker" in p.cmdline()), None), "the worker"
        )

    def end(self, number: signal.Signals) -> int:
        """The server has ended by this signal; its exit code."""
        self.descendants()
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def close(self) -> None:
        """Nothing of it is left."""
        left = self.descendants()
        if self._process is not None and self._process.poll() is None:
            left += self.descendants()
            self.end(signal.SIGTERM)
        for process in left:
            if _lives(process):
                process.kill()
        self.client.close()

    def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        """The body of the answer, whose status must be this."""
        response = self.client.request(method, path, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def upload(self, content: bytes, status: int = 201, **form: str) -> dict[str, Any]:
        """The data set's document, or the problem."""
        found: dict[str, Any] = self.ask(
            "POST",
            "/datasets",
            status,
            files={"file": ("reviews.csv", content, "text/csv")},
            data={"task_type": "text-classification", **form},
        )
        return found

    def probe(self, dataset_id: str, candidates: list[str], seconds: float, **changes: object) -> str:
        """The id of a queued run."""
        body: dict[str, object] = {
            "dataset_id": dataset_id,
            "candidates": candidates,
            "budget": {"seconds": seconds, "memory_gb": 8},
            "task": {"metric": "accuracy"},
        }
        run_id: str = self.ask("POST", "/probe-run", 202, json={**body, **changes})["id"]
        return run_id

    def run(self, run_id: str) -> dict[str, Any]:
        """The run as it stands."""
        found: dict[str, Any] = self.ask("GET", f"/probe-runs/{run_id}", 200)
        return found

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run when it has ended."""

        def look() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["status"] not in {"queued", "running"} else None

        return until(look, f"the end of {run_id}")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
