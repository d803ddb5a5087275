"""Every task type with its definition; a task that can be probed has a file of its own beside this one."""

from types import MappingProxyType

from app.tasks.audio_classification import AUDIO_CLASSIFICATION
from app.tasks.base import FileFormat, TaskDefinition
from app.tasks.dialogue import DIALOGUE
from app.tasks.image_classification import IMAGE_CLASSIFICATION
from app.tasks.multi_label_classification import MULTI_LABEL_CLASSIFICATION
from app.tasks.question_answering import QUESTION_ANSWERING
from app.tasks.relation_extraction import RELATION_EXTRACTION
from app.tasks.sentence_similarity import SENTENCE_SIMILARITY
from app.tasks.sequential_recommendation import SEQUENTIAL_RECOMMENDATION
from app.tasks.summarization import SUMMARIZATION
from app.tasks.text_classification import TEXT_CLASSIFICATION
from app.tasks.text_generation import TEXT_GENERATION
from app.tasks.text_pair_classification import TEXT_PAIR_CLASSIFICATION
from app.tasks.text_regression import TEXT_REGRESSION
from app.tasks.text_retrieval import TEXT_RETRIEVAL
from app.tasks.token_classification import TOKEN_CLASSIFICATION
from app.tasks.translation import TRANSLATION
from models_registry.vocabulary import TaskType

_ARCHIVE = (FileFormat.ARCHIVE,)
_RECORDS = (FileFormat.JSON_LINES, FileFormat.PARQUET)


def _described(
    task_type: TaskType, title: str, metrics: tuple[str, ...], data: str, formats: tuple[FileFormat, ...]
) -> TaskDefinition:
    return TaskDefinition(task_type=task_type, title=title, metrics=metrics, data=data, formats=formats)


_ALL = (
    TEXT_CLASSIFICATION,
    MULTI_LABEL_CLASSIFICATION,
    TEXT_PAIR_CLASSIFICATION,
    TEXT_REGRESSION,
    SENTENCE_SIMILARITY,
    TEXT_RETRIEVAL,
    TOKEN_CLASSIFICATION,
    RELATION_EXTRACTION,
    QUESTION_ANSWERING,
    SUMMARIZATION,
    TRANSLATION,
    DIALOGUE,
    TEXT_GENERATION,
    IMAGE_CLASSIFICATION,
    _described(
        TaskType.OBJECT_DETECTION,
        "Object detection",
        ("map",),
        "An image with boxes and their classes.",
        _ARCHIVE,
    ),
    _described(
        TaskType.IMAGE_SEGMENTATION,
        "Image segmentation",
        ("mean_iou",),
        "An image and a mask of the same size.",
        _ARCHIVE,
    ),
    _described(
        TaskType.IMAGE_GENERATION, "Image generation", ("fid",), "An image and its caption.", _ARCHIVE
    ),
    _described(
        TaskType.VIDEO_CLASSIFICATION,
        "Video classification",
        ("accuracy", "top5_accuracy"),
        "A clip and its class.",
        _ARCHIVE,
    ),
    AUDIO_CLASSIFICATION,
    _described(
        TaskType.AUTOMATIC_SPEECH_RECOGNITION,
        "Automatic speech recognition",
        ("wer", "cer"),
        "A recording and its transcript.",
        _ARCHIVE,
    ),
    _described(
        TaskType.TEXT_TO_SPEECH,
        "Text to speech",
        ("mos", "cer", "wer"),
        "A recording of one voice and its transcript.",
        _ARCHIVE,
    ),
    _described(
        TaskType.IMAGE_TO_TEXT,
        "Image to text",
        ("cider", "bleu", "rougeL"),
        "An image and its caption.",
        _ARCHIVE,
    ),
    _described(
        TaskType.VISUAL_QUESTION_ANSWERING,
        "Visual question answering",
        ("vqa_accuracy", "accuracy", "exact_match"),
        "An image, a question and its answer.",
        _ARCHIVE,
    ),
    _described(
        TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION,
        "Zero-shot image classification",
        ("accuracy", "top5_accuracy"),
        "An image, its class, and the names of all classes.",
        _ARCHIVE,
    ),
    _described(
        TaskType.IMAGE_TEXT_RETRIEVAL,
        "Image-text retrieval",
        ("recall_at_1", "recall_at_5", "recall_at_10"),
        "An image and a caption that belongs to it.",
        _ARCHIVE,
    ),
    SEQUENTIAL_RECOMMENDATION,
)
TASKS = MappingProxyType({definition.task_type: definition for definition in _ALL})


def task(task_type: TaskType) -> TaskDefinition:
    """The definition of this task type; there is one for each."""
    return TASKS[task_type]
