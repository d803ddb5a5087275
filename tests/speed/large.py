"""What a request costs as the catalogue grows: the service itself on 1,000 to 50,000 models, made up.

Databases are made once and kept under `.cache/speed`; to make and fit one of 50,000 models and 1.8 million
figures takes some ten minutes. Requests come at a steady rate whether or not the last was answered, so that a
slow one delays those behind it, as it would.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from sqlalchemy.engine import make_url

from app.db import Database
from app.fits import figures_state, fit_folder
from app.ranking.fitted import load_hyperparameters
from app.ranking.store import load_fit
from tests.speed.made_up import make_database
from tests.speed.recommend import bodies, serving

SIZES = (1_000, 5_000, 10_000, 50_000)
FOLDER = Path(".cache/speed")
RATE = 10.0
"""Requests a second."""
SECONDS = 60.0
WARM_UP = 40
"""Requests before the first that counts."""
AIM_MS = 50.0
AIM_BYTES = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was measured at one size.

    Attributes:
        n: Models made up.
        p50_ms: Of a request.
        p99_ms: Of a request.
        resident_bytes: Of the API process, at the end.
        load_seconds: Of the fit.
    """

    n: int
    p50_ms: float
    p99_ms: float
    resident_bytes: float
    load_seconds: float


def prepared(n: int) -> tuple[Path, str]:
    """The data folder with this many models, and a line on what it took to make."""
    folder = FOLDER / str(n)
    url = f"sqlite:///{(folder / 'advisor.db').absolute()}"
    if not (folder / "made").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_database(url, n)
        (folder / "made").touch()
    began = time.perf_counter()
    command = [sys.executable, "-m", "app.fits", str(folder / "fits")]
    subprocess.run(command, input=str(make_url(url)), text=True, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return folder, f"fit {time.perf_counter() - began:.0f} s, {peak / 1e9:.1f} GB at most"


def measure(n: int) -> tuple[Point, str]:
    """Everything at one size."""
    folder, made = prepared(n)
    load_seconds = _load_seconds(folder)
    with serving("service", folder) as (port, pid):
        took = asyncio.run(_ask(port))
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return (
        Point(
            n=n,
            p50_ms=float(np.percentile(took, 50)),
            p99_ms=float(np.percentile(took, 99)),
            resident_bytes=float(pages) * 4096,
            load_seconds=load_seconds,
        ),
        made,
    )


async def _ask(port: int) -> list[float]:
    """Milliseconds of every request after the warm-up."""
    asked = bodies(WARM_UP + int(RATE * SECONDS))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:

        async def one(body: object) -> float:
            content = json.dumps(body).encode()
            began = time.perf_counter()
            answer = await client.post(
                "/recommend", content=content, headers={"content-type": "application/json"}
            )
            answer.raise_for_status()
            return 1e3 * (time.perf_counter() - began)

        for body in asked[:WARM_UP]:
            await one(body)
        tasks = []
        for body in asked[WARM_UP:]:
            tasks.append(asyncio.create_task(one(body)))
            await asyncio.sleep(1.0 / RATE)
        return list(await asyncio.gather(*tasks))


def _load_seconds(folder: Path) -> float:
    """Of the fit, the best of three: the first reads it from disk."""
    database = Database(f"sqlite:///{(folder / 'advisor.db').absolute()}")
    with database.read() as session:
        fit = fit_folder(folder / "fits", figures_state(session), load_hyperparameters())
    database.close()
    took = []
    for _ in range(3):
        began = time.perf_counter()
        load_fit(fit)
        took.append(time.perf_counter() - began)
    return min(took)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    sizes = parser.parse_args(arguments).sizes
    out = sys.stdout
    out.write(
        f"POST /recommend by models, {RATE:.0f} distinct requests a second for {SECONDS:.0f} s "
        f"(aims at 50,000: p99 {AIM_MS:.0f} ms, {AIM_BYTES / 1e9:.0f} GB)\n"
    )
    for n in sizes:
        point, made = measure(n)
        out.write(
            f"  {n:6d} models   p50 {point.p50_ms:6.1f} ms   p99 {point.p99_ms:6.1f} ms   "
            f"resident {point.resident_bytes / 1e6:5.0f} MB   "
            f"fit loaded in {point.load_seconds:.2f} s   {made}\n"
        )
        out.flush()


if __name__ == "__main__":
    main()
