"""SUPERB: frozen speech encoders with a small head on top of their weighted layers."""

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_METRICS = {
    "PR_per": "cer",  # phoneme error rate
    "ASR_wer": "wer",  # without a language model
    "KS_acc": "accuracy",
    "IC_acc": "accuracy",
    "SID_acc": "accuracy",
    "ER_acc": "accuracy",
}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the six tasks that have a task type here."""
    text = (folder / "superb_speech" / "public.json").read_text(encoding="utf-8")
    for row in json.loads(text)["leaderboard"]:
        for task, metric in _METRICS.items():
            cell = row.get(f"{task}_public", "-")
            if cell == "-":
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{row['submitName']}, {task}")
                continue
            yield Reading(
                model=row["submitName"],
                suite="superb",
                benchmark=task,
                metric=metric,
                value=float(cell) / 100.0,
                protocol=Protocol.LINEAR_PROBE,
                source="superb",
            )
