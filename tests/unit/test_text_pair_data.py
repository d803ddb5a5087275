"""Data of two texts an example: read, profiled, kept, split."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from app.datasets.columns import ColumnChoices
from app.datasets.errors import DatasetError
from app.datasets.examples import load_examples
from app.datasets.ingest import ingest, ingest_rows
from app.datasets.split import split
from app.datasets.storage import StoredDataset, dataset_folder
from models_registry.vocabulary import TaskType

PAIRS = [(f"premise {i}", f"hypothesis number {i}", ("no", "yes")[i % 2]) for i in range(40)]


def stored(lines: list[str], folder: Path, **choices: str) -> StoredDataset:
    return ingest(
        BytesIO("\n".join(lines).encode()),
        filename="pairs.csv",
        choices=ColumnChoices(**choices),
        task_type=TaskType.TEXT_PAIR_CLASSIFICATION,
        project="default",
        data_dir=folder,
        max_bytes=10**6,
    )


@pytest.mark.parametrize(
    "names", ["sentence1,sentence2,label", "premise,hypothesis,label", "问题1,问题2,标签"]
)
def test_both_columns_are_known_by_their_names(tmp_path: Path, names: str) -> None:
    found = stored([names, *(",".join(row) for row in PAIRS)], tmp_path)
    examples = load_examples(dataset_folder(tmp_path, found.id))
    assert examples.pairs is not None
    assert (examples.texts[3], examples.pairs[3]) == PAIRS[3][:2]
    assert found.profile.mean_length == 5.0


def test_columns_may_be_named(tmp_path: Path) -> None:
    lines = ["label,b,a", *(f"{label},{second},{first}" for first, second, label in PAIRS)]
    found = stored(lines, tmp_path, text="a", text_pair="b")
    examples = load_examples(dataset_folder(tmp_path, found.id))
    assert examples.pairs is not None
    assert (examples.texts[0], examples.pairs[0]) == PAIRS[0][:2]


def test_a_file_without_a_second_text_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    lines = ["sentence1,label", *(f"{first},{label}" for first, _, label in PAIRS)]
    with pytest.raises(DatasetError) as caught:
        stored(lines, tmp_path)
    assert caught.value.pointer == "/text_pair_column"


def test_examples_of_a_request_carry_their_second_text(tmp_path: Path) -> None:
    rows = [{"text": a, "text_pair": b, "label": label} for a, b, label in PAIRS]
    found = ingest_rows(
        rows, task_type=TaskType.TEXT_PAIR_CLASSIFICATION, project="default", data_dir=tmp_path
    )
    assert load_examples(dataset_folder(tmp_path, found.id)).pairs == [b for _, b, _ in PAIRS]


def test_the_same_first_text_with_another_second_one_is_no_copy(tmp_path: Path) -> None:
    lines = ["text1,text2,label", *(f"one premise,{second},{label}" for _, second, label in PAIRS)]
    profile = stored(lines, tmp_path).profile
    assert (profile.duplicates, profile.conflicting_labels) == (0, 0)


def test_a_pair_and_its_mirror_stay_on_one_side(tmp_path: Path) -> None:
    mirrored = [row for a, b, label in PAIRS for row in ((a, b, label), (b, a, label))]
    found = stored(["text1,text2,label", *(",".join(row) for row in mirrored)], tmp_path)
    examples = load_examples(dataset_folder(tmp_path, found.id))
    parts = split(examples, seed=0, validation_fraction=0.3)
    assert set(parts.train // 2).isdisjoint(parts.validation // 2)
    np.testing.assert_array_equal(np.sort(np.concatenate([parts.train, parts.validation])), np.arange(80))
