"""MLflow: runs of a file store, of a SQLite store, or exported as CSV; read without MLflow itself."""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.external.record import Record, UnreadableFileError
from benchmarks.external.spelling import metric_spelt
from benchmarks.external.tables import stream
from benchmarks.figures import Protocol
from benchmarks.importers.reading import Refusal, RefusalReason

_MODEL = ("model_name_or_path", "model_name", "base_model", "pretrained_model", "checkpoint", "model",
          "_name_or_path")  # fmt: skip
_DATASET = ("dataset_name", "dataset", "data", "benchmark", "task_name")
_TASK = ("task_type", "task", "problem_type", "pipeline_tag")
_PROTOCOL = ("protocol", "strategy")
_TRAINING = re.compile(r"^(train|training)[_/. ]")
_MEASURED = re.compile(r"^(?P<split>eval|evaluation|val|valid|validation|dev|test)[_/. ]")
_SPLITS = {"test": "test"}
_SQLITE = b"SQLite format 3\0"
_NAMED = (
    "SELECT key, value FROM tags WHERE run_uuid = ? "
    "UNION ALL SELECT key, value FROM params WHERE run_uuid = ?"
)
_METRICS = "SELECT key, value FROM latest_metrics WHERE run_uuid = ? ORDER BY key"
_FINISHED = frozenset({"FINISHED", "3"})


@dataclass(slots=True)
class _Run:
    """One run: what it was given and what it measured."""

    id: str
    named: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    def first(self, keys: Iterable[str]) -> str:
        """The value of the first of these parameters or tags that the run has."""
        return next((self.named[key] for key in keys if self.named.get(key)), "")


def read_mlflow(path: Path) -> Iterator[Record | Refusal]:
    """Records of the last value of every evaluation metric of every finished run.

    A run names its model and data set by parameters or tags (`model_name_or_path`, `dataset`, `task` ...).
    """
    for run in _runs(path):
        model, dataset = run.first(_MODEL), run.first(_DATASET)
        if not model or not dataset:
            missing = "model" if not model else "data set"
            yield Refusal(
                reason=RefusalReason.NO_MODEL, row=f"run {run.id}: no parameter or tag names the {missing}"
            )
            continue
        for key, value in run.metrics.items():
            yield _record(run, model, dataset, key, value)


def _record(run: _Run, model: str, dataset: str, key: str, value: float) -> Record | Refusal:
    if _TRAINING.match(key):
        return Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"run {run.id}, {key}: measured in training")
    found = _MEASURED.match(key)
    try:
        protocol = Protocol(run.first(_PROTOCOL).lower() or Protocol.FINE_TUNED)
    except ValueError:
        protocol = Protocol.FINE_TUNED  # a strategy of the trainer's own
    metric = key[found.end() :] if found else key
    return Record(
        model=model,
        is_hub_id="/" in model and not model.startswith((".", "/")),
        benchmark=dataset,
        metric=metric if metric_spelt(metric) else key,
        value=value,
        task=run.first(_TASK),
        protocol=protocol,
        split=_SPLITS.get(found["split"], "dev") if found else "test",
        source=f"mlflow:{run.id}",
    )


def _runs(path: Path) -> Iterator[_Run]:
    if path.is_dir():
        yield from _file_store(path)
        return
    with path.open("rb") as lines:
        is_sqlite = lines.read(len(_SQLITE)) == _SQLITE
    yield from _sqlite_store(path) if is_sqlite else _exported(path)


def _file_store(path: Path) -> Iterator[_Run]:
    """`<store>/<experiment>/<run>/{metrics,params,tags}/<key>`, a value a file."""
    found = sorted(meta.parent for meta in path.rglob("meta.yaml") if (meta.parent / "metrics").is_dir())
    if not found:
        raise UnreadableFileError(path, "no run (meta.yaml beside a folder metrics) is in this folder")
    for folder in found:
        status = re.search(
            r"^status:\s*'?(\w+)", (folder / "meta.yaml").read_text(encoding="utf-8"), re.MULTILINE
        )
        if status is not None and status[1] not in _FINISHED:
            continue
        run = _Run(folder.name)
        for kind in ("tags", "params"):
            run.named |= {key: text.strip() for key, text in _files(folder / kind)}
        for key, text in _files(folder / "metrics"):
            cells = text.strip().rpartition("\n")[2].split()  # timestamp, value, step
            if len(cells) >= 2:
                run.metrics[key] = float(cells[1])
        yield run


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    if folder.is_dir():
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            yield file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8", errors="replace")


def _sqlite_store(path: Path) -> Iterator[_Run]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
            runs = store.execute("SELECT run_uuid FROM runs WHERE status = 'FINISHED' ORDER BY run_uuid")
            for (run_id,) in runs.fetchall():
                named = dict(store.execute(_NAMED, (run_id, run_id)).fetchall())
                metrics = store.execute(_METRICS, (run_id,)).fetchall()
                yield _Run(run_id, named, {key: float(value) for key, value in metrics})
    except sqlite3.DatabaseError as error:
        raise UnreadableFileError(path, f"no tracking store: {error}") from None


def _exported(path: Path) -> Iterator[_Run]:
    """Columns `params.<key>`, `tags.<key>` and `metrics.<key>`, a run a row."""
    for row in stream(path, ("run_id",)):
        if isinstance(row, Refusal):
            continue
        if row.get("status", "FINISHED") not in _FINISHED:
            continue
        run = _Run(row["run_id"])
        for column, cell in row.items():
            kind, _, key = column.partition(".")
            if kind in {"params", "tags"} and cell:
                run.named[key] = cell
            elif kind == "metrics" and cell:
                run.metrics[key] = float(cell)
        yield run
