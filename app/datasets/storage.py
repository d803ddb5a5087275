"""Stored data sets: one folder each, whole or not there at all.

    <data_dir>/datasets/<id>/examples.parquet   the examples
    <data_dir>/datasets/<id>/files/             images or recordings, named by their content
    <data_dir>/datasets/<id>/meta.json          everything else that is known of them
    <data_dir>/datasets/.incoming/              what is still being received or written

The id follows from the file's bytes, the columns, the task type and the project: the same upload is the same
data set, and deleting one project's copy leaves another's alone.
"""

import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from pydantic import TypeAdapter

from app.datasets.errors import DatasetError
from app.datasets.profile import DatasetProfile
from app.tasks.base import ColumnRole, FileFormat
from models_registry.vocabulary import TaskType

LAYOUT = 1
"""Part of every id: data that is read in another way gets another id."""
META_NAME = "meta.json"
_ID = re.compile(r"ds_[0-9a-f]{16}")


class InvalidDatasetIdError(DatasetError):
    """Something else (a path, an address) where a data set's id is due."""

    def __init__(self, dataset_id: str) -> None:
        self.dataset_id = dataset_id
        super().__init__(
            "This is not the id of a data set.",
            remedy="Upload the file with POST /datasets and use the id it returns: ds_ and 16 digits.",
            pointer="/dataset_id",
        )


class DatasetNotFoundError(DatasetError):
    """No data set of this id is stored."""

    def __init__(self, dataset_id: str) -> None:
        self.dataset_id = dataset_id
        super().__init__(
            f"There is no data set {dataset_id}.",
            remedy="Upload it with POST /datasets; GET /datasets lists those there are.",
            pointer="/dataset_id",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataset:
    """A data set on disk and all that is known of it.

    Attributes:
        id: `ds_` and 16 hexadecimal digits.
        sha256: Of the uploaded bytes.
        name: What its owner calls it.
        task_type: What it is labelled for.
        project: Whose it is.
        columns: Column names by role, as they were read.
        file_format: Format of the upload.
        encoding: Codec of its text; None for Parquet and archives.
        n_bytes: Size of the upload.
        profile: Facts about the examples.
        warnings: What its owner should know.
    """

    id: str
    sha256: str
    name: str
    task_type: TaskType
    project: str
    columns: Mapping[ColumnRole, str]
    file_format: FileFormat
    encoding: str | None
    n_bytes: int
    profile: DatasetProfile
    warnings: tuple[str, ...]


_STORED = TypeAdapter(StoredDataset)


def require_id(dataset_id: str) -> str:
    """The id itself.

    Raises:
        InvalidDatasetIdError: It is none, so it must not become part of a path.
    """
    if not _ID.fullmatch(dataset_id):
        raise InvalidDatasetIdError(dataset_id)
    return dataset_id


def dataset_id(sha256: str, columns: Mapping[ColumnRole, str], task_type: TaskType, project: str) -> str:
    """The id that these bytes, columns, task type and project have."""
    identity = json.dumps([LAYOUT, sha256, sorted(columns.items()), task_type, project], ensure_ascii=True)
    return f"ds_{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def dataset_folder(data_dir: Path, dataset_id: str) -> Path:
    """Where the data set of this id is kept; see `load_examples`.

    Raises:
        InvalidDatasetIdError: It is no id.
    """
    return data_dir / "datasets" / require_id(dataset_id)


def incoming_folder(data_dir: Path) -> Path:
    """Where unfinished uploads lie; on the same file system, so that renaming is atomic."""
    return data_dir / "datasets" / ".incoming"


def find(data_dir: Path, dataset_id: str) -> StoredDataset | None:
    """The stored data set, or None."""
    try:
        text = (dataset_folder(data_dir, dataset_id) / META_NAME).read_bytes()
    except FileNotFoundError:
        return None
    return _STORED.validate_json(text)


def load_dataset(data_dir: Path, dataset_id: str) -> StoredDataset:
    """The stored data set.

    Raises:
        InvalidDatasetIdError: The id is none.
        DatasetNotFoundError: There is none of this id.
    """
    found = find(data_dir, dataset_id)
    if found is None:
        raise DatasetNotFoundError(dataset_id)
    return found


@contextmanager
def draft_folder(data_dir: Path) -> Iterator[Path]:
    """A folder to write a data set into; whatever is left in it at the end is gone."""
    parent = incoming_folder(data_dir)
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(dir=parent, prefix="draft-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(draft: Path, stored: StoredDataset, data_dir: Path) -> StoredDataset:
    """Makes a finished draft the data set, in one step; of two equal ones the first stays."""
    (draft / META_NAME).write_bytes(_STORED.dump_json(stored, indent=1))
    for file in draft.rglob("*"):
        _sync(file)
    target = dataset_folder(data_dir, stored.id)
    try:
        draft.rename(target)
    except OSError:
        existing = find(data_dir, stored.id)
        if existing is None:
            raise
        return existing
    _sync(target.parent)
    return stored


def delete(data_dir: Path, dataset_id: str) -> bool:
    """Removes the data set's files; False if there were none.

    It is moved aside first, so that no reader meets half of it.
    """
    with draft_folder(data_dir) as aside:
        try:
            dataset_folder(data_dir, dataset_id).rename(aside / "deleted")
        except FileNotFoundError:
            return False
    return True


def remove_abandoned(data_dir: Path, *, before: dt.datetime) -> int:
    """Removes what killed processes left behind before this instant; returns how many folders."""
    n_removed = 0
    folder = incoming_folder(data_dir)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.stat().st_mtime < before.timestamp():
            shutil.rmtree(path, ignore_errors=True)
            n_removed += 1
    return n_removed


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
