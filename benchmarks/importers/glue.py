"""GLUE, SQuAD and RACE: single-model fine-tuning results, transcribed from the authors' READMEs."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.importers.cells import pair, percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_SOURCES = {
    "readme_google_bert/02_bert.csv": "bert",
    "readme_electra/02_expected_results.csv": "electra",
    "readme_deberta/03_fine_tuning_on_nlu_tasks.csv": "deberta",
    "readme_albert/01_table.csv": "albert",
    "readme_albert/02_table.csv": "albert",
    "readme_xlnet/03_results_on_glue.csv": "xlnet",
    "readme_fairseq/16_examples_roberta__results.csv": "fairseq-roberta",
    "readme_fairseq/04_examples_bart__results.csv": "fairseq-bart",
    "readme_unilm/56_minilm__fine_tuning_on_nlu_tasks.csv": "minilm",
    "model_selection_nlp_glue/finetune_glue.csv": "model-selection-nlp",
    "(transcribed)": "transformers-examples",
}
_QUOTED = {
    "deberta": ("BERT-Large", "RoBERTa-Large", "XLNet-Large"),
    "albert": ("BERT-large", "XLNet-large", "RoBERTa-large"),
    "fairseq-bart": ("roberta.large",),
}
"""Rows in which authors repeat the numbers of others, with slips: read at their origin instead."""
_INTERMEDIATE = {"mrpc", "rte", "stsb"}
"""The DeBERTa rows marked 1 start these three from a model fine-tuned on MNLI (README, note 1)."""
_STARRED = {"DeBERTa-Large1", "DeBERTa-XLarge1", "DeBERTa-V2-XLarge1", "DeBERTa-V2-XXLarge1,2"}
_F1_FIRST = frozenset({"mrpc", "qqp"})  # the GLUE server prints F1 before accuracy


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the compiled table, of BERT's own SQuAD table and of XLNet's reading comprehension."""
    for row in rows(folder / "glue_compiled" / "glue_squad_compiled.csv"):
        yield from _compiled(row)
    for row in rows(folder / "readme_google_bert" / "03_bert.csv"):
        f1, exact = pair(row["SQUAD 1.1 F1/EM"])
        yield from _squad(row["Model"], "squad1", f1, exact, "bert")
        yield _reading(row["Model"], "mnli", percent(row["Multi NLI Accuracy"]), "dev", "bert")
    for row in rows(folder / "readme_xlnet" / "01_results_on_reading_comprehension.csv"):
        yield _reading(row["Model"], "race", percent(row["RACE accuracy"]), "test", "xlnet", suite="race")
        yield from _squad(row["Model"], "squad1", None, percent(row["SQuAD1.1 EM"]), "xlnet")
        yield from _squad(row["Model"], "squad2", None, percent(row["SQuAD2.0 EM"]), "xlnet")
    for row in rows(folder / "readme_fairseq" / "05_examples_bart__results.csv"):
        for task in ("1.1", "2.0"):
            exact, f1 = pair(row[f"SQuAD {task} EM/F1"])
            yield from _squad(row["Model"], f"squad{task[0]}", f1, exact, "fairseq-bart")


def _compiled(row: Mapping[str, str]) -> Iterator[Reading | Refusal]:
    model, task, source = row["model"], row["task"], _SOURCES[row["file"]]
    reason = _refused(model, task, row["metric"], source)
    if reason is not None:
        yield Refusal(reason=reason, row=f"{source}: {model}, {task}, {row['as_written']}")
        return
    first, second = pair(row["as_written"])
    if task.startswith("squad"):
        f1, exact = (first, second) if row["metric"] == "f1" else (None, first)
        yield from _squad(model, task, f1, exact, source)
    elif task == "cola":
        yield _reading(model, task, first, row["split"], source, metric="matthews_correlation")
    elif task == "stsb":
        spearman = first if source == "electra" else second
        yield _reading(model, task, spearman, row["split"], source, metric="spearmanr")
    elif task == "race":
        yield _reading(model, task, first, "test", source, suite="race")
    else:
        value = second if source == "bert" and task in _F1_FIRST else first
        value = percent(row["value"]) if source == "transformers-examples" else value
        yield _reading(model, task, value, row["split"], source)


def _refused(model: str, task: str, metric: str, source: str) -> RefusalReason | None:
    starts_from_mnli = source == "deberta" and task in _INTERMEDIATE and model in _STARRED
    tells_metric = source in {"electra", "deberta", "bert", "transformers-examples"}
    if model in _QUOTED.get(source, ()):
        return RefusalReason.QUOTED
    if task == "wnli":
        return RefusalReason.SUSPECT  # its development set is adversarial: every figure is a majority vote
    if metric == "f1 or acc (paper)" or (task == "stsb" and not tells_metric):
        return RefusalReason.METRIC_UNSTATED
    if starts_from_mnli or model in {"ALBERT (1M)", "roberta.large.mnli"}:
        return RefusalReason.NOT_COMPARABLE  # the last two: an unreleased checkpoint, a model tuned twice
    return None


def _squad(
    model: str, task: str, f1: float | None, exact: float | None, source: str
) -> Iterator[Reading | Refusal]:
    for metric, value in (("token_f1", f1), ("exact_match", exact)):
        if value is not None:
            yield _reading(model, task, value, "dev", source, metric=metric, suite="squad")


def _reading(
    model: str,
    task: str,
    value: float | None,
    split: str,
    source: str,
    *,
    metric: str = "accuracy",
    suite: str = "glue",
) -> Reading | Refusal:
    if value is None:
        return Refusal(reason=RefusalReason.NO_VALUE, row=f"{source}: {model}, {task}")
    return Reading(
        model=model, suite=suite, benchmark=task, metric=metric, value=value, split=split, source=source
    )
