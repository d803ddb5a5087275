"""Data sets."""

import datetime as dt

from pydantic import Field

from app.api.schemas.base import ResponseModel
from app.datasets.profile import LengthUnit
from app.tasks.base import FileFormat
from models_registry.vocabulary import TaskType


class LanguageShare(ResponseModel):
    """How much of the data is in one language."""

    language: str
    share: float


class InteractionsDocument(ResponseModel):
    """What users did with items, of the users that are kept."""

    n_users: int
    n_items: int
    n_interactions: int
    density: float
    median_length: float
    users_left_out: int
    users_cut: int


class ProfileDocument(ResponseModel):
    """Facts about the data."""

    n_examples: int
    n_classes: int
    class_counts: dict[str, int] = Field(description="Examples per label; the most frequent 200.")
    length_unit: LengthUnit
    mean_length: float
    p95_length: float
    max_length: int
    languages: list[LanguageShare]
    cjk_share: float
    duplicates: int
    conflicting_labels: int
    empty_texts: int
    missing_labels: int
    imbalance_ratio: float
    interactions: InteractionsDocument | None = Field(
        default=None, description="Where examples are histories of users; lengths then count items."
    )


class DatasetDocument(ResponseModel):
    """A data set."""

    id: str
    sha256: str
    name: str
    task_type: TaskType
    n_examples: int
    n_bytes: int
    format: FileFormat
    encoding: str | None
    columns: dict[str, str]
    created_at: dt.datetime
    profile: ProfileDocument
    warnings: list[str]


class DatasetPage(ResponseModel):
    """Some data sets, newest first."""

    items: list[DatasetDocument]
    next_cursor: str | None
