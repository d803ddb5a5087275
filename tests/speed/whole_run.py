"""A probe run of five minutes by the service: which share of the charged time the models compute."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
from rich.console import Console

from app.demo import CANDIDATES, fetch_reviews, served
from tests.speed.machine import DATA_DIR

SECONDS = 300
AIM = 0.9
NEVER_ENOUGH = {"p_best": 1.0, "expected_regret": 0.0}
FIELD = re.compile(r"(\w+)=(\S+)")


class Work(NamedTuple):
    """One piece of work of a run."""

    kind: str
    seconds: float
    pass_seconds: float


def probe(client: httpx.Client, reviews: Path) -> dict[str, Any]:
    """A run that spends its budget, when it has ended."""
    with reviews.open("rb") as file:
        form = {"task_type": "text-classification", "name": "Rotten Tomatoes"}
        stored = client.post("/datasets", files={"file": (reviews.name, file, "text/csv")}, data=form)
    body = {
        "dataset_id": stored.raise_for_status().json()["id"],
        "task": {"type": "text-classification", "metric": "accuracy"},
        "candidates": list(CANDIDATES),
        "strategies": ["head", "full"],
        "budget": {"seconds": SECONDS, "device": "cpu", "memory_gb": 8},
        "stop": NEVER_ENOUGH,
        "seed": 0,
    }
    run: dict[str, Any] = client.post("/probe-run", json=body).raise_for_status().json()
    while run["status"] in {"queued", "running"}:
        time.sleep(1.0)
        run = client.get(f"/probe-runs/{run['id']}").raise_for_status().json()
    return run


def actions(log: Path) -> Iterator[Work]:
    """What the service's log tells of every piece of work."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if " action.ended " in line:
            found = dict(FIELD.findall(line))
            yield Work(found["kind"], float(found["seconds"]), float(found["pass_seconds"]))


def main() -> None:
    """Fetch what is missing, run, print."""
    quiet = Console(stderr=True, quiet=True)
    reviews = fetch_reviews(DATA_DIR, Console(stderr=True))
    out = sys.stdout
    with TemporaryDirectory() as folder:
        data_dir = Path(folder)
        (data_dir / "demo").mkdir()
        with served(data_dir, quiet) as client:
            run = probe(client, reviews)
        rows = list(actions(data_dir / "demo" / "service.log"))
    charged = run["spent"]["charged_seconds"]
    out.write(f"A probe run of {SECONDS} s on 12,808 film reviews, {len(CANDIDATES)} candidates\n")
    for kind in ("features", "slice"):
        mine = [row for row in rows if row.kind == kind]
        seconds, passes = sum(row.seconds for row in mine), sum(row.pass_seconds for row in mine)
        out.write(f"  {kind:9s} {len(mine):2d} times {seconds:6.1f} s, of which passes {passes:6.1f} s\n")
    total, passes = sum(row.seconds for row in rows), sum(row.pass_seconds for row in rows)
    out.write(f"  baselines and the rest {charged - total:6.1f} s\n")
    out.write(f"  charged {charged:.1f} s, of which passes {passes / charged:.0%} (aim {AIM:.0%})\n")
    out.write(f"  {run['decision']}\n")


if __name__ == "__main__":
    main()
