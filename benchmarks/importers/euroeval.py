"""EuroEval: encoders fine-tuned on 1,024 examples, ten bootstraps, ten European languages."""

from collections.abc import Iterator
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


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the main score: Matthews correlation, entity F1 without MISC, or answer F1."""
    for row in rows(folder / "euroeval" / "derived_encoders_long.csv"):
        if not row["score"]:
            yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{row['model']}, {row['dataset']}")
            continue
        error = row["score_ci95"]
        yield Reading(
            model=row["model"],
            is_hub_id=True,
            suite="euroeval",
            benchmark=row["dataset"],
            metric=_metric(row["dataset"]),
            value=float(row["score"]) / 100.0,
            protocol=Protocol.FEW_SHOT_TUNED,
            std_error=float(error) / 100.0 / CI95_IN_STANDARD_ERRORS if error else None,
            source="euroeval",
        )


def _metric(dataset: str) -> str:
    if dataset in _NER:
        return "entity_f1"
    return "token_f1" if dataset in _ANSWERS else "matthews_correlation"
