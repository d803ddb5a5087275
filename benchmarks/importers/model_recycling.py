"""Model recycling: base encoders with twenty runs each, and well-known models that start from them."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_BASES = {
    "roberta_base": "roberta-base",
    "bert_base_cased": "bert-base-cased",
    "bert_base_uncased": "bert-base-uncased",
    "t5_base": "t5-base",
    "google_t5_v1_1_base": "google/t5-v1_1-base",
    "microsoft_deberta_v3_base": "microsoft/deberta-v3-base",
}
_WELL_KNOWN = frozenset(
    {
        "google/flan-t5-base",
        "ibm/ColD-Fusion",
        "sileod/deberta-v3-base-tasksource-nli",
        "MoritzLaurer/DeBERTa-v3-base-mnli",
        "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli",
        "deepset/deberta-v3-base-squad2",
        "deepset/roberta-base-squad2",
        "deepset/bert-base-uncased-squad2",
        "csarron/bert-base-uncased-squad-v1",
        "princeton-nlp/unsup-simcse-bert-base-uncased",
        "OpenMatch/cocodr-base-msmarco",
        "cardiffnlp/twitter-roberta-base-sentiment",
        "cardiffnlp/twitter-roberta-base-2019-90m",
        "cardiffnlp/roberta-base-emotion",
        "sentence-transformers/nli-roberta-base-v2",
        "sentence-transformers/stsb-roberta-base-v2",
        "textattack/roberta-base-SST-2",
        "facebook/FairBERTa",
    }
)
_NOT_TASKS = frozenset({"model_name", "base", "avg", "mnli_lp"})


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings: means of the repeated runs with their standard error, then single runs."""
    for name, model in _BASES.items():
        yield from _repeated(folder / "model_recycling" / f"models_results_{name}_pretrain.csv", model)
    for row in rows(folder / "model_recycling" / "derived_oracle_matrix_clean.csv"):
        if row["model_name"] in _WELL_KNOWN:
            for task in row.keys() - _NOT_TASKS:
                yield _reading(row["model_name"], task, float(row[task]) / 100.0)


def _repeated(path: Path, model: str) -> Iterator[Reading | Refusal]:
    runs: defaultdict[str, list[float]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            task = row["dataset name"]
            cell = row["spearmanr" if task == "stsb" else "accuracy"]
            if cell:
                runs[task].append(float(cell))
    for task, values in runs.items():
        if len(values) < 2:
            yield Refusal(reason=RefusalReason.UNREADABLE, row=f"{model}, {task}: {len(values)} runs")
            continue
        yield _reading(model, task, fmean(values), stdev(values) / len(values) ** 0.5)


def _reading(model: str, task: str, value: float, std_error: float | None = None) -> Reading:
    return Reading(
        model=model,
        is_hub_id=True,
        suite="model-recycling",
        benchmark=task,
        metric="spearmanr" if task == "stsb" else "accuracy",
        value=value,
        std_error=std_error,
        source="model-recycling",
    )
