"""`/datasets/{id}/drift`."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.datasets import DatasetId
from app.api.dependencies import DEFAULT_PROJECT, LanguageHere, ServicesHere, json_response
from app.api.errors import InvalidRequestError
from app.api.schemas.drift import DriftDocument
from app.api.schemas.problem import problems
from app.datasets.drift.comparison import compare
from app.datasets.repository import DatasetRepository
from app.datasets.storage import (
    DatasetNotFoundError,
    InvalidDatasetIdError,
    StoredDataset,
    dataset_folder,
    require_id,
)
from app.drift_documents import drift_document
from app.probes.repository import RunRepository

router = APIRouter(prefix="/datasets", tags=["data sets"])
SEED = 0
"""The same two data sets get the same answer."""
_POINTER = "/later_dataset_id"


@router.get(
    "/{dataset_id}/drift",
    operation_id="compare_datasets",
    summary="Whether a later data set has drifted from this one, and whether to probe again",
    response_model=DriftDocument,
    responses=problems(404, 422),
)
def compare_datasets(
    dataset_id: DatasetId,
    later_dataset_id: Annotated[
        str,
        Query(
            max_length=100,
            description="Id of a data set of the same task, gathered later: upload it with POST /datasets.",
            examples=["ds_0123456789abcdef"],
        ),
    ],
    services: ServicesHere,
    language: LanguageHere,
) -> Response:
    """Texts, labels, lengths and languages of at most 2,000 examples of each.

    A change counts if chance brings it about less than once in a hundred times *and* it is no trifle;
    `probe_again` is advised if it is marked, if classes are new, or if the same texts carry other labels.
    `Accept-Language: zh` answers in Chinese.
    """
    with services.database.read() as session:
        datasets, runs = DatasetRepository(session), RunRepository(session)
        earlier = datasets.get(require_id(dataset_id), project=DEFAULT_PROJECT)
        if earlier is None:
            raise DatasetNotFoundError(dataset_id)
        later = _later(later_dataset_id, earlier.stored, datasets)
        run = runs.newest_answer(dataset_id)
    data_dir = services.settings.data_dir
    folders = dataset_folder(data_dir, dataset_id), dataset_folder(data_dir, later.id)
    drift = compare(earlier.stored, later, folders, seed=SEED)
    return json_response(drift_document(earlier.stored, later, drift, run, language))


def _later(dataset_id: str, earlier: StoredDataset, datasets: DatasetRepository) -> StoredDataset:
    """The later data set.

    Raises:
        InvalidRequestError: There is none of this id, it is the same, or it is of another task.
    """
    try:
        found = datasets.get(require_id(dataset_id), project=DEFAULT_PROJECT)
    except InvalidDatasetIdError as error:
        raise InvalidRequestError.at(_POINTER, f"{error.detail} {error.remedy}") from None
    if found is None:
        raise InvalidRequestError.at(_POINTER, "there is no such data set; POST /datasets makes one")
    if found.stored.id == earlier.id:
        raise InvalidRequestError.at(_POINTER, "this is the same data set; name one that was gathered later")
    if found.stored.task_type is not earlier.task_type:
        detail = f"its task is {found.stored.task_type}, the earlier one's is {earlier.task_type}; "
        raise InvalidRequestError.at(_POINTER, detail + "upload it with the earlier one's task_type")
    return found.stored
