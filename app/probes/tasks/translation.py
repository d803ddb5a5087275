"""Translation: a text, then the same in another language.

Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 3.7 (the cue).
"""

from collections.abc import Mapping
from typing import ClassVar

from app.probes.baselines.texts import ANOTHER, COPY, predict_another, predict_copy
from app.probes.tasks.base import Predict
from app.probes.tasks.text_writing import Writing
from models_registry.vocabulary import TaskType


class Translation(Writing):
    """A translation of a text."""

    task_type: ClassVar[TaskType] = TaskType.TRANSLATION
    cue: ClassVar[str] = " ="
    writing_baselines: ClassVar[Mapping[str, Predict]] = {ANOTHER: predict_another, COPY: predict_copy}
