"""Dialogue: the turns so far, of which the last ones matter most, then the reply on a line of its own."""

from collections.abc import Mapping
from typing import ClassVar

from app.probes.baselines.texts import ANOTHER, NEAREST, predict_another, predict_nearest
from app.probes.tasks.base import Predict
from app.probes.tasks.text_writing import Writing
from models_registry.vocabulary import TaskType


class Dialogue(Writing):
    """The reply to a conversation."""

    task_type: ClassVar[TaskType] = TaskType.DIALOGUE
    cue: ClassVar[str] = "\n"
    keeps_end: ClassVar[bool] = True
    writing_baselines: ClassVar[Mapping[str, Predict]] = {ANOTHER: predict_another, NEAREST: predict_nearest}
