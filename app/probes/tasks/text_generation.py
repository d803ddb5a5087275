"""Text generation: every passage is predicted from its own beginning on."""

from typing import ClassVar

from app.probes.tasks.text_writing import Writing
from models_registry.vocabulary import TaskType


class LanguageModelling(Writing):
    """A passage of running text."""

    task_type: ClassVar[TaskType] = TaskType.TEXT_GENERATION
    reads_sources: ClassVar[bool] = False
