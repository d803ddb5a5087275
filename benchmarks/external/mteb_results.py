"""MTEB: the results repository, `<model>/<revision>/<task>.json`, or a long CSV of main scores."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.external.record import Record, UnreadableFileError, of_reading
from benchmarks.figures import Protocol
from benchmarks.importers import mteb
from benchmarks.importers.reading import Refusal, RefusalReason
from models_registry.vocabulary import TaskType

_KINDS: Mapping[str, tuple[TaskType, Protocol, str]] = {
    "classification": (TaskType.TEXT_CLASSIFICATION, Protocol.LINEAR_PROBE, "accuracy"),
    "multilabelclassification": (TaskType.MULTI_LABEL_CLASSIFICATION, Protocol.LINEAR_PROBE, "accuracy"),
    "pairclassification": (TaskType.TEXT_PAIR_CLASSIFICATION, Protocol.ZERO_SHOT, "average_precision"),
    "retrieval": (TaskType.TEXT_RETRIEVAL, Protocol.ZERO_SHOT, "ndcg_at_10"),
    "sts": (TaskType.SENTENCE_SIMILARITY, Protocol.ZERO_SHOT, "spearmanr"),
}
"""Task type, protocol and main metric by MTEB's own type of task."""
_BY_NAME = (
    (re.compile(r"(?:MultiLabel|Multilabel)Classification"), "multilabelclassification"),
    (re.compile(r"PairClassification"), "pairclassification"),
    (re.compile(r"Classification"), "classification"),
    (re.compile(r"Retrieval"), "retrieval"),
    (re.compile(r"STS|SICK"), "sts"),
)
_METADATA = frozenset({"model_meta.json"})
_SPLITS = {"validation": "dev"}
_ENGLISH = frozenset({"default", "en", "en-en", "eng", "eng-eng"})
"""Subsets that the reviewed benchmarks mean."""
_SHORT: Mapping[str, str] = {
    "ara": "ar", "ben": "bn", "bul": "bg", "cat": "ca", "ces": "cs", "cmn": "zh", "dan": "da", "deu": "de",
    "ell": "el", "eng": "en", "est": "et", "eus": "eu", "fas": "fa", "fin": "fi", "fra": "fr", "heb": "he",
    "hin": "hi", "hrv": "hr", "hun": "hu", "ind": "id", "isl": "is", "ita": "it", "jpn": "ja", "kor": "ko",
    "lav": "lv", "lit": "lt", "nld": "nl", "nob": "nb", "nno": "nn", "nor": "no", "pol": "pl", "por": "pt",
    "ron": "ro", "rus": "ru", "slk": "sk", "slv": "sl", "spa": "es", "srp": "sr", "swa": "sw", "swe": "sv",
    "tam": "ta", "tel": "te", "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi", "zho": "zh",
}  # fmt: skip
"""ISO 639-1 by ISO 639-3; the other languages keep their three letters."""


def task_of(kind: str) -> tuple[TaskType | None, Protocol]:
    """Task type and protocol of one of MTEB's types of task; None where there is none for it here."""
    found = _KINDS.get(kind.lower())
    return (None, Protocol.ZERO_SHOT) if found is None else found[:2]


def read_mteb(path: Path) -> Iterator[Record | Refusal]:
    """Records of main scores."""
    if path.is_file() and path.suffix == ".json":
        yield from _file(path)
    elif path.is_file():
        yield from map(of_reading, mteb.table(path))
    else:
        found = False
        for file in sorted(path.rglob("*.json")):
            if file.name not in _METADATA:
                found = True
                yield from _file(file)
        if not found:
            raise UnreadableFileError(path, "no <model>/<revision>/<task>.json is in this folder")


def _file(path: Path) -> Iterator[Record | Refusal]:
    model = path.parent.parent.name.replace("__", "/", 1)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        task = str(document.get("task_name") or document["mteb_dataset_name"])
        scores = document["scores"]
        rows = [(str(split), row) for split, rows in scores.items() for row in rows]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        yield Refusal(reason=RefusalReason.UNREADABLE, row=f"{path}: {error!r}")
        return
    for split, row in rows:
        yield _score(model, path.parent.name, task, split, row)


def _score(model: str, revision: str, task: str, split: str, row: Mapping[str, Any]) -> Record | Refusal:
    subset, score = str(row.get("hf_subset", "default")), row.get("main_score")
    where = f"{model}, {task}, {split}, {subset}"
    reason = mteb.refused(model, revision, task, split)
    if reason is None and not isinstance(score, int | float):
        reason = RefusalReason.NO_VALUE
    kind = next((kind for pattern, kind in _BY_NAME if pattern.search(task)), "")
    if reason is not None or not isinstance(score, int | float):
        return Refusal(reason=reason or RefusalReason.NO_VALUE, row=where)
    if kind not in _KINDS:
        return Refusal(reason=RefusalReason.NO_TASK_TYPE, row=where)
    task_type, protocol, metric = _KINDS[kind]
    return Record(
        model=model,
        is_hub_id=True,
        suite="mteb",
        benchmark=task if subset in _ENGLISH else f"{task}/{subset}",
        metric=metric,
        value=float(score),
        task=kind,
        task_type=task_type,
        protocol=protocol,
        split=_SPLITS.get(split, split)[:32],
        languages=tuple(sorted({_language(tag) for tag in row.get("languages", ())})),
        is_scaled=True,
    )


def _language(tag: str) -> str:
    code = str(tag).partition("-")[0]
    return _SHORT.get(code, code)
