"""`/datasets`."""

import shutil
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, UploadFile
from starlette.responses import Response

from app.api.dependencies import DEFAULT_PROJECT, Cursor, Limit, Services, ServicesHere, json_response
from app.api.errors import DatasetInUseError
from app.api.schemas.datasets import DatasetDocument, DatasetPage
from app.api.schemas.problem import problems
from app.datasets import storage
from app.datasets.columns import ColumnChoices
from app.datasets.ingest import ingest
from app.datasets.profile import profile_to_json
from app.datasets.repository import DatasetRecord, DatasetRepository
from app.datasets.storage import DatasetNotFoundError, StoredDataset, require_id
from app.probes.artifact_files import delete_artifacts
from app.probes.repository import RunRepository
from benchmarks.repository import FigureRepository
from models_registry.vocabulary import TaskType

router = APIRouter(prefix="/datasets", tags=["data sets"])
SHOWN_CLASSES = 200
FEATURES = "features"
"""Folder of the feature cache in the data folder; a subfolder a data set, by its id."""
Column = Annotated[str | None, Form(max_length=200)]
DatasetId = Annotated[str, Path(max_length=100, description="Id of a data set.")]


@router.post(
    "",
    operation_id="create_dataset",
    summary="Upload a labelled data set",
    status_code=201,
    response_model=DatasetDocument,
    responses=problems(413, 415, 422),
)
def create_dataset(
    file: Annotated[
        UploadFile,
        File(
            description="CSV, TSV, JSON Lines, Parquet; tags as CoNLL, running text as it is, "
            "images and audio as ZIP or TAR."
        ),
    ],
    task_type: Annotated[
        TaskType, Form(description="What it is labelled for.", examples=["text-classification"])
    ],
    services: ServicesHere,
    text_column: Column = None,
    text_pair_column: Column = None,
    label_column: Column = None,
    group_column: Column = None,
    user_column: Column = None,
    item_column: Column = None,
    time_column: Column = None,
    name: Column = None,
) -> Response:
    """The same bytes, columns and task type give the same id."""
    choices = ColumnChoices(
        text=text_column or None,
        text_pair=text_pair_column or None,
        label=label_column or None,
        group=group_column or None,
        user=user_column or None,
        item=item_column or None,
        time=time_column or None,
    )
    stored = ingest(
        file.file,
        filename=file.filename or "data set",
        choices=choices,
        task_type=task_type,
        project=DEFAULT_PROJECT,
        data_dir=services.settings.data_dir,
        max_bytes=services.settings.max_upload_bytes,
        name=name or None,
    )
    record = keep(stored, services)
    return json_response(_dataset(record), 201, {"Location": f"/datasets/{stored.id}"})


@router.get(
    "",
    operation_id="list_datasets",
    summary="Data sets",
    response_model=DatasetPage,
    responses=problems(422),
)
def list_datasets(services: ServicesHere, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """Newest first."""
    with services.database.read() as session:
        page = DatasetRepository(session).page(project=DEFAULT_PROJECT, cursor=cursor, limit=limit)
    return json_response({"items": [_dataset(r) for r in page.items], "next_cursor": page.next_cursor})


@router.get(
    "/{dataset_id}",
    operation_id="get_dataset",
    summary="A data set's profile",
    response_model=DatasetDocument,
    responses=problems(404, 422),
)
def get_dataset(dataset_id: DatasetId, services: ServicesHere) -> Response:
    """As it was found when it was uploaded."""
    with services.database.read() as session:
        record = DatasetRepository(session).get(require_id(dataset_id), project=DEFAULT_PROJECT)
    if record is None:
        raise DatasetNotFoundError(dataset_id)
    return json_response(_dataset(record))


@router.delete(
    "/{dataset_id}",
    operation_id="delete_dataset",
    summary="Delete a data set and what was made from it",
    status_code=204,
    responses=problems(404, 409, 422),
)
def delete_dataset(dataset_id: DatasetId, services: ServicesHere) -> Response:
    """Its examples, cached features, probe figures and the models trained on it are gone."""
    with services.database.write() as session:
        datasets = DatasetRepository(session)
        record = datasets.get(require_id(dataset_id), project=DEFAULT_PROJECT)
        if record is None:
            raise DatasetNotFoundError(dataset_id)
        if RunRepository(session).uses_dataset(dataset_id):
            raise DatasetInUseError(dataset_id)
        datasets.delete(dataset_id)
        FigureRepository(session).remove_dataset(dataset_id)
        trained = RunRepository(session).forget_refits(dataset_id)
    # After the commit: files that outlive a crash here are found by nobody and replaced by the next upload.
    storage.delete(services.settings.data_dir, dataset_id)
    shutil.rmtree(services.settings.data_dir / FEATURES / dataset_id, ignore_errors=True)
    delete_artifacts(services.settings.data_dir, trained)
    return Response(status_code=204)


def keep(stored: StoredDataset, services: Services) -> DatasetRecord:
    """The record of a stored data set, committed."""
    with services.database.write() as session:
        return DatasetRepository(session).add(stored, created_at=services.now())


def _dataset(record: DatasetRecord) -> dict[str, object]:
    stored = record.stored
    profile = profile_to_json(stored.profile)
    profile["class_counts"] = dict(list(stored.profile.class_counts.items())[:SHOWN_CLASSES])
    profile["languages"] = [
        {"language": code, "share": round(share, 4)} for code, share in stored.profile.languages
    ]
    return {
        "id": stored.id,
        "sha256": stored.sha256,
        "name": stored.name,
        "task_type": stored.task_type.value,
        "n_examples": stored.profile.n_examples,
        "n_bytes": stored.n_bytes,
        "format": stored.file_format.value,
        "encoding": stored.encoding,
        "columns": {role.value: column for role, column in stored.columns.items()},
        "created_at": record.created_at,
        "profile": profile,
        "warnings": list(stored.warnings),
    }
