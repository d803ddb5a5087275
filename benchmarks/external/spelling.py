"""Metrics, tasks and numbers as people write them."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from math import isfinite

from benchmarks.importers.cells import rows
from benchmarks.metrics import Metric, UnknownMetricError, metric_named
from benchmarks.shipped_files import DATA
from models_registry.vocabulary import TaskType

MANY_NAMES = 65_536
"""Distinct names whose spelling is kept in memory."""
_ALIASES: Mapping[str, str] = {
    "top 1 accuracy": "accuracy",
    "top 1 acc": "accuracy",
    "overall accuracy": "accuracy",
    "classification accuracy": "accuracy",
    "test accuracy": "accuracy",
    "average accuracy": "accuracy",
    "avg accuracy": "accuracy",
    "accuracy score": "accuracy",
    "multi class accuracy": "accuracy",
    "top 5 accuracy": "top5_accuracy",
    "mean per class accuracy": "balanced_accuracy",
    "per class accuracy": "balanced_accuracy",
    "mean class accuracy": "balanced_accuracy",
    "f1": "f1",
    "f1 measure": "f1",
    "f measure": "f1",
    "average f1": "f1_macro",
    "avg f1": "f1_macro",
    "f1 macro": "f1_macro",
    "macro avg f1": "f1_macro",
    "f1 micro": "f1_micro",
    "entity f1": "entity_f1",
    "exact match": "exact_match",
    "matthews correlation coefficient": "matthews_correlation",
    "spearman correlation": "spearmanr",
    "spearmans rho": "spearmanr",
    "cos sim spearman": "spearmanr",
    "pearson correlation": "pearsonr",
    "average precision": "average_precision",
    "mean ap": "map",
    "mean iou": "mean_iou",
    "mean intersection over union": "mean_iou",
    "area under roc curve": "roc_auc",
    "auc roc": "roc_auc",
    "ndcg 10": "ndcg_at_10",
    "ndcg at 10": "ndcg_at_10",
    "recall at 1": "recall_at_1",
    "recall at 5": "recall_at_5",
    "recall at 10": "recall_at_10",
    "rouge l": "rougeL",
    "rougel": "rougeL",
    "bleu": "bleu",
    "bleu 4": "bleu",
    "word error rate": "wer",
    "test wer": "wer",
    "character error rate": "cer",
    "phoneme error rate": "cer",
    "test perplexity": "perplexity",
}
_NOISE = re.compile(r"\([^)]*\)|\[[^]]*\]|%|\bscore\b|'")
_SEPARATORS = re.compile(r"[\s_\-@:/]+")
_NUMBER = re.compile(r"^[^\d\-+.]*([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)")
_ERROR = re.compile(r"(?:±|\+/-|\+-)\s*(\d+(?:\.\d+)?)")
_SLUG = re.compile(r"[^a-z0-9.]+")


@lru_cache(maxsize=MANY_NAMES)
def metric_spelt(printed: str) -> Metric | None:
    """The declared metric that a source means; None where it is none of them."""
    plain = _SEPARATORS.sub(" ", _NOISE.sub(" ", printed.lower())).strip()
    for spelling in (printed, plain, _ALIASES.get(plain, "")):
        try:
            return metric_named(spelling)
        except UnknownMetricError:
            continue
    return None


@cache
def _tasks() -> Mapping[str, TaskType]:
    return {row["task"]: TaskType(row["task_type"]) for row in rows(DATA / "source_tasks.csv")}


@lru_cache(maxsize=MANY_NAMES)
def task_spelt(printed: str) -> TaskType | None:
    """The task type that a source's task is, by the reviewed table; None where it is none of them."""
    plain = _SEPARATORS.sub(" ", _NOISE.sub(" ", printed.lower())).strip()
    return _tasks().get(plain)


def number_of(printed: str | float) -> tuple[float, float | None] | None:
    """The number and its deviation, as printed; None where there is no finite number."""
    try:
        value = float(printed)
    except ValueError:
        return _number_in(str(printed))
    return (value, None) if isfinite(value) else None


def _number_in(printed: str) -> tuple[float, float | None] | None:
    found = _NUMBER.match(printed.strip())
    if found is None or not found[1].strip("+-"):
        return None
    deviation = _ERROR.search(printed)
    return float(found[1].replace(",", "")), float(deviation[1]) if deviation else None


@lru_cache(maxsize=MANY_NAMES)
def slug(printed: str) -> str:
    """Lower case with hyphens, as names of benchmarks are; empty where nothing is left."""
    return _SLUG.sub("-", printed.lower()).strip("-.")
