"""Labelled sets of a folder as a probe run would have them: stored, sampled and split."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.datasets.columns import ColumnChoices
from app.datasets.examples import Examples, load_examples
from app.datasets.ingest import ingest
from app.datasets.split import split, subsample
from app.datasets.storage import StoredDataset, dataset_folder
from app.probes.data import write_split
from app.probes.sample import draw
from app.probes.sample_size import Sample
from app.tasks.text_classification import TEXT_CLASSIFICATION
from benchmarks.metrics import metric_named
from models_registry.vocabulary import TaskType

Indices = NDArray[np.int64]

N_TEST = 1_000
"""Test examples under a metric between 0 and 1; as many more as the square of a wider range asks for."""
PARTS = ("train", "dev", "test")
MOST_UPLOAD_BYTES = 2**28


class LabelledSets:
    """Labelled sets of a folder, each stored once as an upload is stored, with all its parts as one."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder = folder
        self._work = work

    def stored(self, name: str) -> StoredDataset:
        """The set of this name."""
        whole = self._work / "whole" / f"{name}.csv"
        if not whole.exists():
            whole.parent.mkdir(parents=True, exist_ok=True)
            with whole.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("text", "label"))
                writer.writerows(self._rows(name))
        return ingest(
            whole,
            filename=f"{name}.csv",
            choices=ColumnChoices(text="text", label="label"),
            task_type=TaskType.TEXT_CLASSIFICATION,
            project="recording",
            data_dir=self._work,
            max_bytes=MOST_UPLOAD_BYTES,
        )

    def _rows(self, name: str) -> Iterator[tuple[str, str]]:
        for part in PARTS:
            path = self._folder / name / f"{part}.csv"
            if path.exists():
                with path.open(encoding="utf-8", newline="") as file:
                    yield from ((row["text"], row["label"]) for row in csv.DictReader(file))

    def examples_folder(self, name: str) -> Path:
        """Where its examples are."""
        return dataset_folder(self._work, self.stored(name).id).absolute()

    def metric(self, name: str) -> str:
        """Its own metric where the task knows it, else accuracy."""
        meta = json.loads((self._folder / name / "meta.json").read_text(encoding="utf-8"))
        return meta["metric"] if meta["metric"] in TEXT_CLASSIFICATION.metrics else "accuracy"

    def split_file(self, name: str, sample: Sample, seed: int) -> Path:
        """The parts of a sample; no text of one is in another, and the test part is that of every seed."""
        path = self._work / "splits" / f"{name}-{sample.n_train}-{sample.n_validation}-{seed}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            examples = load_examples(self.examples_folder(name))
            metric = metric_named(self.metric(name))
            rest, test = _test_part(examples, round(N_TEST * (metric.high - metric.low) ** 2))
            train, validation = draw(examples.take(rest), sample, seed)
            write_split(path, rest[train], rest[validation], test=test)
        return path


def _test_part(examples: Examples, n_test: int) -> tuple[Indices, Indices]:
    """Indices of the rest and of the test part, of about so many examples, a quarter at most."""
    parts = split(examples, seed=0, validation_fraction=min(n_test / len(examples), 0.25))
    kept = subsample(examples.take(parts.validation), n_test, 0)
    return parts.train, parts.validation[kept]
