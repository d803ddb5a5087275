"""HEAR: a shallow head on frozen audio embeddings."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_MEAN_PRECISION = frozenset({"FSD50K", "Vocal Imitation"})
_NOT_READ = frozenset({"Model", "URL", "Submission Date", "Beehive", "DCASE 2016", "Maestro 5h"})
"""The last three are measured by event scores, for which there is no metric here."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of sixteen of the nineteen tasks; the source prints fractions."""
    for row in rows(folder / "hear_audio" / "leaderboard.csv"):
        for task in [column for column in row if column not in _NOT_READ]:
            if not row[task]:
                yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{row['Model']}, {task}")
                continue
            yield Reading(
                model=row["Model"],
                suite="hear",
                benchmark=task,
                metric="map" if task in _MEAN_PRECISION else "accuracy",
                value=float(row[task]),
                protocol=Protocol.FROZEN_HEAD,
                source="hear",
            )
