"""Small true-to-form values for tests."""

import datetime as dt
from typing import Any

import numpy as np

from app.ranking.columns import COMPONENTS
from app.ranking.levels import LIKENESS, LevelVariances
from app.ranking.prior import Hyperparameters
from app.ranking.table import NumberedFigure
from benchmarks.figures import Benchmark, Figure, Protocol
from models_registry.entry import Architecture, ModelEntry, Weights, WeightsFormat
from models_registry.vocabulary import Domain, Modality, TaskType


def make_entry(name: str = "org/model", **changes: Any) -> ModelEntry:
    values: dict[str, Any] = {
        "hub": "huggingface",
        "id": name,
        "revision": "main",
        "family": "bert",
        "architecture": Architecture.ENCODER,
        "modality": Modality.TEXT,
        "task_types": (TaskType.TEXT_CLASSIFICATION,),
        "languages": ("en",),
        "n_parameters": 110_000_000,
        "n_embedding_parameters": 24_000_000,
        "embedding_width": 768,
        "n_layers": 12,
        "max_length": 512,
        "forward_flops": 1.7e8,
        "flops_unit": "token",
        "weights": Weights(format=WeightsFormat.SAFETENSORS, n_bytes=440_000_000),
        "licence": "apache-2.0",
        "release_date": dt.date(2019, 6, 1),
        "sources": ("https://example.org/card",),
    }
    return ModelEntry.model_validate({**values, **changes})


def make_benchmark(name: str = "reviews", **changes: Any) -> Benchmark:
    values: dict[str, Any] = {
        "name": name,
        "task_type": TaskType.TEXT_CLASSIFICATION,
        "modality": Modality.TEXT,
        "languages": ("en",),
        "domain": Domain.REVIEWS,
        "metric": "accuracy",
        "n_classes": 2,
        "n_train": 10_000,
        "suite": name,
    }
    return Benchmark(**{**values, **changes})


def make_figure(model: str, benchmark: str, value: float, **changes: Any) -> Figure:
    values: dict[str, Any] = {
        "model": model,
        "benchmark": benchmark,
        "metric": "accuracy",
        "value": value,
        "protocol": Protocol.FINE_TUNED,
        "source": "https://example.org/table",
        "as_of": dt.date(2024, 1, 1),
    }
    return Figure(**{**values, **changes})


def numbered(figures: list[Figure]) -> list[NumberedFigure]:
    return [NumberedFigure(id=i, figure=f) for i, f in enumerate(figures)]


def make_hyperparameters() -> Hyperparameters:
    return Hyperparameters(
        family=np.full(len(COMPONENTS), 0.05),
        own=np.full(len(COMPONENTS), 0.15),
        noise=0.05,
        trait_variance=0.1,
        levels=LevelVariances(values=np.full(len(LIKENESS), 0.1)),
        version="test",
    )
