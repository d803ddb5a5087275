"""An upload becomes a stored data set, or an error and nothing."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from app.datasets.audio import RECORDINGS
from app.datasets.collecting import collect
from app.datasets.columns import ChosenColumns, ColumnChoices, choose_columns, known_names
from app.datasets.errors import DatasetError
from app.datasets.examples import FILE_NAME, ExampleWriter, load_examples
from app.datasets.images import IMAGES
from app.datasets.labelled_files import keep_named
from app.datasets.profile import profile_warnings
from app.datasets.reading import OpenedFile, open_file
from app.datasets.row_errors import TooManyRowsError
from app.datasets.storage import (
    StoredDataset,
    dataset_id,
    draft_folder,
    find,
    incoming_folder,
    publish,
)
from app.datasets.titles import write_titles
from app.datasets.upload import CHUNK_BYTES, Upload, store_upload
from app.tasks.base import ColumnRole, TaskDefinition
from app.tasks.catalogue import TASKS, task
from models_registry.vocabulary import Modality, TaskType

MAX_INLINE_ROWS = 2_000
MAX_INLINE_BYTES = 32 * 2**20
MAX_NAME_CHARACTERS = 200
MEDIA = MappingProxyType({Modality.IMAGE: IMAGES, Modality.AUDIO: RECORDINGS})
"""What examples that are files are, by what the task reads."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+")


class UnsupportedTaskError(DatasetError):
    """A task whose data is not read from uploads.

    Attributes:
        task_type: The task.
    """

    def __init__(self, task_type: TaskType) -> None:
        self.task_type = task_type
        readable = ", ".join(definition.task_type for definition in TASKS.values() if definition.can_probe)
        super().__init__(
            f"Data of {task_type} cannot be probed.",
            remedy=f"Choose one of: {readable}.",
            pointer="/task_type",
        )


def ingest(
    source: Path | BinaryIO,
    *,
    filename: str,
    choices: ColumnChoices,
    task_type: TaskType,
    project: str,
    data_dir: Path,
    max_bytes: int,
    name: str | None = None,
) -> StoredDataset:
    """The data set that this file holds, stored; the same upload gives the same one.

    Args:
        source: The file, or a stream of it, which is read no further than the limit.
        filename: What the caller calls the file.
        choices: Columns that the caller names.
        task_type: What it is labelled for.
        project: Whose it is.
        data_dir: The service's data folder.
        max_bytes: Largest upload accepted.
        name: What the caller calls the data set; the file's name if None.

    Raises:
        DatasetError: The file cannot be used; nothing is left behind.
    """
    definition = _readable(task_type)
    title = _title(name or filename)
    folder = incoming_folder(data_dir)
    with (
        _stream(source) as stream,
        store_upload(_chunks(stream), limit_bytes=max_bytes, folder=folder) as upload,
    ):
        opened = open_file(
            upload.path,
            filename=filename,
            accepted=definition.formats,
            known_names=known_names(choices, definition),
            medium=MEDIA.get(definition.modality),
        )
        columns = choose_columns(opened.source, choices, definition)
        key = dataset_id(upload.sha256, columns.by_role, task_type, project)
        return find(data_dir, key) or _store(
            key, title, upload, opened, columns, definition, project, data_dir
        )


def ingest_rows(
    rows: Sequence[Mapping[str, object]], *, task_type: TaskType, project: str, data_dir: Path
) -> StoredDataset:
    """The data set that these rows of a request body are, stored; the same rows give the same one.

    Args:
        rows: At most 2,000 objects with the task's roles as keys (`text`, `label`).
        task_type: What they are labelled for.
        project: Whose they are.
        data_dir: The service's data folder.

    Raises:
        DatasetError: They cannot be used; its pointer is `/examples` or `/task/type`, its rows count from 1.
    """
    if len(rows) > MAX_INLINE_ROWS:
        raise TooManyRowsError(MAX_INLINE_ROWS, pointer="/examples")
    lines = "\n".join(json.dumps(row, ensure_ascii=True, sort_keys=True) for row in rows)
    has_groups = any(row.get(ColumnRole.GROUP) is not None for row in rows)
    choices = ColumnChoices(
        text="text",
        text_pair="text_pair" if task(task_type).is_paired else None,
        label="label" if task(task_type).rule(ColumnRole.LABEL) else None,
        group="group" if has_groups else None,
    )
    try:
        return ingest(
            BytesIO(lines.encode("ascii")),
            filename="examples.jsonl",
            choices=choices,
            task_type=task_type,
            project=project,
            data_dir=data_dir,
            max_bytes=MAX_INLINE_BYTES,
            name="examples in the request",
        )
    except DatasetError as error:
        error.pointer = "/task/type" if error.pointer == "/task_type" else "/examples"
        raise


def _readable(task_type: TaskType) -> TaskDefinition:
    definition = task(task_type)
    if not definition.can_probe:
        raise UnsupportedTaskError(task_type)
    return definition


def _store(
    key: str,
    name: str,
    upload: Upload,
    opened: OpenedFile,
    columns: ChosenColumns,
    definition: TaskDefinition,
    project: str,
    data_dir: Path,
) -> StoredDataset:
    with draft_folder(data_dir) as draft:
        with ExampleWriter(draft / FILE_NAME, definition.target) as writer:
            collected = collect(opened.source, columns, definition, writer, opened.seconds)
        if collected.titles:
            write_titles(draft, collected.titles)
        if opened.folder is not None:
            keep_named(opened.folder, draft, load_examples(draft).texts)
        stored = StoredDataset(
            id=key,
            sha256=upload.sha256,
            name=name,
            task_type=definition.task_type,
            project=project,
            columns=dict(columns.by_role),
            file_format=opened.format,
            encoding=opened.encoding,
            n_bytes=upload.n_bytes,
            profile=collected.profile,
            warnings=(
                *opened.warnings,
                *columns.warnings,
                *collected.warnings,
                *profile_warnings(collected.profile, definition.target, noun=definition.noun),
            ),
        )
        return publish(draft, stored, data_dir)


def _stream(source: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """The caller's stream, left open at the end, or the file, closed then."""
    return source.open("rb") if isinstance(source, Path) else nullcontext(source)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _title(name: str) -> str:
    """A name fit to be shown: no folders, no control characters, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    return _UNPRINTABLE.sub(" ", last).strip()[:MAX_NAME_CHARACTERS] or "data set"
