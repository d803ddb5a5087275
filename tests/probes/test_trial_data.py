from pathlib import Path

import numpy as np

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.data import MOST_VALIDATION, read_trial_data, write_split
from app.tasks.base import CheckedRow


def write(folder: Path, rows: list[tuple[str, str]]) -> Path:
    folder.mkdir(parents=True)
    with ExampleWriter(folder / FILE_NAME) as writer:
        for text, label in rows:
            writer.add(CheckedRow(text=text, label=label))
    return folder


def test_parts_are_the_rows_that_were_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", [("a", "y"), ("b", "x"), ("c", "y"), ("d", "x")])
    write_split(tmp_path / "split.json", np.array([3, 0]), np.array([1]))
    data = read_trial_data(folder, tmp_path / "split.json")
    assert list(data.train.texts) == ["d", "a"]
    assert data.train.labels.tolist() == [0, 1]
    assert data.validation.rows.tolist() == [1]


def test_copies_of_a_text_share_a_group(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", [("a", "y"), ("b", "x"), ("a", "x")])
    write_split(tmp_path / "split.json", np.array([0, 1, 2]), np.array([], dtype=np.int64))
    groups = read_trial_data(folder, tmp_path / "split.json").train.groups
    assert groups[0] == groups[2] != groups[1]


def test_long_validation_is_thinned_evenly(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", [(str(i), "xy"[i % 2]) for i in range(3_000)])
    write_split(tmp_path / "split.json", np.array([0]), np.arange(1, 3_000))
    rows = read_trial_data(folder, tmp_path / "split.json").validation.rows
    assert len(rows) == len(set(rows.tolist())) == MOST_VALIDATION
    assert (rows[0], rows[-1]) == (1, 2_999)
