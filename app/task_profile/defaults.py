"""What holds where the user says nothing: one table of metrics, one of domains."""

from collections.abc import Mapping
from types import MappingProxyType

from models_registry.vocabulary import MODALITY_OF, Domain, Modality, TaskType

DEFAULT_METRIC: Mapping[TaskType, str] = MappingProxyType(
    {
        TaskType.TEXT_CLASSIFICATION: "accuracy",
        TaskType.MULTI_LABEL_CLASSIFICATION: "f1_micro",
        TaskType.TEXT_PAIR_CLASSIFICATION: "accuracy",
        TaskType.TEXT_REGRESSION: "spearmanr",
        TaskType.SENTENCE_SIMILARITY: "spearmanr",
        TaskType.TEXT_RETRIEVAL: "ndcg_at_10",
        TaskType.TOKEN_CLASSIFICATION: "entity_f1",
        TaskType.RELATION_EXTRACTION: "f1_micro",
        TaskType.QUESTION_ANSWERING: "token_f1",
        TaskType.SUMMARIZATION: "rougeL",
        TaskType.TRANSLATION: "bleu",
        TaskType.DIALOGUE: "perplexity",
        TaskType.TEXT_GENERATION: "perplexity",
        TaskType.IMAGE_CLASSIFICATION: "accuracy",
        TaskType.OBJECT_DETECTION: "map",
        TaskType.IMAGE_SEGMENTATION: "mean_iou",
        TaskType.IMAGE_GENERATION: "fid",
        TaskType.VIDEO_CLASSIFICATION: "accuracy",
        TaskType.AUDIO_CLASSIFICATION: "accuracy",
        TaskType.AUTOMATIC_SPEECH_RECOGNITION: "wer",
        TaskType.TEXT_TO_SPEECH: "mos",
        TaskType.IMAGE_TO_TEXT: "cider",
        TaskType.VISUAL_QUESTION_ANSWERING: "vqa_accuracy",
        TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION: "accuracy",
        TaskType.IMAGE_TEXT_RETRIEVAL: "recall_at_1",
        TaskType.SEQUENTIAL_RECOMMENDATION: "ndcg_at_10",
    }
)

SPECIFIC_METRIC: Mapping[tuple[TaskType, str], str] = MappingProxyType(
    {
        (TaskType.TOKEN_CLASSIFICATION, "f1"): "entity_f1",
        (TaskType.QUESTION_ANSWERING, "f1"): "token_f1",
        (TaskType.VISUAL_QUESTION_ANSWERING, "accuracy"): "vqa_accuracy",
        (TaskType.OBJECT_DETECTION, "average_precision"): "map",
    }
)
"""What a loosely named metric means in a task, by the task's own convention."""

SINGLE_LABEL = frozenset(
    {
        TaskType.TEXT_CLASSIFICATION,
        TaskType.TEXT_PAIR_CLASSIFICATION,
        TaskType.IMAGE_CLASSIFICATION,
        TaskType.VIDEO_CLASSIFICATION,
        TaskType.AUDIO_CLASSIFICATION,
    }
)
"""Types whose accuracy is misleading when classes are imbalanced."""

IMBALANCED_RATIO = 5.0
"""Largest over smallest class from which accuracy hides the rare classes: at 5:1 the majority
baseline already scores 0.83 on two classes."""

CHARACTER_LANGUAGES = frozenset({"zh", "ja"})
"""Written without spaces: speech recognition counts characters, not words."""

_DOMAIN_OF_MODALITY = {Modality.IMAGE: Domain.NATURAL_IMAGES, Modality.VIDEO: Domain.NATURAL_IMAGES}
_DOMAIN_OF_TYPE = {
    TaskType.AUTOMATIC_SPEECH_RECOGNITION: Domain.SPEECH,
    TaskType.TEXT_TO_SPEECH: Domain.SPEECH,
    TaskType.DIALOGUE: Domain.CONVERSATION,
    TaskType.IMAGE_TO_TEXT: Domain.NATURAL_IMAGES,
    TaskType.VISUAL_QUESTION_ANSWERING: Domain.NATURAL_IMAGES,
    TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION: Domain.NATURAL_IMAGES,
    TaskType.IMAGE_TEXT_RETRIEVAL: Domain.NATURAL_IMAGES,
}


def default_domain(task_type: TaskType) -> Domain:
    """The domain of a task whose words name none."""
    by_modality = _DOMAIN_OF_MODALITY.get(MODALITY_OF[task_type], Domain.GENERAL)
    return _DOMAIN_OF_TYPE.get(task_type, by_modality)


def is_imbalanced(class_counts: Mapping[str, int]) -> bool:
    """Whether the largest class has at least `IMBALANCED_RATIO` times the examples of the smallest."""
    counts = class_counts.values()
    return len(counts) > 1 and max(counts) >= IMBALANCED_RATIO * max(1, min(counts))


def default_metric(task_type: TaskType, languages: tuple[str, ...], *, imbalanced: bool) -> str:
    """The metric of a task whose words name none."""
    if imbalanced and task_type in SINGLE_LABEL:
        return "f1_macro"
    if task_type is TaskType.AUTOMATIC_SPEECH_RECOGNITION and set(languages) & CHARACTER_LANGUAGES:
        return "cer"
    return DEFAULT_METRIC[task_type]
