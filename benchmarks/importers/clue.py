"""CLUE: Chinese language understanding, the board's own tables and PaddleNLP's grid search."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.importers.cells import pair, percent, raw_rows, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_ACCURACY_TABLES = {
    "03_afqmc_ant_semantic_similarity_accuracy.csv": "AFQMC",
    "04_tnews_toutiao_news_classification_accura.csv": "TNEWS",
    "05_iflytek_long_text_classification_accurac.csv": "IFLYTEK",
    "06_cmnli_chinese_multi_genre_nli_accuracy.csv": "CMNLI",
    "08_csl_keyword_recognition_accuracy.csv": "CSL",
    "11_chid_chinese_idiom_dataset_for_cloze_tes.csv": "CHID",
    "12_c3_multiple_choice_chinese_machine_readi.csv": "C3",
}
_READING_TABLES = {
    "09_drcd_reading_comprehension_for_tradition.csv": "DRCD",
    "10_cmrc2018_reading_comprehension_for_simpl.csv": "CMRC2018",
}
_F1_AND_EM = re.compile(r"F1:(\d+(?:\.\d+)?) EM:(\d+(?:\.\d+)?)")
_SWAPPED = {"BERT-wwm-ext-base", "RoBERTa-wwm-ext"}
"""Their CSL test figures stand the other way round in the board's summary table."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; CLUEWSC is read from PaddleNLP's table only, since the board's is of its first version."""
    base = folder / "readme_clue"
    for name, task in _ACCURACY_TABLES.items():
        for model, split, cell in _dev_and_test(base / name):
            yield _accuracy(model, task, cell, split)
    for name, task in _READING_TABLES.items():
        for model, split, cell in _dev_and_test(base / name):
            yield from _f1_and_em(model, task, cell, split)
    for row in rows(base / "14_baselines_paddlenlp__clue.csv"):
        yield from _paddlenlp(row)


def _dev_and_test(path: Path) -> Iterator[tuple[str, str, str]]:
    for row in list(raw_rows(path))[1:]:
        yield row[0], "dev", row[1]
        yield row[0], "test", row[2]


def _accuracy(model: str, task: str, cell: str, split: str, source: str = "clue") -> Reading | Refusal:
    value = percent(cell)
    if value is None:
        return Refusal(reason=RefusalReason.NO_VALUE, row=f"{source}: {model}, {task}, {split}")
    if task == "CSL" and split == "test" and model in _SWAPPED:
        return Refusal(reason=RefusalReason.SUSPECT, row=f"{source}: {model}, {task}, {cell}")
    return Reading(model=model, suite="clue", benchmark=task, value=value, split=split, source=source)


def _f1_and_em(model: str, task: str, cell: str, split: str) -> Iterator[Reading | Refusal]:
    found = _F1_AND_EM.search(cell)
    if found is None:
        yield Refusal(reason=RefusalReason.UNREADABLE, row=f"clue: {model}, {task}, {cell}")
        return
    for metric, value in zip(("token_f1", "exact_match"), found.groups(), strict=True):
        yield _answer(model, task, metric, float(value) / 100.0, split, "clue")


def _paddlenlp(row: Mapping[str, str]) -> Iterator[Reading | Refusal]:
    model, source = row["Model"], "clue-paddlenlp"
    for column, cell in row.items():
        task = column.replace(" ", "")
        if column in {"Arch", "Model", "AVG"}:
            continue
        if task == "CMRC2018":
            exact, f1 = pair(cell)
            for metric, value in (("token_f1", f1), ("exact_match", exact)):
                if value is not None:
                    yield _answer(model, task, metric, value, "dev", source)
        else:
            yield _accuracy(model, task, cell, "dev", source)


def _answer(model: str, task: str, metric: str, value: float, split: str, source: str) -> Reading:
    return Reading(
        model=model, suite="clue", benchmark=task, metric=metric, value=value, split=split, source=source
    )
