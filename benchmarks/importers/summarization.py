"""Summarization: PEGASUS on twelve sets, BART, T5 and MiniLM on two."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_METRICS = ("rouge1", "rouge2", "rougeL")
_MINILM_TABLES = {
    "57_minilm__abstractive_summarization_xsum.csv": "xsum",
    "58_minilm__abstractive_summarization_cnn_daily_mail.csv": "cnn_dailymail",
}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; cells with an asterisk changed their tokenisation and compare with nothing else."""
    for row in rows(folder / "readme_pegasus" / "01_results_update.csv"):
        task = row.pop("dataset")
        for model, cell in row.items():
            yield from _scores(model, task, cell.split("/"), "pegasus")
    for row in rows(folder / "readme_fairseq" / "06_examples_bart__results.csv"):
        if row["Model"] == "bart.large":
            yield from _scores(
                row["Model"], "cnn_dailymail", [row["R1"], row["R2"], row["RL"]], "fairseq-bart"
            )
    for name, task in _MINILM_TABLES.items():
        for row in rows(folder / "readme_unilm" / name):
            cells = [row["ROUGE-1"], row["ROUGE-2"], row["ROUGE-L"]]
            yield from _scores(row["Model"], task, cells, "minilm")


def _scores(model: str, task: str, cells: list[str], source: str) -> Iterator[Reading | Refusal]:
    if any("*" in cell for cell in cells):
        yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{source}: {model}, {task}")
        return
    for metric, cell in zip(_METRICS, cells, strict=True):
        value = percent(cell)
        if value is None:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{source}: {model}, {task}, {metric}")
            continue
        yield Reading(
            model=model, suite="summarization", benchmark=task, metric=metric, value=value, source=source
        )
