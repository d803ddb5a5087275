"""HFL's comparison of Chinese encoders: the mean over repeated runs, which stands in brackets."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import bracketed, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_ANSWERS = {
    "02_readme_en__cmrc_2018": "cmrc-2018",
    "03_readme_en__drcd": "drcd",
    "04_readme_en__cjrc": "cjrc",
}
_LABELS = {
    "05_readme_en__xnli": "xnli",
    "06_readme_en__chnsenticorp": "chnsenticorp",
    "07_readme_en__lcqmc": "lcqmc",
    "08_readme_en__bq_corpus": "bq-corpus",
    "09_readme_en__thucnews": "thucnews",
}
_SPLITS = {"Development": "dev", "Test": "test", "Challenge": "challenge"}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; the small models' table prints the best run only and is left out."""
    base = folder / "readme_chinese_bert_wwm"
    for name, task in (_ANSWERS | _LABELS).items():
        for row in rows(base / f"{name}.csv"):
            for column, split in _SPLITS.items():
                if column in row:
                    yield from _cell(row["Model"], task, split, row[column])


def _cell(model: str, task: str, split: str, cell: str) -> Iterator[Reading | Refusal]:
    metrics = ("exact_match", "token_f1") if task in _ANSWERS.values() else ("accuracy",)
    halves = cell.split("/") if len(metrics) == 2 else [cell]
    benchmark, split = (f"{task}-challenge", "test") if split == "challenge" else (task, split)
    for metric, half in zip(metrics, halves, strict=True):
        mean = bracketed(half)
        if mean is None:
            yield Refusal(reason=RefusalReason.UNREADABLE, row=f"{model}, {task}, {cell}")
            continue
        yield Reading(
            model=model,
            suite="hfl",
            benchmark=benchmark,
            metric=metric,
            value=mean,
            split=split,
            source="chinese-bert-wwm",
        )
