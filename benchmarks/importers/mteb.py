"""MTEB: frozen sentence embeddings, with a logistic regression on top where the task has labels."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_SIMILARITY = frozenset(
    {"BIOSSES", "SICK-R", "STS12", "STS13", "STS14", "STS15", "STS16", "STS17", "STSBenchmark"}
)
_RETRIEVAL = frozenset(
    {"ArguAna", "FiQA2018", "MedicalQARetrieval", "NFCorpus", "QuoraRetrieval", "SCIDOCS", "SciFact"}
    | {"TRECCOVID"}
)
_PAIRS = frozenset({"SprintDuplicateQuestions", "TwitterSemEval2015", "TwitterURLCorpus"})
_CLOSED = (
    "Bytedance/",
    "ByteDance-Seed/",
    "Cohere/",
    "amazon/Titan",
    "google/gemini",
    "google/text-",
    "mteb/baseline",
    "openai/",
    "voyageai/",
)
_UNSCORED_TEST = frozenset({"IFlyTek", "TNews"})
"""Their test labels are withheld: the source holds zeros."""
_SPLITS = {"test": "test", "validation": "dev", "train": "train"}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the main score; clustering, reranking and summary evaluation have no task type here."""
    yield from table(folder / "mteb" / "mteb_subset_long.csv")


def table(path: Path) -> Iterator[Reading | Refusal]:
    """Readings of a long table: model, revision, task, split, subset and main score."""
    for row in rows(path):
        reason = refused(row["model"], row["revision"], row["task"], row["split"])
        if reason is None and not row["main_score"]:
            reason = RefusalReason.NO_VALUE
        if reason is not None:
            yield Refusal(reason=reason, row=f"{row['model']}, {row['task']}, {row['split']}")
        else:
            yield _reading(row)


def refused(model: str, revision: str, task: str, split: str) -> RefusalReason | None:
    """Why a score of this model on this split cannot be used; None where it can."""
    if model.startswith(_CLOSED):
        return RefusalReason.CLOSED_WEIGHTS
    if not re.fullmatch(r"[0-9a-f]{40}|external", revision):
        return RefusalReason.UNPINNED
    return RefusalReason.SUSPECT if task in _UNSCORED_TEST and split == "test" else None


def _reading(row: Mapping[str, str]) -> Reading:
    task = row["task"]
    metric, protocol = _measured(task)
    return Reading(
        model=row["model"],
        is_hub_id=True,
        suite="mteb",
        benchmark=f"{task}/{row['subset']}" if task == "AfriSentiClassification" else task,
        metric=metric,
        value=float(row["main_score"]),
        protocol=protocol,
        split=_SPLITS[row["split"]],
        source="mteb",
    )


def _measured(task: str) -> tuple[str, Protocol]:
    if task in _SIMILARITY:
        return "spearmanr", Protocol.ZERO_SHOT
    if task in _RETRIEVAL:
        return "ndcg_at_10", Protocol.ZERO_SHOT
    if task in _PAIRS:
        return "average_precision", Protocol.ZERO_SHOT
    return "accuracy", Protocol.LINEAR_PROBE
