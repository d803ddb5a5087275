"""CSV files of model, benchmark, metric and value; and the ModelLens corpus, which adds tasks."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from benchmarks.external.record import Record
from benchmarks.external.spelling import MANY_NAMES
from benchmarks.external.tables import stream
from benchmarks.figures import Protocol
from benchmarks.importers.reading import Refusal, RefusalReason

_REQUIRED = ("model", "benchmark", "metric", "value")
_CORPUS = ("task", "dataset", "model", "metric", "value")
_UNTRAINED = ("zero-shot", "zero shot", "few-shot", "few shot")


def read_csv(path: Path) -> Iterator[Record | Refusal]:
    """Records of a file whose columns are named as a figure's fields.

    Beside the required columns it may have task, protocol, split, n_test, std_error and source.
    """
    for row in stream(path, _REQUIRED):
        yield row if isinstance(row, Refusal) else _plain(row)


def _plain(row: Mapping[str, str]) -> Record | Refusal:
    try:
        return Record(
            model=_bare(row["model"]),
            is_hub_id="/" in row["model"],
            benchmark=row["benchmark"],
            metric=row["metric"],
            value=row["value"],
            task=row.get("task", ""),
            protocol=Protocol(row.get("protocol") or Protocol.FINE_TUNED),
            split=row.get("split") or "test",
            n_test=int(row["n_test"]) if row.get("n_test") else None,
            std_error=float(row["std_error"]) if row.get("std_error") else None,
            source=row.get("source", ""),
        )
    except ValueError as error:
        return Refusal(reason=RefusalReason.UNREADABLE, row=f"{row['model']}, {row['benchmark']}: {error}")


def _bare(model: str) -> str:
    """The id on the Hub without its prefix, as a canonical name may have been given."""
    return model.removeprefix("huggingface:")


def read_modellens(path: Path) -> Iterator[Record | Refusal]:
    """Records of the corpus: task, dataset, model, metric, value, and a description that is not kept."""
    for row in stream(path, _CORPUS):
        if isinstance(row, Refusal):
            yield row
            continue
        model = row["model"]
        yield Record(
            model=model,
            is_hub_id="/" in model,
            benchmark=row["dataset"],
            metric=row["metric"],
            value=row["value"],
            task=row["task"],
            protocol=protocol_of(row["task"]),
        )


@lru_cache(maxsize=MANY_NAMES)
def protocol_of(task: str) -> Protocol:
    """Nothing is trained in tasks that say so; the others are taken as fine-tuned."""
    lower = task.lower()
    return Protocol.ZERO_SHOT if any(word in lower for word in _UNTRAINED) else Protocol.FINE_TUNED
