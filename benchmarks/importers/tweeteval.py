"""TweetEval: seven tasks on tweets, each with the metric that its organisers chose."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_METRICS = {
    "Emoji": "f1_macro",
    "Emotion": "f1_macro",
    "Hate": "f1_macro",
    "Irony": "f1",  # of the ironic class
    "Offensive": "f1_macro",
    "Sentiment": "balanced_accuracy",  # macro-averaged recall
    "Stance": "f1_macro",  # over favour and against
}
_NOT_PRETRAINED = {"LSTM", "SVM", "FastText"}


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the leaderboard's test figures."""
    for row in rows(folder / "readme_tweeteval" / "01_tweeteval_leaderboard_test_set.csv"):
        for task, metric in _METRICS.items():
            value = percent(row[task])
            if value is None or row["Model"] in _NOT_PRETRAINED:
                reason = RefusalReason.NO_VALUE if value is None else RefusalReason.NOT_COMPARABLE
                yield Refusal(reason=reason, row=f"{row['Model']}, {task}")
                continue
            yield Reading(
                model=row["Model"],
                suite="tweeteval",
                benchmark=task,
                metric=metric,
                value=value,
                source="tweeteval",
            )
