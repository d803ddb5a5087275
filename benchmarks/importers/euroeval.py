"""EuroEval: ten European languages; encoders fine-tuned on 1,024 examples, language models prompted.

Ten bootstraps each. Language models see a few examples in the prompt and nothing is trained.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Protocol
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

Row = Mapping[str, str]


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the main score: Matthews correlation, entity F1 without MISC, or answer F1."""
    for path in sorted((folder / "euroeval").glob("*_nlu.csv")):
        yield from board(path)


def board(path: Path) -> Iterator[Reading | Refusal]:
    """Readings of one leaderboard: of models with open weights, and of encoders without any weights."""
    table = _table(path)
    on_test = {found[2] for row in table if (found := _HUB.search(row["Model"]))}
    tasks = [name.removesuffix("_version") for name in table[0] if name.endswith("_version")]
    for row in table:
        found = _HUB.search(row["Model"])
        if row["Type"] == _ENCODER:
            model = found[1] if found else _TAG.sub("", row["Model"])
            yield from _cells(row, model, tasks, Protocol.FEW_SHOT_TUNED)
        elif found is None:
            yield Refusal(reason=RefusalReason.CLOSED_WEIGHTS, row=_TAG.sub("", row["Model"]))
        else:
            yield from _prompted(row, found[1], found[2], tasks, on_test)


def _prompted(
    row: Row, model: str, shown: str, tasks: Sequence[str], on_test: set[str]
) -> Iterator[Reading | Refusal]:
    """A language model; its validation figures count only where it has no test figures."""
    if shown == model:
        yield from _cells(row, model, tasks, Protocol.ZERO_SHOT)
    elif shown == model + _VALIDATION and model not in on_test:
        yield from _cells(row, model, tasks, Protocol.ZERO_SHOT, "dev")
    else:  # zero-shot prompts, reasoning budgets, another split
        yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=shown)


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


def _cells(
    row: Row, model: str, tasks: Sequence[str], protocol: Protocol, split: str = "test"
) -> Iterator[Reading | Refusal]:
    for task in tasks:
        found = _SCORE.match(row[task])
        if found is None:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {task}, {row[task]}")
            continue
        score, ci95 = map(float, found.groups())
        yield Reading(
            model=model,
            is_hub_id=True,
            suite="euroeval",
            benchmark=task,
            metric=_metric(task),
            value=score / 100.0,
            protocol=protocol,
            split=split,
            std_error=ci95 / 100.0 / CI95_IN_STANDARD_ERRORS,
            source="euroeval",
        )


def _metric(dataset: str) -> str:
    if dataset in _NER:
        return "entity_f1"
    return "token_f1" if dataset in _ANSWERS else "matthews_correlation"
