"""The data of a trial: its texts and classes, divided as the worker decided."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.datasets.examples import Examples, load_examples
from app.datasets.folding import unordered_hashes
from app.tasks.words import cut

Cut: TypeAlias = list[str]
"""A text as its words."""
MOST_VALIDATION = 1_000
"""Rows validated on at most: the standard error of an accuracy of 0.8 is then 1.3 points."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Part:
    """Texts with their classes.

    Attributes:
        rows: Indices into the data set, shape (n,).
        texts: n texts.
        labels: Classes, or the strata of other targets, shape (n,).
        groups: Same number for texts that are the same or belong together, shape (n,).
        pairs: n second texts; None where examples are of one text.
        names: What places among the targets stand for.
        values: Targets, shape (n, ...); None where they are the classes.
        folder: Of the data set, where texts may be names of files.
        compared: Number of the group that scores are told by, shape (n,); None where none are.
        compared_names: What these numbers stand for.
    """

    rows: NDArray[np.int64]
    texts: Sequence[str]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    pairs: Sequence[str] | None = None
    names: tuple[str, ...] = ()
    values: NDArray[Any] | None = None
    folder: Path = Path()
    compared: NDArray[np.int64] | None = None
    compared_names: tuple[str, ...] = ()

    @property
    def targets(self) -> NDArray[Any]:
        """What is predicted, shape (n, ...), as `app.tasks.targets` has it."""
        return self.labels if self.values is None else self.values

    def take(self, places: NDArray[np.int64]) -> "Part":
        """The examples at these places."""
        return Part(
            rows=self.rows[places],
            texts=[self.texts[i] for i in places],
            labels=self.labels[places],
            groups=self.groups[places],
            pairs=None if self.pairs is None else [self.pairs[i] for i in places],
            names=self.names,
            values=None if self.values is None else self.values[places],
            folder=self.folder,
            compared=None if self.compared is None else self.compared[places],
            compared_names=self.compared_names,
        )

    @property
    def paths(self) -> list[Path]:
        """Of the n files, where examples are files."""
        return [self.folder / name for name in self.texts]

    @property
    def inputs(self) -> Sequence[str] | Sequence[tuple[str, str]] | Sequence[Cut] | Sequence[tuple[Cut, Cut]]:
        """What a model reads: n texts or n pairs; where each word has its target, as lists of words."""
        if self.values is not None and self.values.dtype == object:
            if self.pairs is not None:
                return [(cut(text), cut(pair)) for text, pair in zip(self.texts, self.pairs, strict=True)]
            return [text.split(" ") for text in self.texts]
        return self.texts if self.pairs is None else list(zip(self.texts, self.pairs, strict=True))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TrialData:
    """The parts of a trial's data.

    Attributes:
        train: Trained on.
        seen: Places in `train` of the examples that feature passes see, ascending, shape (k,).
        validation: Scored after every slice; what is decided by.
        test: Scored on request only and never decided by; empty unless a split names one.
    """

    train: Part
    seen: NDArray[np.int64]
    validation: Part
    test: Part

    def passed_over(self) -> Part:
        """The training examples that feature passes see."""
        return self.train.take(self.seen)


def write_split(
    path: Path,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    *,
    test: NDArray[np.int64] | None = None,
    seen: NDArray[np.int64] | None = None,
) -> None:
    """The file from which a trial learns what to train on, what to validate on and what to leave for last.

    Args:
        path: Of the file.
        train: Rows trained on.
        validation: Rows validated on.
        test: Rows of the test part; none by default.
        seen: Places in `train` that feature passes see; all by default.
    """
    parts = {"train": train, "validation": validation}
    parts |= {name: rows for name, rows in (("test", test), ("seen", seen)) if rows is not None}
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps({name: rows.tolist() for name, rows in parts.items()}))
    scratch.replace(path)


def read_trial_data(dataset_folder: Path, split_file: Path) -> TrialData:
    """The parts of a stored data set; validation is thinned evenly to `MOST_VALIDATION` rows."""
    examples = load_examples(dataset_folder)
    split = json.loads(split_file.read_text())
    validation = np.asarray(split["validation"], dtype=np.int64)
    if len(validation) > MOST_VALIDATION:
        validation = validation[np.linspace(0, len(validation) - 1, MOST_VALIDATION).astype(np.int64)]
    train = np.asarray(split["train"], dtype=np.int64)
    return TrialData(
        train=_part(examples, train, dataset_folder),
        seen=np.asarray(split.get("seen", range(len(train))), dtype=np.int64),
        validation=_part(examples, validation, dataset_folder),
        test=_part(examples, np.asarray(split.get("test", ()), dtype=np.int64), dataset_folder),
    )


def _part(examples: Examples, rows: NDArray[np.int64], folder: Path) -> Part:
    taken = examples.take(rows)
    groups = taken.groups
    if groups is None:
        hashes = unordered_hashes(taken.texts, taken.pairs)
        groups = np.unique(hashes, return_inverse=True)[1].astype(np.int64)
    return Part(
        rows=rows,
        texts=taken.texts,
        labels=taken.labels,
        groups=groups,
        pairs=taken.pairs,
        names=taken.label_names,
        values=taken.values,
        folder=folder,
        compared=taken.compared,
        compared_names=taken.compared_names,
    )
