"""A corpus of the ModelLens form, made up: many models, data sets and metrics, in every state of tidiness."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

COLUMNS = ("task", "dataset", "model", "metric", "value", "dataset_desp")
_TASKS = (
    "image-classification",
    "text-classification",
    "token-classification",
    "question-answering",
    "Semantic Segmentation",
    "Machine Translation",
    "automatic-speech-recognition",
    "Few-Shot Image Classification",
    "protein folding",  # none of the task types
)
_METRICS = ("accuracy", "Top 1 Accuracy", "F1", "BLEU", "mIoU", "WER", "Inference Time (ms)")
_UNITS = (1.0, 100.0)
_WORDS = [
    "labelled",
    "images",
    "of",
    "everyday",
    "objects,",
    "collected",
    "in",
    "2019;",
    '"gold"',
    "answers",
    "by",
    "three",
    "annotators\n",
]
N_MODELS, N_DATASETS = 47_000, 9_600


def write_corpus(path: Path, n_rows: int, *, seed: int = 0) -> None:
    """Write that many rows; the same seed always gives the same bytes.

    Models and data sets are drawn unevenly, as in published corpora: a few of them have most figures. A data
    set has one task, one description and, for each metric, one unit: fractions or percent.
    """
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(n_rows, random.Random(seed)))


def _rows(n_rows: int, rng: random.Random) -> Iterator[tuple[str, ...]]:
    descriptions = [" ".join(rng.choices(_WORDS, k=25)) for _ in range(200)]
    for _ in range(n_rows):
        dataset = int(N_DATASETS * rng.random() ** 3)
        model = int(N_MODELS * rng.random() ** 2)
        metric = rng.randrange(len(_METRICS))
        unit = _UNITS[(dataset + metric) % 2]
        yield (
            _TASKS[dataset % len(_TASKS)],
            f"dataset-{dataset}",
            f"owner{model % 997}/model-{model}",
            _METRICS[metric],
            f"{unit * (0.02 + 0.97 * rng.random()):.4g}",
            descriptions[dataset % len(descriptions)],
        )
