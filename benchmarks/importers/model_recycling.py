"""Model recycling: checkpoints of six base encoders, each fine-tuned again on 36 English sets.

In a quarter of the source's rows figures stand in columns of other data sets. An accuracy is a whole number
of examples over the size of its test set, so that most of them can be put back with proof, value by value
(`benchmarks.importers.alignment`); the others are refused. Test sets of round sizes fit each other's counts,
so a row put back is also held against the rows that needed no putting back: one that would have scored what
none of these did is refused.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.figures import Protocol
from benchmarks.importers.alignment import aligned
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
N_TEST: Mapping[str, int | None] = {
    "cola": 1043,
    "mrpc": 408,
    "qqp": 40430,
    "stsb": None,  # a correlation is no count
    "boolq": 3270,
    "cb": 56,
    "copa": 100,
    "multirc": 4848,
    "wic": 638,
    "wsc": 104,
    "ag_news": 3000,
    "isear": 1534,
    "yahoo_answers": 3000,
    "dbpedia": 3000,
    "20_newsgroup": 7532,
    "trec_fine": 500,
    "trec_coarse": 500,
    "poem_sentiment": 104,
    "imdb": 25000,
    "rotten_tomatoes": 1066,
    "sst_5bins": 2210,
    "sst2": 872,
    "amazon_reviews_multi": 5000,
    "financial_phrasebank": 1000,
    "tweet_ev_emoji": 50000,
    "tweet_ev_emotion": 1421,
    "tweet_ev_hate": 2970,
    "tweet_ev_irony": 784,
    "tweet_ev_offensive": 860,
    "tweet_ev_sentiment": 12284,
    "mnli": 9832,
    "qnli": 5463,
    "rte": 277,
    "wnli": 71,
    "esnli": 9824,
    "anli": 3200,
}
"""Examples measured on, in the source's order of columns."""
_N_MNLI = 9832
_SLACK = 3.0
"""Standard errors of an accuracy by which a row put back may leave the range of the others."""
_CHANCE_MNLI = 0.3
"""A probe on three even classes that scores less was not read out: most such values are exactly 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One checkpoint's row.

    Attributes:
        model: Its name.
        values: Of each task, None where nothing is proven.
        is_moved: Whether any value was printed in another column.
    """

    model: str
    values: tuple[float | None, ...]
    is_moved: bool


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings: means of the base models' repeated runs with their standard error, then single runs."""
    for name, model in _BASES.items():
        yield from _repeated(folder / "model_recycling" / f"models_results_{name}_pretrain.csv", model)
    seen: set[str] = set(_BASES.values())
    found = []
    for row in rows(folder / "model_recycling" / "models_tested.csv"):
        if row["model_name"] in seen:
            yield Refusal(reason=RefusalReason.REPEATED, row=f"{row['model_name']}: listed twice")
            continue
        seen.add(row["model_name"])
        yield _probed(row)
        if row["cola"]:  # the source's own screening by the linear probe ended here otherwise
            found.append(_placed(row))
    ranges = _ranges([row for row in found if isinstance(row, _Row) and not row.is_moved])
    for placed in found:
        yield from [placed] if isinstance(placed, Refusal) else _tuned(placed, ranges)


def _probed(row: Mapping[str, str]) -> Reading | Refusal:
    model, value = row["model_name"], float(row["mnli_lp"])
    if value < _CHANCE_MNLI:
        return Refusal(reason=RefusalReason.SUSPECT, row=f"{model}, mnli_lp, {value}")
    return _reading(model, "mnli", value, n_test=_N_MNLI, protocol=Protocol.LINEAR_PROBE)


def _placed(row: Mapping[str, str]) -> _Row | Refusal:
    # An accuracy of exactly 0 is an answer that could not be read; it would fit every column.
    printed = [float(row[task]) or None if row[task] else None for task in N_TEST]
    values = aligned(printed, tuple(N_TEST.values()))
    if values is None:
        reason = RefusalReason.NOT_COMPARABLE  # complete rows that fit nowhere count on other test sets
        return Refusal(reason=reason, row=f"{row['model_name']}: no column can be proven")
    is_moved = any(v is not None and v != p for v, p in zip(values, printed, strict=True))
    return _Row(model=row["model_name"], values=values, is_moved=is_moved)


def _ranges(unmoved: Sequence[_Row]) -> list[tuple[float, float]]:
    """Least and greatest value of every task among rows that needed no putting back, some slack beyond."""
    found = []
    for number, n_test in enumerate(N_TEST.values()):
        values = [v for v in (row.values[number] for row in unmoved) if v is not None] or [0.0, 1.0]
        slack = [0.0 if n_test is None else _SLACK * (v * (1.0 - v) / n_test) ** 0.5 for v in values]
        found.append(
            (
                min(v - s for v, s in zip(values, slack, strict=True)),
                max(v + s for v, s in zip(values, slack, strict=True)),
            )
        )
    return found


def _tuned(row: _Row, ranges: Sequence[tuple[float, float]]) -> Iterator[Reading | Refusal]:
    beyond = [
        task
        for task, value, (low, high) in zip(N_TEST, row.values, ranges, strict=True)
        if row.is_moved and value is not None and not low <= value <= high
    ]
    if beyond:
        words = f"{row.model}: put back, {', '.join(beyond)} would be beyond every other row's"
        yield Refusal(reason=RefusalReason.SUSPECT, row=words)
        return
    for (task, n_test), value in zip(N_TEST.items(), row.values, strict=True):
        if value is None:
            yield Refusal(reason=RefusalReason.SUSPECT, row=f"{row.model}, {task}: not proven")
        else:
            yield _reading(row.model, task, value, n_test=n_test)


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
        error = stdev(values) / len(values) ** 0.5
        yield _reading(model, task, fmean(values), std_error=error, n_test=N_TEST[task])


def _reading(
    model: str,
    task: str,
    value: float,
    *,
    std_error: float | None = None,
    n_test: int | None = None,
    protocol: Protocol = Protocol.FINE_TUNED,
) -> Reading:
    return Reading(
        model=model,
        is_hub_id=True,
        suite="model-recycling",
        benchmark=task,
        metric="spearmanr" if task == "stsb" else "accuracy",
        value=value,
        protocol=protocol,
        std_error=std_error,
        n_test=n_test,
        source="model-recycling",
    )
