"""EuroEval: ten European languages; encoders fine-tuned on 1,024 examples, language models prompted.

Ten bootstraps each. Language models see a few examples in the prompt and nothing is trained.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

CI95_IN_STANDARD_ERRORS = 1.96
"""Half-width of a 95 % interval of a normal mean, in standard errors."""
_NER = frozenset(
    {"dansk", "conll_nl", "conll_en", "turku_ner_fi", "eltec", "germeval", "multinerd_it", "kpwr_ner"}
    | {"harem", "conll_es"}
)
_ANSWERS = frozenset(
    {"multi_wiki_qa_da", "squad_nl", "squad", "tydiqa_fi", "fquad", "germanquad", "squad_it", "poquad"}
    | {"multi_wiki_qa_pt", "mlqa_es"}
)
_ENCODER = "🔍"
_HUB = re.compile(r"href='https://hf\.co/([\w.\-]+/[\w.\-]+)'[^>]*>([^<]*)<")
_SCORE = re.compile(r"(-?\d+\.\d+) ± (\d+\.\d+) / ")
_VALIDATION = " (val)"
_TAG = re.compile(r"<[^>]*>")


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the main score: Matthews correlation, entity F1 without MISC, or answer F1."""
    for row in rows(folder / "euroeval" / "derived_encoders_long.csv"):
        if not row["score"]:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{row['model']}, {row['dataset']}")
            continue
        error = float(row["score_ci95"]) if row["score_ci95"] else None
        yield _reading(row["model"], row["dataset"], float(row["score"]), error, Protocol.FEW_SHOT_TUNED)
    for path in sorted((folder / "euroeval").glob("*_nlu.csv")):
        yield from _prompted(path)


def _prompted(path: Path) -> Iterator[Reading | Refusal]:
    """Language models with open weights; validation figures only of those without test figures."""
    table = _table(path)
    on_test = {found[2] for row in table if (found := _HUB.search(row["Model"]))}
    tasks = [name.removesuffix("_version") for name in table[0] if name.endswith("_version")]
    for row in table:
        if row["Type"] == _ENCODER:
            continue  # read from the table above
        found = _HUB.search(row["Model"])
        if found is None:
            yield Refusal(reason=RefusalReason.CLOSED_WEIGHTS, row=_TAG.sub("", row["Model"]))
            continue
        model, shown = found.groups()
        if shown != model and (shown != model + _VALIDATION or model in on_test):
            reason = RefusalReason.NOT_COMPARABLE  # zero-shot prompts, reasoning budgets, another split
            yield Refusal(reason=reason, row=f"{path.stem}: {shown}")
            continue
        yield from _cells(row, model, tasks, "test" if shown == model else "dev")


def hub_models(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Every model with open weights on these boards, with its number of parameters where it is known."""
    for path in sorted((folder / "euroeval").glob("*_nlu.csv")):
        for row in _table(path):
            found = _HUB.search(row["Model"])
            if found is not None:
                size = row["Parameters"]
                yield found[1], int(float(size)) if size[:1].isdigit() else None


def _table(path: Path) -> list[dict[str, str]]:
    """The rows under the second row, which is the header; the first names the tasks."""
    with path.open(encoding="utf-8", newline="") as lines:
        next(lines)
        return [{_TAG.sub("", k).strip(): v for k, v in row.items()} for row in csv.DictReader(lines)]


def _cells(row: Mapping[str, str], model: str, tasks: list[str], split: str) -> Iterator[Reading | Refusal]:
    for task in tasks:
        found = _SCORE.match(row[task])
        if found is None:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}, {row[task]}")
            continue
        score, error = map(float, found.groups())
        yield _reading(model, task, score, error, Protocol.ZERO_SHOT, split)


def _reading(
    model: str, task: str, score: float, ci95: float | None, protocol: Protocol, split: str = "test"
) -> Reading:
    return Reading(
        model=model,
        is_hub_id=True,
        suite="euroeval",
        benchmark=task,
        metric=_metric(task),
        value=score / 100.0,
        protocol=protocol,
        split=split,
        std_error=None if ci95 is None else ci95 / 100.0 / CI95_IN_STANDARD_ERRORS,
        source="euroeval",
    )


def _metric(dataset: str) -> str:
    if dataset in _NER:
        return "entity_f1"
    return "token_f1" if dataset in _ANSWERS else "matthews_correlation"
