"""Requests a second of `/recommend`, distinct and repeated, beside its two peers, in one run."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from app.demo import free_port
from tests.speed.load import LoadResult, drive

REQUESTS = int(os.environ.get("SPEED_REQUESTS", "3000"))
REPEATED = 200
"""Requests that are asked over and over."""
_AIMS = (
    ("distinct", "hello-world", 0.15),
    ("repeated", "hello-world", 0.5),
    ("distinct", "plain handler", 0.5),
)
P99_AIM = 3.0
_DESCRIPTIONS = (
    "Sentiment of {} English movie reviews, two classes",
    "情感分析：中文酒店评论，两类，{} 条",
    "Which intent does a customer of our bank have? {} messages, 77 intents",
    "named entities in German news, {} sentences",
    "classify {} product photos into 12 categories",
    "新闻标题分类，10个类别，{} 条",
    "extractive question answering over {} clinical notes",
    "classify {} environmental sounds",
)


def bodies(n: int) -> list[object]:
    """Distinct recommendation requests over several tasks, sizes and budgets."""
    sizes = itertools.count(500)
    return [
        {
            "task": {"description": _DESCRIPTIONS[i % len(_DESCRIPTIONS)].format(next(sizes))},
            "data": {"mean_length": 20 + i % 50},
            "budget": {"device": "cpu", "device_memory_gb": 8 + i % 9, "train_hours": 1 + i % 5},
        }
        for i in range(n)
    ]


@contextmanager
def serving(factory: str, folder: Path, **environment: str) -> Iterator[tuple[int, int]]:
    """A server of `tests.speed.peers`; its port and its process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"tests.speed.peers:{factory}", "--factory"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    env = {**os.environ, "ADVISOR_DATA_DIR": str(folder), **environment}
    process = subprocess.Popen([*command, *options], env=env)
    try:
        _wait(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int) -> None:
    for _ in range(3_000):
        try:
            httpx.get(f"http://127.0.0.1:{port}/openapi.json", timeout=5, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not start")


def measure() -> dict[str, LoadResult]:
    """All of them, one after the other, each under a server of its own but for the repeats."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        asked = bodies(REQUESTS)
        with serving("service", folder / "service") as (port, _):
            recommend = drive(port, "/recommend", asked)
            repeated = drive(port, "/recommend", asked[-REPEATED:] * (5 * REQUESTS // REPEATED))
        shape = {
            "SPEED_BODY_BYTES": str(int(recommend.body_bytes)),
            "SPEED_DATABASE_URL": f"sqlite:///{folder / 'plain.db'}",
        }
        with serving("plain", folder / "plain", **shape) as (port, _):
            plain = drive(port, "/recommend", asked)
        with serving("hello", folder / "hello") as (port, _):
            hello = drive(port, "/", [None] * 5 * REQUESTS)
    return {"distinct": recommend, "repeated": repeated, "plain handler": plain, "hello-world": hello}


def main() -> None:
    """Print the table."""
    results = measure()
    out = sys.stdout
    out.write("POST /recommend, one server process each, 8 connections\n")
    for name, result in results.items():
        out.write(
            f"  {name:14s} {result.requests_per_second:8.0f} requests/s   "
            f"p50 {result.percentile(0.5):6.2f} ms   p99 {result.percentile(0.99):6.2f} ms   "
            f"{result.body_bytes:7.0f} bytes   {result.errors} errors\n"
        )
    for name, peer, aim in _AIMS:
        ratio = results[name].requests_per_second / results[peer].requests_per_second
        out.write(f"  {name} to {peer}: {ratio:.2f} (aim {aim})\n")
    slowest = results["distinct"].percentile(0.99) / results["distinct"].percentile(0.5)
    out.write(f"  p99 to p50, distinct: {slowest:.1f} (aim below {P99_AIM:.0f})\n")


if __name__ == "__main__":
    main()
