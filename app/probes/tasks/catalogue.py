"""The task of a trial, bound to its data."""

from collections.abc import Callable, Mapping

from app.probes.data import TrialData
from app.probes.tasks.audio_classification import AudioClassification
from app.probes.tasks.base import ProbeTask
from app.probes.tasks.dialogue import Dialogue
from app.probes.tasks.image_classification import ImageClassification
from app.probes.tasks.multi_label_classification import MultiLabel
from app.probes.tasks.question_answering import QuestionAnswering
from app.probes.tasks.sentence_similarity import Similarity
from app.probes.tasks.sequential_recommendation import Recommendation
from app.probes.tasks.summarization import Summarization
from app.probes.tasks.text_classification import Classification
from app.probes.tasks.text_generation import LanguageModelling
from app.probes.tasks.text_regression import Regression
from app.probes.tasks.text_retrieval import Retrieval
from app.probes.tasks.token_classification import Tagging
from app.probes.tasks.translation import Translation
from models_registry.vocabulary import TaskType


def _classification(data: TrialData) -> ProbeTask:
    return Classification(len(data.train.names))


PROBE_TASKS: Mapping[TaskType, Callable[[TrialData], ProbeTask]] = {
    TaskType.TEXT_CLASSIFICATION: _classification,
    TaskType.TEXT_PAIR_CLASSIFICATION: _classification,
    TaskType.RELATION_EXTRACTION: _classification,
    TaskType.MULTI_LABEL_CLASSIFICATION: lambda data: MultiLabel(len(data.train.names)),
    TaskType.IMAGE_CLASSIFICATION: lambda data: ImageClassification(len(data.train.names)),
    TaskType.AUDIO_CLASSIFICATION: lambda data: AudioClassification(len(data.train.names)),
    TaskType.TEXT_REGRESSION: lambda data: Regression(data.train.targets),
    TaskType.SENTENCE_SIMILARITY: lambda data: Similarity(data.train.targets),
    TaskType.SEQUENTIAL_RECOMMENDATION: Recommendation,
    TaskType.TEXT_RETRIEVAL: lambda _: Retrieval(),
    TaskType.TOKEN_CLASSIFICATION: lambda data: Tagging(data.train.names),
    TaskType.QUESTION_ANSWERING: lambda data: QuestionAnswering(data.train.targets),
    TaskType.SUMMARIZATION: lambda data: Summarization(data.train),
    TaskType.TRANSLATION: lambda data: Translation(data.train),
    TaskType.DIALOGUE: lambda data: Dialogue(data.train),
    TaskType.TEXT_GENERATION: lambda data: LanguageModelling(data.train),
}


def probe_task(task_type: str, data: TrialData) -> ProbeTask:
    """What is trained and scored in a trial.

    Args:
        task_type: As the API spells it.
        data: Of the trial.
    """
    return PROBE_TASKS[TaskType(task_type)](data)
