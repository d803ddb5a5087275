"""The closed vocabularies that models, benchmarks and tasks share."""

from enum import StrEnum


class Modality(StrEnum):
    """What kind of input a task or a model is about."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    IMAGE_TEXT = "image-text"
    INTERACTIONS = "interactions"  # user, item, time: recommendation


class TaskType(StrEnum):
    """The task types of the API, in the Hugging Face Hub's spelling where it has one."""

    TEXT_CLASSIFICATION = "text-classification"
    MULTI_LABEL_CLASSIFICATION = "multi-label-classification"
    TEXT_PAIR_CLASSIFICATION = "text-pair-classification"
    TEXT_REGRESSION = "text-regression"
    SENTENCE_SIMILARITY = "sentence-similarity"
    TEXT_RETRIEVAL = "text-retrieval"
    TOKEN_CLASSIFICATION = "token-classification"
    RELATION_EXTRACTION = "relation-extraction"
    QUESTION_ANSWERING = "question-answering"
    SUMMARIZATION = "summarization"
    TRANSLATION = "translation"
    DIALOGUE = "dialogue"
    TEXT_GENERATION = "text-generation"
    IMAGE_CLASSIFICATION = "image-classification"
    OBJECT_DETECTION = "object-detection"
    IMAGE_SEGMENTATION = "image-segmentation"
    IMAGE_GENERATION = "image-generation"
    VIDEO_CLASSIFICATION = "video-classification"
    AUDIO_CLASSIFICATION = "audio-classification"
    AUTOMATIC_SPEECH_RECOGNITION = "automatic-speech-recognition"
    TEXT_TO_SPEECH = "text-to-speech"
    IMAGE_TO_TEXT = "image-to-text"
    VISUAL_QUESTION_ANSWERING = "visual-question-answering"
    ZERO_SHOT_IMAGE_CLASSIFICATION = "zero-shot-image-classification"
    IMAGE_TEXT_RETRIEVAL = "image-text-retrieval"
    SEQUENTIAL_RECOMMENDATION = "sequential-recommendation"


_TEXT_TASKS = tuple(TaskType)[:13]
_MODALITY_EXCEPTIONS = {
    TaskType.IMAGE_CLASSIFICATION: Modality.IMAGE,
    TaskType.OBJECT_DETECTION: Modality.IMAGE,
    TaskType.IMAGE_SEGMENTATION: Modality.IMAGE,
    TaskType.IMAGE_GENERATION: Modality.IMAGE,
    TaskType.VIDEO_CLASSIFICATION: Modality.VIDEO,
    TaskType.AUDIO_CLASSIFICATION: Modality.AUDIO,
    TaskType.AUTOMATIC_SPEECH_RECOGNITION: Modality.AUDIO,
    TaskType.TEXT_TO_SPEECH: Modality.AUDIO,
    TaskType.IMAGE_TO_TEXT: Modality.IMAGE_TEXT,
    TaskType.VISUAL_QUESTION_ANSWERING: Modality.IMAGE_TEXT,
    TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION: Modality.IMAGE_TEXT,
    TaskType.IMAGE_TEXT_RETRIEVAL: Modality.IMAGE_TEXT,
    TaskType.SEQUENTIAL_RECOMMENDATION: Modality.INTERACTIONS,
}
MODALITY_OF: dict[TaskType, Modality] = dict.fromkeys(_TEXT_TASKS, Modality.TEXT) | _MODALITY_EXCEPTIONS


class Domain(StrEnum):
    """What the data is about; `GENERAL` where nothing narrower is known."""

    GENERAL = "general"
    REVIEWS = "reviews"
    NEWS = "news"
    SOCIAL_MEDIA = "social-media"
    CUSTOMER_SERVICE = "customer-service"
    E_COMMERCE = "e-commerce"
    ENCYCLOPEDIA = "encyclopedia"
    BIOMEDICAL = "biomedical"
    LEGAL = "legal"
    FINANCIAL = "financial"
    SCIENTIFIC = "scientific"
    CONVERSATION = "conversation"
    CODE = "code"
    NATURAL_IMAGES = "natural-images"
    FINE_GRAINED_IMAGES = "fine-grained-images"
    MEDICAL_IMAGES = "medical-images"
    REMOTE_SENSING = "remote-sensing"
    DOCUMENT_IMAGES = "document-images"
    STRUCTURED_IMAGES = "structured-images"  # synthetic scenes, counting, depth, digits
    SPEECH = "speech"
    ENVIRONMENTAL_SOUND = "environmental-sound"
    MUSIC = "music"


class Strategy(StrEnum):
    """How a model is adapted to the user's data."""

    HEAD = "head"
    FULL = "full"
    LORA = "lora"
    ADALORA = "adalora"
    PREFIX = "prefix"
    IA3 = "ia3"
    BITFIT = "bitfit"
    PARTIAL = "partial"


MULTILINGUAL = "mul"
"""ISO 639-2 code for 'multiple languages': stands in a model's languages for about a hundred of them."""
