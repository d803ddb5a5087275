"""TextAttack's model zoo: classifiers fine-tuned on some fifteen English sets."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_SPLITS = {"test": "test", "validation": "dev", "validation_matched": "dev"}
_COPIED = "distilbert-base-uncased-stsb"
"""Its two figures equal distilbert-base-cased-stsb's to sixteen digits: one of the two was never measured."""
_COPIED_FROM = "distilbert-base-cased-stsb"


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings; accuracy in percent, correlations as fractions, each on at most 1,000 examples."""
    for row in rows(folder / "textattack_zoo" / "model_zoo_scores.csv"):
        where = f"{row['model']}, {row['source']}, {row['metric']}"
        if row["model"] in {_COPIED, _COPIED_FROM} or row["source"] == "glue/wnli":
            yield Refusal(reason=RefusalReason.SUSPECT, row=where)
            continue
        metric = row["metric"].removesuffix(" correlation").lower()
        is_glue = row["source"].startswith("glue/")
        yield Reading(
            model=row["architecture"],
            suite="glue" if is_glue else "text-classics",
            benchmark=row["source"],
            metric=metric,
            value=float(row["value"]) / (100.0 if metric == "accuracy" else 1.0),
            split=_SPLITS[row["split"]],
            n_test=None if is_glue else 1000,  # the GLUE development sets may be smaller
            source="textattack",
        )
