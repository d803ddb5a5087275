"""What the numbers of a description count, once its task type is known."""

from app.task_profile.counted import Count, Role
from app.task_profile.limits import Facts, whole
from models_registry.vocabulary import TaskType

MANY = 50
"""From this number on, things of an unknown name are taken for examples."""
_FEW_CLASSES, _MOST_CLASSES = 2, 100_000
_MOST_PIECES = 5000
_SEARCHING = frozenset({TaskType.TEXT_RETRIEVAL, TaskType.IMAGE_TEXT_RETRIEVAL})
_LABELLING = frozenset(
    {
        TaskType.TEXT_CLASSIFICATION, TaskType.MULTI_LABEL_CLASSIFICATION, TaskType.TEXT_PAIR_CLASSIFICATION,
        TaskType.TOKEN_CLASSIFICATION, TaskType.RELATION_EXTRACTION, TaskType.IMAGE_CLASSIFICATION,
        TaskType.OBJECT_DETECTION, TaskType.IMAGE_SEGMENTATION, TaskType.VIDEO_CLASSIFICATION,
        TaskType.AUDIO_CLASSIFICATION, TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION,
    }
)  # fmt: skip
_PICTURES = frozenset({"photo", "image", "pictur", "picture", "pic", "shot", "snap"})
_UNLABELLED = frozenset({TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION})


def resolve_counts(
    counts: list[Count], task_type: TaskType | None, implied_classes: int | None = None
) -> Facts:
    """Number of examples, of classes and mean length, under a task type.

    Args:
        counts: What the numbers count.
        task_type: None where it is not known.
        implied_classes: Number of classes that the labels' names imply, where no number says it.
    """
    facts: Facts = {}
    lengths = [c for c in counts if c.role is Role.LENGTH]
    classes = [c for c in counts if _counts_classes(c, task_type)]
    examples = [c for c in counts if c not in classes and _counts_examples(c, task_type)]
    per_class = [c for c in counts if c.role is Role.PER_CLASS]
    if lengths:
        facts["mean_length"] = whole(lengths[0].value)
    if classes:
        # 两个实体之间的 44 种关系: a 2 may as well count what a single example consists of
        facts["n_classes"] = int(next((c for c in classes if c.value > _FEW_CLASSES), classes[0]).value)
    elif implied_classes is not None:
        facts["n_classes"] = implied_classes
    if examples:
        facts["n_examples"] = int(_best(examples).value)
    elif per_class and "n_classes" in facts:
        facts["n_examples"] = int(per_class[0].value) * int(facts["n_classes"])
    return facts


def _best(examples: list[Count]) -> Count:
    """Of several counts of examples: what is labelled, then what the lexicon knows, then the most."""
    known = next((c for c in examples if c.labelled), None) or next(
        (c for c in examples if c.role is Role.EXAMPLES), None
    )
    return known or max(examples, key=lambda c: c.value)


def _counts_classes(c: Count, task_type: TaskType | None) -> bool:
    if not _FEW_CLASSES <= c.value <= _MOST_CLASSES or c.value != int(c.value):
        return False
    labelling = task_type is None or task_type in _LABELLING
    if task_type in _UNLABELLED and c.role in {Role.THINGS, Role.EXAMPLES} and c.noun:
        return c.noun not in _PICTURES
    if c.role is Role.CLASSES:
        return labelling or not c.searched
    if c.role is Role.PIECES:
        return labelling and c.value <= _MOST_PIECES
    return c.role is Role.THINGS and labelling and c.partition and c.value < 10 * MANY


def _counts_examples(c: Count, task_type: TaskType | None) -> bool:
    if c.value != int(c.value) or task_type in _UNLABELLED:
        return False
    if (c.searched or task_type in _SEARCHING) and not c.labelled:
        return False
    if c.role is Role.EXAMPLES:
        return c.value >= 10
    return c.role in {Role.THINGS, Role.PIECES} and c.value >= MANY
