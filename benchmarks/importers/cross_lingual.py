"""XNLI and MLQA: multilingual encoders trained on English and tested on other languages."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.importers.cells import pair, percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_XNLI = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur")
_MLQA = ("en", "es", "de", "ar", "hi", "vi", "zh")
_ALL_LANGUAGES = " _(TRANSLATE-TRAIN-ALL)_"
_BERT_COLUMNS = {
    "English": "en",
    "Chinese": "zh",
    "Spanish": "es",
    "German": "de",
    "Arabic": "ar",
    "Urdu": "ur",
}
_MISALIGNED = {"xlmr.xl", "xlmr.xxl"}
"""Their MLQA rows print the languages in another order than the header: Arabic above Spanish."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings: transfer from English, and training on all languages' translations."""
    for row in rows(folder / "readme_deberta" / "04_fine_tuning_on_xnli.csv"):
        yield from _row(row, row["Model"], "xnli-transfer", "deberta")
    for row in rows(folder / "readme_google_bert" / "06_multilingual__results.csv"):
        if row["System"].startswith("BERT - Zero Shot"):  # the other rows translate
            yield from _row(_renamed(row), row["System"], "xnli-transfer", "bert-multilingual")
    minilm = folder / "readme_unilm"
    for row in rows(minilm / "54_minilm__cross_lingual_natural_language_inference.csv"):
        yield from _row(row, row["Model"], "xnli-transfer", "minilm")
    for row in rows(minilm / "55_minilm__cross_lingual_question_answering_mlqa.csv"):
        yield from _row(row, row["Model F1 Score"], "mlqa-transfer", "minilm")
    yield from _fairseq(folder / "readme_fairseq")


def _fairseq(fairseq: Path) -> Iterator[Reading | Refusal]:
    for row in rows(fairseq / "31_examples_xlmr__results.csv"):
        model, marker, _ = row["Model"].partition(_ALL_LANGUAGES)
        if marker:
            yield from _row(row, model, "xnli-translate-train-all", "fairseq-xlmr")
        else:
            yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{model}: translated test set")
    for row in rows(fairseq / "32_examples_xlmr__results.csv"):
        if row["Model"] in _MISALIGNED:
            yield Refusal(reason=RefusalReason.SUSPECT, row=f"{row['Model']}, mlqa")
        elif row["Model"] != "BERT-large":  # an English model, for comparison
            yield from _row(row, row["Model"], "mlqa-transfer", "fairseq-xlmr")


def _renamed(row: Mapping[str, str]) -> Mapping[str, str]:
    return {_BERT_COLUMNS.get(column, column): cell for column, cell in row.items()}


def _row(row: Mapping[str, str], model: str, suite: str, source: str) -> Iterator[Reading | Refusal]:
    answers = suite.startswith("mlqa")
    for language in _MLQA if answers else _XNLI:
        cell = row.get(language, "")
        value = pair(cell)[0] if "/" in cell else percent(cell)
        if value is None:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{source}: {model}, {suite}, {language}")
            continue
        yield Reading(
            model=model,
            suite=suite,
            benchmark=language,
            metric="token_f1" if answers else "accuracy",
            value=value,
            source=source,
        )
