"""`POST /recommend`: what the user says."""

from typing import Annotated, Self, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.api.schemas.base import (
    Amount,
    Count,
    DeviceName,
    LanguageCode,
    MetricName,
    Name,
    RequestModel,
    SafeText,
)
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Domain, Modality, TaskType

MAX_NAMES = 1_000
HUBS: tuple[str, ...] = get_args(ModelEntry.model_fields["hub"].annotation)


def _known_hub(name: str) -> str:
    if name not in HUBS:
        raise PydanticCustomError(
            "unknown_hub", "no such hub; the names are {known}", {"known": ", ".join(HUBS)}
        )
    return name


Hub = Annotated[str, AfterValidator(_known_hub)]
Names = Annotated[tuple[Name, ...], Field(max_length=MAX_NAMES)]


class TaskWanted(RequestModel):
    """The task, in words or by its type; `type` beats `description`."""

    description: Annotated[SafeText, Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="The task in English or Chinese."
    )
    type: TaskType | None = Field(default=None, description="Task type; beats the description.")
    modality: Modality | None = Field(default=None, description="Kind of input.")
    languages: Annotated[tuple[LanguageCode, ...], Field(max_length=50)] = Field(
        default=(), description="ISO 639-1 codes of the text."
    )
    domain: Domain | None = Field(default=None, description="What the data is about.")
    metric: MetricName | None = Field(default=None, description="What counts; an alias will do.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.type is None and (self.description is None or not self.description.strip()):
            raise PydanticCustomError("task_missing", "give a description of the task or its type")
        return self


class DataFacts(RequestModel):
    """What is known of the data; a data set's own profile fills what is left out."""

    n_examples: Count | None = Field(default=None, description="Labelled examples.")
    n_classes: Annotated[int, Field(ge=1, le=10**7)] | None = Field(
        default=None, description="Distinct labels."
    )
    mean_length: Annotated[float, Field(ge=0, le=1e8)] | None = Field(
        default=None,
        description="Mean input length: characters of CJK text, words elsewhere; seconds of audio.",
    )
    class_counts: Annotated[dict[SafeText, Count], Field(max_length=10_000)] | None = Field(
        default=None, description="Examples per label."
    )
    n_unlabelled: Count = Field(default=0, description="Examples without a label that may be used too.")
    dataset_id: Annotated[SafeText, Field(max_length=100)] | None = Field(
        default=None, description="A data set uploaded with POST /datasets."
    )


class BudgetLimits(RequestModel):
    """Limits of the fine-tune; what is left out is read from the description or unlimited."""

    device: DeviceName | None = Field(
        default=None, description="cpu, cuda, mps or a card's name; cpu by default."
    )
    n_devices: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Devices used; 1 by default."
    )
    device_memory_gb: Annotated[float, Field(ge=0, le=1e6)] | None = Field(
        default=None, description="Memory of one device in GB; the device's own by default."
    )
    train_hours: Annotated[float, Field(ge=0, le=1e6)] | None = Field(
        default=None, description="Time for the fine-tune, hours."
    )
    price_per_hour: Amount | None = Field(default=None, description="Of one device, any currency.")
    max_price: Amount | None = Field(default=None, description="Of the fine-tune, same currency.")


class ModelConstraints(RequestModel):
    """Limits on the model itself."""

    max_parameters: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        default=None, description="Most parameters, embeddings included."
    )
    max_latency_ms: Amount | None = Field(
        default=None, description="Longest time of one prediction on the same device."
    )
    max_model_gb: Amount | None = Field(default=None, description="Largest weights on disk, GB.")
    licences: Names | None = Field(default=None, description="SPDX ids of the licences allowed.")
    commercial_use: bool | None = Field(
        default=None, description="True leaves out models whose licence forbids commercial use."
    )
    hubs: Annotated[tuple[Hub, ...], Field(max_length=20)] | None = Field(
        default=None, description="Where models may come from."
    )
    include: Names | None = Field(default=None, description="Only these models.")
    exclude: Names | None = Field(default=None, description="None of these models.")


class Weights(RequestModel):
    """What matters, relative to one another."""

    quality: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    latency: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    cost: Annotated[float, Field(ge=0, le=1_000)] = 0.0

    @model_validator(mode="after")
    def _weighs_something(self) -> Self:
        if self.quality + self.latency + self.cost <= 0:
            raise PydanticCustomError("weights_zero", "at least one weight must be above 0")
        return self


EXAMPLE = {
    "task": {"description": "情感分析：中文酒店评论，两类"},
    "data": {"n_examples": 6212, "n_classes": 2, "mean_length": 120},
    "budget": {"device": "cpu", "device_memory_gb": 8, "train_hours": 2.0},
    "top_k": 5,
}
ENGLISH_EXAMPLE = {
    "task": {
        "description": "Classify customer support emails by topic, 12 topics, English",
        "metric": "f1_macro",
    },
    "data": {"n_examples": 3000, "mean_length": 90},
    "budget": {"device": "NVIDIA T4", "train_hours": 1.0},
    "constraints": {"commercial_use": True, "max_parameters": 400_000_000},
    "weights": {"quality": 1.0, "latency": 0.2, "cost": 0.0},
}


class RecommendRequest(RequestModel):
    """Which model should be fine-tuned for this task, with this data, on this compute, and how?"""

    task: TaskWanted
    data: DataFacts = DataFacts()
    budget: BudgetLimits = BudgetLimits()
    constraints: ModelConstraints = ModelConstraints()
    weights: Weights = Weights()
    top_k: Annotated[int, Field(ge=1, le=200)] = Field(default=10, description="Rows of the ranking.")
