"""BLUE: biomedical and clinical encoders on ten tasks, fine-tuned."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_METRICS = {
    "MedSTS": "pearsonr",
    "BIOSSES": "pearsonr",
    "BC5CDR disease": "entity_f1",
    "BC5CDR chemical": "entity_f1",
    "ShARe CLEFE": "entity_f1",
    "DDI": "f1_micro",
    "ChemProt": "f1_micro",
    "i2b2": "f1_micro",
    "HoC": "f1",
    "MedNLI": "accuracy",
}
_SUSPECT = "BERT-BASE"
"""Thirty points under every other encoder on chemical names, where BERT-base is known to do well."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the table of repeated runs first, so that single runs never shadow a mean."""
    base = folder / "readme_blue_biomedical"
    averaged = [row[""] for row in rows(base / "03_results.csv")]
    for name in ("03_results.csv", "02_results.csv"):
        for row in rows(base / name):
            model = row[""]
            for task, metric in _METRICS.items():
                value = percent(row[task])
                if model == _SUSPECT or value is None:
                    yield Refusal(reason=RefusalReason.SUSPECT, row=f"{model}, {task}, {row[task]}")
                elif name.startswith("02") and model in averaged:
                    yield Refusal(reason=RefusalReason.REPEATED, row=f"{model}, {task}, single run")
                else:
                    yield Reading(
                        model=model,
                        suite="blue",
                        benchmark=task,
                        metric=metric,
                        value=value,
                        source="blue-biomedical",
                    )
