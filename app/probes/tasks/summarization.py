"""Summarization: a document, then its summary.

Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 3.6 (the cue).
"""

from collections.abc import Mapping
from typing import ClassVar

from app.probes.baselines.texts import ANOTHER, LEAD, predict_another, predict_lead
from app.probes.tasks.base import Predict
from app.probes.tasks.text_writing import Writing
from models_registry.vocabulary import TaskType


class Summarization(Writing):
    """A summary of a document."""

    task_type: ClassVar[TaskType] = TaskType.SUMMARIZATION
    cue: ClassVar[str] = "\nTL;DR:"
    writing_baselines: ClassVar[Mapping[str, Predict]] = {ANOTHER: predict_another, LEAD: predict_lead}
