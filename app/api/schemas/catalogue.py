"""Models, benchmarks, figures and tasks."""

import datetime as dt
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from app.api.schemas.base import MetricName, Name, RequestModel, ResponseModel, SafeText
from app.tasks.base import ColumnRole, FileFormat
from benchmarks.figures import FigureKind, Protocol
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Domain, Modality, TaskType


class ColumnDocument(ResponseModel):
    """One column of a task's data."""

    role: ColumnRole
    description: str
    required: bool
    names: list[str]


class TaskDocument(ResponseModel):
    """One task type."""

    type: TaskType
    title: str
    modality: Modality
    metrics: list[str]
    data: str
    formats: list[FileFormat]
    columns: list[ColumnDocument]
    can_probe: bool


class TaskList(ResponseModel):
    """All task types."""

    items: list[TaskDocument]


class ModelDocument(ResponseModel):
    """A model as the registry describes it; `name` is `hub:id@revision`."""

    name: str
    hub: str
    id: str
    revision: str
    family: str
    architecture: str
    modality: Modality
    task_types: list[TaskType]
    languages: list[str]
    domains: list[Domain]
    pretraining_corpora: list[str]
    fine_tuned_on: list[str]
    n_parameters: int
    n_embedding_parameters: int
    embedding_width: int
    n_layers: int
    max_length: int | None
    input_size: int | None
    window_seconds: float | None
    forward_flops: float
    flops_unit: str
    weights: dict[str, Any]
    licence: str
    release_date: dt.date
    aliases: list[str]
    derived_from: str | None
    input_prefix: str
    sources: list[str]


class ModelPage(ResponseModel):
    """Some models, by name."""

    items: list[ModelDocument]
    next_cursor: str | None


class NewModel(ModelEntry):
    """A model of your own. Only safetensors are probed; conversions are reviewed, so name none."""

    @field_validator("weights")
    @classmethod
    def _names_no_converter(cls, weights: Any) -> Any:  # noqa: ANN401  (as pydantic hands it over)
        if weights.converter is not None or weights.packages:
            raise PydanticCustomError("converter", "converter and packages are for reviewed entries only")
        return weights

    @field_validator("id")
    @classmethod
    def _stays_inside(cls, model_id: str) -> str:
        if ".." in model_id:
            raise PydanticCustomError("model_id", "an id, not a path")
        return model_id


class BenchmarkDocument(ResponseModel):
    """A benchmark."""

    name: str
    task_type: TaskType
    modality: Modality
    languages: list[str]
    domain: Domain
    metric: str
    n_classes: int | None
    n_train: int | None
    suite: str
    aliases: list[str]
    source: str


class BenchmarkPage(ResponseModel):
    """Some benchmarks, by name."""

    items: list[BenchmarkDocument]
    next_cursor: str | None


class FigureDocument(ResponseModel):
    """A figure in the database."""

    id: int
    model: str
    benchmark: str
    metric: str
    value: float
    protocol: Protocol
    split: str
    std_error: float | None
    n_test: int | None
    source: str
    as_of: dt.date
    kind: FigureKind


class FigurePage(ResponseModel):
    """Some figures, oldest first."""

    items: list[FigureDocument]
    next_cursor: str | None


class NewFigure(RequestModel):
    """A published figure; fractions, not percent."""

    model: Name = Field(description="hub:id of a model, or the source's own name.")
    benchmark: Annotated[SafeText, Field(min_length=1, max_length=200)]
    metric: MetricName
    value: float
    protocol: Protocol
    split: Annotated[SafeText, Field(min_length=1, max_length=32)] = "test"
    std_error: Annotated[float, Field(ge=0, le=1e9)] | None = None
    n_test: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None
    source: Annotated[SafeText, Field(min_length=1, max_length=2_000)]
    as_of: dt.date


FIGURES_EXAMPLE = {
    "figures": [
        {
            "model": "huggingface:google-bert/bert-base-uncased",
            "benchmark": "my-tickets",
            "metric": "accuracy",
            "value": 0.912,
            "protocol": "fine-tuned",
            "n_test": 2000,
            "source": "https://example.org/results",
            "as_of": "2026-01-31",
        }
    ]
}


class NewFigures(RequestModel):
    """Figures to import; importing the same ones again changes nothing."""

    figures: Annotated[tuple[NewFigure, ...], Field(min_length=1, max_length=20_000)]


class ImportReport(ResponseModel):
    """What an import changed."""

    inserted: int
    unchanged: int
