"""Every task type has a definition that the rest of the service can rely on."""

import pytest

from app.tasks.base import ColumnRole, FaultKind, FileFormat, RowFault, TaskDefinition, as_label, as_text
from app.tasks.catalogue import TASKS, task
from app.tasks.text_classification import check_row
from models_registry.vocabulary import TaskType

TEXT, LABEL, GROUP = ColumnRole.TEXT, ColumnRole.LABEL, ColumnRole.GROUP


@pytest.mark.parametrize("task_type", TaskType)
def test_every_task_type_is_defined_under_its_own_name(task_type: TaskType) -> None:
    assert task(task_type).task_type is task_type


def test_only_tasks_whose_rows_are_checked_can_be_probed() -> None:
    assert {d.task_type for d in TASKS.values() if d.can_probe} == {
        TaskType.TEXT_CLASSIFICATION,
        TaskType.TEXT_PAIR_CLASSIFICATION,
        TaskType.RELATION_EXTRACTION,
        TaskType.MULTI_LABEL_CLASSIFICATION,
        TaskType.TEXT_REGRESSION,
        TaskType.SENTENCE_SIMILARITY,
        TaskType.TOKEN_CLASSIFICATION,
        TaskType.TEXT_RETRIEVAL,
        TaskType.IMAGE_CLASSIFICATION,
        TaskType.AUDIO_CLASSIFICATION,
        TaskType.QUESTION_ANSWERING,
        TaskType.SUMMARIZATION,
        TaskType.TRANSLATION,
        TaskType.DIALOGUE,
        TaskType.TEXT_GENERATION,
        TaskType.SEQUENTIAL_RECOMMENDATION,
    }


def test_titles_are_distinct() -> None:
    assert len({definition.title for definition in TASKS.values()}) == len(TaskType)


def test_a_definition_with_a_metric_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="no canonical metrics"):
        TaskDefinition(
            task_type=TaskType.SUMMARIZATION,
            title="x",
            metrics=("no such metric",),
            data="x",
            formats=(FileFormat.CSV,),
        )


def test_known_column_names_are_case_folded_and_belong_to_one_role() -> None:
    names = [name for rule in task(TaskType.TEXT_CLASSIFICATION).columns for name in rule.names]
    assert names == [name.casefold() for name in names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("value", "label"),
    [(1, "1"), (1.0, "1"), (0.5, "0.5"), (True, "true"), (False, "false"), (" spam ", "spam"), ("01", "01")],
)
def test_labels_of_any_scalar_type_become_text(value: object, label: str) -> None:
    assert as_label(value, LABEL) == label


@pytest.mark.parametrize("value", [None, "", "  ", float("nan")])
def test_blank_values_are_missing(value: object) -> None:
    fault = RowFault(LABEL, FaultKind.MISSING)
    assert as_label(value, LABEL) == fault
    assert as_text(value, LABEL) == fault


@pytest.mark.parametrize(
    ("value", "kind"), [({"a": 1}, FaultKind.NESTED), ([1], FaultKind.NESTED), (b"x", FaultKind.BINARY)]
)
def test_values_that_are_no_scalars_are_faults(value: object, kind: FaultKind) -> None:
    assert as_text(value, TEXT) == RowFault(TEXT, kind)
    assert as_label(value, TEXT) == RowFault(TEXT, kind)


def test_text_keeps_its_white_space() -> None:
    assert as_text(" two  words\n", TEXT) == " two  words\n"


def test_a_row_with_a_group_carries_it() -> None:
    row = check_row({TEXT: "a", LABEL: 1, GROUP: 7})
    assert (row.text, row.label, row.group) == ("a", "1", "7")  # type: ignore[union-attr]


def test_a_row_without_text_is_reported_as_that_even_if_the_label_is_missing_too() -> None:
    assert check_row({TEXT: "", LABEL: None}) == RowFault(TEXT, FaultKind.MISSING)
