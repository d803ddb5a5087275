"""What a belief is about: the user's task as two columns nobody has measured, tuned and frozen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.ranking.calibration import Calibration
from app.ranking.columns import Column, ColumnTable
from app.ranking.prediction import TargetKernels
from app.ranking.prior import Prior
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Protocol
from models_registry.vocabulary import TaskType

Array = NDArray[np.float64]

FEW_EXAMPLES = 2_000
"""Up to here a task is compared with few-shot benchmarks (EuroEval trains on 1,024 examples)."""
SIZE_STEPS_PER_DECADE = 2
"""Data sizes are rounded to half decades, far below the size component's length scale of one decade."""
_COMPARED = frozenset(
    {
        TaskType.SENTENCE_SIMILARITY,
        TaskType.TEXT_RETRIEVAL,
        TaskType.IMAGE_TEXT_RETRIEVAL,
        TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION,
    }
)
"""Tasks in which representations are compared as they are: figures of frozen models are zero-shot figures."""
YOUR_TASK = "your task"
"""Stands for the benchmark that nobody has measured: unlike every other, like itself."""
TUNED, FROZEN = 0, 1
SIMILARITY_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the belief depends on; two requests with equal targets share it."""

    tuned: Column
    frozen: Column

    @classmethod
    def of(cls, profile: TaskProfile) -> "Target":
        """The target columns of a task, data size rounded."""
        size = round_size(profile.n_examples)
        tuned = Protocol.FEW_SHOT_TUNED if size is not None and size <= FEW_EXAMPLES else Protocol.FINE_TUNED

        def column(protocol: Protocol) -> Column:
            return Column(
                task_type=profile.task_type,
                modality=profile.modality,
                languages=frozenset(profile.languages),
                domain=profile.domain,
                protocol=protocol,
                metric=profile.metric,
                n_train=size,
                n_classes=profile.n_classes,
                suite=YOUR_TASK,
                benchmark=YOUR_TASK,
                dataset=YOUR_TASK,
            )

        frozen = Protocol.ZERO_SHOT if profile.task_type in _COMPARED else Protocol.LINEAR_PROBE
        return cls(tuned=column(tuned), frozen=column(frozen))

    @property
    def columns(self) -> tuple[Column, Column]:
        """Both, in the order of `TUNED` and `FROZEN`."""
        return self.tuned, self.frozen


def round_size(n: int | None) -> int | None:
    """The size rounded to `SIZE_STEPS_PER_DECADE`."""
    if n is None:
        return None
    steps = round(math.log10(max(n, 1)) * SIZE_STEPS_PER_DECADE)
    return int(10.0 ** (steps / SIZE_STEPS_PER_DECADE) + 0.5)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TargetView:
    """What a fitted prior says of a target, whatever the models.

    Attributes:
        kernels: Between both columns and those of the figures.
        levels: Where an average model scores on each, comparable scale.
        spread: What one standard unit is worth.
        factors: What variances on each are multiplied by, shape (2,).
        apart: Variance of the part of its level that each has alone, shape (2,): what frozen features reach
            says only in part what a fine-tune reaches.
        level_variance: Of the part that they share.
        similarity: Between both columns and those of the figures, shape (2, C), 0 to 1.
    """

    kernels: TargetKernels
    levels: tuple[float, float]
    spread: float
    factors: Array
    apart: Array
    level_variance: float
    similarity: Array

    @classmethod
    def of(cls, prior: Prior, calibration: Calibration, target: Target) -> Self:
        """Of this target."""
        (level, variance, spread), (frozen_level, frozen_variance, _) = (
            prior.level_model.predict(c) for c in target.columns
        )
        shared = prior.level_model.between_protocols
        return cls(
            kernels=TargetKernels.of(prior, target.columns),
            levels=(level, frozen_level),
            spread=spread,
            factors=np.array([calibration.factor(c) for c in target.columns]),
            apart=(1.0 - shared) * np.array([variance, frozen_variance]),
            level_variance=shared * variance,
            similarity=column_similarity(prior, target.columns),
        )


def column_similarity(prior: Prior, targets: Sequence[Column]) -> Array:
    """Correlation of a model's deviations on these and on the figures' columns, (targets, C), 0 to 1.

    Rounded, so that the order of summation does not decide which of two equally similar columns is named.
    """
    variances = prior.hyper.own + prior.hyper.family
    components = ColumnTable(targets).similarity(prior.table.columns)
    similarity = np.tensordot(variances, components, axes=1) / variances.sum()
    return np.asarray(similarity.round(SIMILARITY_DIGITS))
