"""Sentences whose entities are marked are read, others are refused with what would be right."""

from pathlib import Path

import pytest

from app.datasets.errors import DatasetError
from app.datasets.ingest import ingest_rows
from app.datasets.storage import StoredDataset
from models_registry.vocabulary import TaskType

MARKED = (
    "the <e1>fire</e1> was caused by <e2>heat {}</e2>",
    "the [E1] fire [/E1] was caused by [E2] heat {} [/E2]",
    "<< fire {} >> was caused by [[ heat ]]",
)


def stored(texts: list[str], folder: Path) -> StoredDataset:
    rows = [{"text": text, "label": ("cause", "other")[i % 2]} for i, text in enumerate(texts)]
    return ingest_rows(rows, task_type=TaskType.RELATION_EXTRACTION, project="default", data_dir=folder)


@pytest.mark.parametrize("sentence", MARKED)
def test_marked_entities_are_read(sentence: str, tmp_path: Path) -> None:
    found = stored([sentence.format(i) for i in range(20)], tmp_path)
    assert found.profile.n_examples == 20


@pytest.mark.parametrize(
    "sentence", ["fire was caused by heat {}", "the <e1>fire</e1> was caused by heat {}"]
)
def test_a_sentence_without_two_marked_entities_is_refused(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no two entities are marked") as caught:
        stored([sentence.format(i) for i in range(20)], tmp_path)
    assert "<e1>" in caught.value.remedy
    assert caught.value.rows == (1,)
