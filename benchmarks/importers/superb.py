"""SUPERB: frozen speech encoders with a task's head on top of their weighted layers."""

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_METRICS = {
    "PR_per": "cer",  # phoneme error rate
    "ASR_wer": "wer",  # without a language model
    "ASR_LM_wer": "wer",
    "SF_cer": "cer",  # of slot values
    "KS_acc": "accuracy",
    "IC_acc": "accuracy",
    "SID_acc": "accuracy",
    "ER_acc": "accuracy",
    "SV_eer": "eer",
    "SD_der": "der",
}
_NO_TASK_TYPE = ("QbE_mtwv", "SF_f1", "ST_bleu", "SE_pesq", "SE_stoi", "SS_sisdri")
"""Spoken term detection, slot types, speech translation, enhancement and separation."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the tasks that have a task type here."""
    text = (folder / "superb_speech" / "public.json").read_text(encoding="utf-8")
    for row in json.loads(text)["leaderboard"]:
        for task in _NO_TASK_TYPE:
            yield Refusal(reason=RefusalReason.NO_TASK_TYPE, row=f"{row['submitName']}, {task}")
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
                protocol=Protocol.FROZEN_HEAD,
                source="superb",
            )
