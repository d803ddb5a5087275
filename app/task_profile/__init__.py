"""Words and data facts into a TaskProfile."""

from app.task_profile.profile import TaskProfile
from app.task_profile.reading import read_task
from app.task_profile.words import (
    ReadConstraints,
    TaskConflictError,
    TaskReading,
    TaskReadingError,
    TaskWords,
    UnreadableTaskError,
)

__all__ = [
    "ReadConstraints",
    "TaskConflictError",
    "TaskProfile",
    "TaskReading",
    "TaskReadingError",
    "TaskWords",
    "UnreadableTaskError",
    "read_task",
]
