"""LexGLUE: English legal understanding, three sizes of encoders."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import pair, percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_TABLES = {
    "03_large_sized_older_man_models_1.csv": " (Large)",
    "04_medium_sized_man_models_2.csv": "",
    "05_small_sized_baby_models_3.csv": " (Small)",
}
_SIZED = {"RoBERTa", "Legal-BERT"}  # names that stand in more than one table


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings: micro and macro F1, and accuracy where there is one right answer (CaseHOLD)."""
    for name, size in _TABLES.items():
        for row in rows(folder / "readme_lexglue" / name):
            published = row.pop("Dataset")
            if published == "Model":  # the second header row
                continue
            model = published + size if published in _SIZED else published
            for task, cell in row.items():
                yield from _cell(model, task, cell)


def _cell(model: str, task: str, cell: str) -> Iterator[Reading | Refusal]:
    micro, macro = (None, None) if cell.strip() == "n/a" else pair(cell)
    values = {"f1_micro": micro, "f1_macro": macro}
    if task == "CaseHOLD":
        values = {"accuracy": percent(cell)}
    for metric, value in values.items():
        if value is None:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}, {metric}")
        elif model == "TFIDF+SVM":
            yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{model}, {task}: no pretrained model")
        else:
            yield Reading(
                model=model, suite="lexglue", benchmark=task, metric=metric, value=value, source="lexglue"
            )
