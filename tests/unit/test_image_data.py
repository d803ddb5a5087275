"""Archives of images become stored data sets, and what is asked of them is foretold."""

from pathlib import Path

import numpy as np
import pytest

from app.api.errors import InvalidRequestError
from app.api.probe_checks import check_task
from app.api.schemas.probe_runs import ProbeRunRequest
from app.datasets.columns import ColumnChoices
from app.datasets.errors import DatasetError
from app.datasets.examples import load_examples
from app.datasets.ingest import ingest
from app.datasets.row_errors import UnusableValueError
from app.datasets.split import split
from app.datasets.storage import StoredDataset, dataset_folder, delete
from app.probes.footprint import fitted, peak_bytes, places
from app.probes.weights import packaged_entries
from app.tasks.base import FileFormat
from models_registry.vocabulary import Strategy, TaskType
from tests.images import class_folders, image_bytes, write_tar, write_zip

LITE0 = packaged_entries()["efficientnet-lite0"]


def stored(path: Path, data_dir: Path, **choices: str) -> StoredDataset:
    return ingest(
        path,
        filename=path.name,
        choices=ColumnChoices(**choices),
        task_type=TaskType.IMAGE_CLASSIFICATION,
        project="default",
        data_dir=data_dir,
        max_bytes=10**8,
    )


def test_images_are_stored_with_their_classes_and_deleted_with_them(tmp_path: Path) -> None:
    found = stored(write_zip(tmp_path / "a.zip", class_folders(6)), tmp_path)
    folder = dataset_folder(tmp_path, found.id)
    examples = load_examples(folder)
    assert examples.label_names == ("cold", "warm")
    assert all((folder / name).is_file() for name in examples.texts)
    assert found.file_format is FileFormat.ARCHIVE
    assert delete(tmp_path, found.id)
    assert not folder.exists()
    assert not list((tmp_path / "datasets" / ".incoming").iterdir())


def test_images_have_no_language_and_a_length_of_one(tmp_path: Path) -> None:
    profile = stored(write_tar(tmp_path / "a.tar.gz", class_folders(6)), tmp_path).profile
    assert (profile.languages, profile.mean_length, profile.max_length) == ((), 1.0, 1)
    assert profile.class_counts == {"cold": 6, "warm": 6}


def test_copies_of_an_image_stay_on_one_side(tmp_path: Path) -> None:
    files = class_folders(10)
    files |= {f"cold/copy-{i}.png": files["cold/0.png"] for i in range(5)}
    found = stored(write_zip(tmp_path / "a.zip", files), tmp_path)
    assert found.profile.duplicates == 5
    assert any("repeat an earlier image" in warning for warning in found.warnings)
    examples = load_examples(dataset_folder(tmp_path, found.id))
    parts = split(examples, seed=0)
    train, validation = ({examples.texts[i] for i in rows} for rows in (parts.train, parts.validation))
    assert not train & validation


def test_the_columns_of_a_manifest_may_be_named(tmp_path: Path) -> None:
    table = "where,kind,other\n" + "".join(f"{i}.png,{'ab'[i % 2]},{i % 3}\n" for i in range(6))
    files = {f"{i}.png": image_bytes(i % 2, i) for i in range(7)}
    path = write_zip(tmp_path / "a.zip", {**files, "labels.csv": table.encode()})
    found = stored(path, tmp_path, text="where", label="kind")
    assert found.profile.class_counts == {"a": 3, "b": 3}
    assert len(list((dataset_folder(tmp_path, found.id) / "files").iterdir())) == 6
    with pytest.raises(UnusableValueError, match="names no image"):
        stored(path, tmp_path, text="other", label="kind")


def test_a_refused_archive_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        stored(write_zip(tmp_path / "a.zip", {**class_folders(2), "cold/b.jpg": b"none"}), tmp_path)
    assert not list((tmp_path / "datasets" / ".incoming").iterdir())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"strategies": ["head", "lora"]}, "/strategies/1"),
        ({"task": {"metric": "top5_accuracy"}}, "/task/metric"),
    ],
)
def test_what_is_not_done_with_images_is_refused(
    tmp_path: Path, body: dict[str, object], pointer: str
) -> None:
    found = stored(write_zip(tmp_path / "a.zip", class_folders(6)), tmp_path)
    request = ProbeRunRequest.model_validate({"dataset_id": found.id, **body})
    with pytest.raises(InvalidRequestError) as raised:
        check_task(request, found)
    assert [fault.pointer for fault in raised.value.faults] == [pointer]


def test_memory_of_a_convolutional_network_hangs_on_the_batch_alone() -> None:
    peaks = [
        peak_bytes(LITE0, Strategy.FULL, micro_batch=b, tokens=t) for b, t in ((16, 16), (16, 512), (1, 16))
    ]
    assert peaks[0] == peaks[1] > peaks[2]
    assert np.isfinite(fitted(LITE0, Strategy.FULL, 16, 8e9).peak_bytes)
    assert places(LITE0, 16) == 197
