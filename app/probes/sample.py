"""The part of the data that a run works on: a stratified sample, split once, kept with the run."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.datasets.examples import Examples, load_examples
from app.datasets.split import split, subsample
from app.probes.data import write_split
from app.probes.sample_size import Sample

SPLIT_NAME = "split.json"
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RunData:
    """Examples of a run with their two parts.

    Attributes:
        folder: Of the data set.
        split_file: Where the parts are kept, for the trials.
        examples: All of the data set.
        train: Indices trained on.
        validation: Indices validated on; no text of them is in `train`.
    """

    folder: Path
    split_file: Path
    examples: Examples
    train: Indices
    validation: Indices


def prepare_data(dataset: Path, run_folder: Path, sample: Sample, seed: int) -> RunData:
    """The run's parts: drawn once, read again by whoever takes the run over.

    Args:
        dataset: Folder of the data set.
        run_folder: Working folder of the run.
        sample: Sizes of the parts.
        seed: Of the draw.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    examples = load_examples(dataset)
    path = run_folder / SPLIT_NAME
    if not path.exists():
        train, validation = draw(examples, sample, seed)
        write_split(path, train, validation, seen=subsample(examples.take(train), sample.n_seen, seed))
    kept = json.loads(path.read_text(encoding="utf-8"))
    return RunData(
        folder=dataset,
        split_file=path,
        examples=examples,
        train=np.array(kept["train"], dtype=np.int64),
        validation=np.array(kept["validation"], dtype=np.int64),
    )


def draw(examples: Examples, sample: Sample, seed: int) -> tuple[Indices, Indices]:
    """Indices of both parts: a stratified sample of the data, split without sharing a text or a group."""
    wanted = sample.n_train + sample.n_validation
    chosen = subsample(examples, wanted, seed)
    parts = split(
        examples.take(chosen),
        seed=seed,
        validation_fraction=sample.n_validation / wanted,
        max_validation=sample.n_validation,
    )
    return chosen[parts.train], chosen[parts.validation]
