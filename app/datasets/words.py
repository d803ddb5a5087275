"""What a data set says of its task, as the words that the task profile is read from."""

from app.datasets.profile import LengthUnit
from app.datasets.storage import StoredDataset
from app.task_profile import TaskWords

MAIN_LANGUAGE_SHARE = 0.1
"""Share of a data set's texts from which a language is one that the model must read."""


def main_languages(dataset: StoredDataset) -> tuple[str, ...]:
    """Languages that a model for this data must read."""
    found = tuple(code for code, share in dataset.profile.languages if share >= MAIN_LANGUAGE_SHARE)
    if dataset.profile.length_unit is LengthUnit.CHARACTERS and not found:
        return ("zh",)
    return found


def task_words(dataset: StoredDataset, *, metric: str | None = None) -> TaskWords:
    """The task of this data set, said as a user would.

    Args:
        dataset: Stored.
        metric: What it is measured by; the task's own where None.
    """
    shown = dataset.profile
    return TaskWords(
        type=dataset.task_type,
        languages=main_languages(dataset),
        metric=metric,
        n_examples=shown.n_examples,
        n_classes=shown.n_classes or None,
        mean_length=shown.mean_length,
        class_counts=shown.class_counts,
        dataset_sha256=dataset.sha256,
    )
