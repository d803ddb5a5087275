"""Targets other than classes: how rows are checked, kept and read again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.datasets.columns import ColumnChoices
from app.datasets.errors import DatasetError
from app.datasets.examples import FILE_NAME, Examples, ExampleWriter, load_examples
from app.datasets.ingest import ingest, ingest_rows
from app.datasets.split import split, subsample
from app.datasets.storage import StoredDataset, dataset_folder
from app.tasks.base import CheckedRow, ColumnRole, FaultKind, RowFault
from app.tasks.catalogue import task
from app.tasks.targets import Answers, Target, counted, encode, rarest, texts_of, written
from app.tasks.token_classification import to_iob2
from models_registry.vocabulary import TaskType

TEXT, LABEL, GROUP = ColumnRole.TEXT, ColumnRole.LABEL, ColumnRole.GROUP
MULTI, NUMBER, PAIR = (
    TaskType.MULTI_LABEL_CLASSIFICATION,
    TaskType.TEXT_REGRESSION,
    TaskType.SENTENCE_SIMILARITY,
)
TAGS = TaskType.TOKEN_CLASSIFICATION


def checked(
    task_type: TaskType, label: object, text: object = "a text", **more: object
) -> CheckedRow | RowFault:
    check = task(task_type).check_row
    assert check is not None
    return check({TEXT: text, LABEL: label, **{ColumnRole(k): v for k, v in more.items()}})


def stored(tmp_path: Path, text: str, task_type: TaskType, name: str = "data.csv") -> StoredDataset:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return ingest(
        path,
        filename=name,
        choices=ColumnChoices(),
        task_type=task_type,
        project="p",
        data_dir=tmp_path / "data",
        max_bytes=10**7,
    )


def examples(tmp_path: Path, dataset: StoredDataset) -> Examples:
    return load_examples(dataset_folder(tmp_path / "data", dataset.id))


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        (["b", "a", "b"], ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ("b|a", ["a", "b"]),
        ("b; a", ["a", "b"]),
        ("b, a", ["a", "b"]),
        ("health, food|sport", ["health, food", "sport"]),
        ("a", ["a"]),
        ([], []),
        ("[]", []),
        ([1, True], ["1", "true"]),
    ],
)
def test_labels_come_as_lists_or_as_text(said: object, labels: list[str]) -> None:
    row = checked(MULTI, said)
    assert isinstance(row, CheckedRow)
    assert json.loads(row.label) == labels


@pytest.mark.parametrize("said", [None, "", float("nan")])
def test_no_labels_and_none_that_applies_are_told_apart(said: object) -> None:
    assert checked(MULTI, said) == RowFault(LABEL, FaultKind.MISSING)


@pytest.mark.parametrize("said", [3, '["a"', [["a"]], [None]])
def test_what_is_no_list_of_labels_is_refused(said: object) -> None:
    assert checked(MULTI, said) == RowFault(LABEL, FaultKind.NOT_A_LIST)


@pytest.mark.parametrize(("said", "number"), [(3, 3.0), ("4.25", 4.25), (" -1e3 ", -1000.0)])
def test_numbers_come_as_numbers_or_as_text(said: object, number: float) -> None:
    row = checked(NUMBER, said)
    assert isinstance(row, CheckedRow)
    assert float(row.label) == number


@pytest.mark.parametrize("said", ["good", True, float("inf"), "nan", [1], "1" * 5_000])
def test_what_is_no_finite_number_is_refused(said: object) -> None:
    assert checked(NUMBER, said) == RowFault(LABEL, FaultKind.NOT_A_NUMBER)


def test_a_pair_keeps_its_second_text_and_its_group() -> None:
    row = checked(PAIR, 2, text_pair="another", group="g")
    assert row == CheckedRow("a text", "2.0", "another", "g")
    assert checked(PAIR, 2, text_pair=" ") == RowFault(ColumnRole.TEXT_PAIR, FaultKind.MISSING)


@pytest.mark.parametrize(
    ("tags", "iob2"),
    [
        (["I-PER", "I-PER", "O", "I-LOC"], ["B-PER", "I-PER", "O", "B-LOC"]),
        (["B-PER", "E-PER", "S-LOC", "S-LOC"], ["B-PER", "I-PER", "B-LOC", "B-LOC"]),
        (["B-PER", "L-PER", "I-PER", "U-ORG"], ["B-PER", "I-PER", "B-PER", "B-ORG"]),
        (["B-PER", "I-LOC"], ["B-PER", "B-LOC"]),
        (["NN", "VB", "O"], ["NN", "VB", "O"]),
    ],
)
def test_every_scheme_of_tags_becomes_iob2(tags: list[str], iob2: list[str]) -> None:
    assert to_iob2(tags) == iob2


def test_spans_become_tags_of_the_tokens_they_touch() -> None:
    spans = [{"start": 0, "end": 12, "label": "PER"}, {"start": 22, "end": 26, "type": "LOC"}]
    row = checked(TAGS, spans, "Ada Lovelace lived in Bath.")
    assert isinstance(row, CheckedRow)
    assert row.text == "Ada Lovelace lived in Bath ."
    assert json.loads(row.label) == ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]


def test_spans_of_chinese_are_of_characters() -> None:
    row = checked(TAGS, [{"start": 0, "end": 2, "label": "LOC"}], "北京2008年")
    assert isinstance(row, CheckedRow)
    assert row.text == "北 京 2008 年"
    assert json.loads(row.label) == ["B-LOC", "I-LOC", "O", "O"]


@pytest.mark.parametrize(
    ("text", "said", "role", "kind"),
    [
        (["a", "b"], ["O"], LABEL, FaultKind.LENGTHS_DIFFER),
        (["a", "b"], [0, 1], LABEL, FaultKind.NOT_TAGS),
        (["a", 2], ["O", "O"], TEXT, FaultKind.NOT_A_LIST),
        ("a b", [{"start": 1, "end": 9, "label": "X"}], LABEL, FaultKind.NOT_SPANS),
        ("a b", [{"start": 0, "end": 1}], LABEL, FaultKind.NOT_SPANS),
        ([], [], TEXT, FaultKind.MISSING),
        (" ", [], TEXT, FaultKind.MISSING),
        (["a"], None, LABEL, FaultKind.MISSING),
    ],
)
def test_tags_that_cannot_be_used_are_told_by_what_is_wrong(
    text: object, said: object, role: ColumnRole, kind: FaultKind
) -> None:
    assert checked(TAGS, said, text) == RowFault(role, kind)


def test_a_token_with_a_space_within_stays_one_token() -> None:
    row = checked(TAGS, ["O", "O"], ["New York", " "])
    assert isinstance(row, CheckedRow)
    assert row.text.split(" ") == ["NewYork", "_"]


def test_a_conll_file_is_read_by_sentence(tmp_path: Path) -> None:
    lines = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\nPeter NNP I-PER\nBlackburn NNP I-PER\n"
    found = examples(tmp_path, dataset := stored(tmp_path, lines, TAGS, "data.conll"))
    assert found.texts == ["EU rejects", "Peter Blackburn"]
    assert [[found.label_names[i] for i in tags] for tags in found.targets] == [
        ["B-ORG", "O"],
        ["B-PER", "I-PER"],
    ]
    assert dict(dataset.profile.class_counts) == {"ORG": 1, "PER": 1}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("EU B-ORG\nrejects\n", "Line 2: a token without a tag"), ("-DOCSTART- O\n", "header but no rows")],
)
def test_a_broken_conll_file_says_where(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(DatasetError, match=wrong):
        stored(tmp_path, text, TAGS, "data.conll")


def test_numbers_without_labels_have_no_classes(tmp_path: Path) -> None:
    rows = "".join(f"text number {i},{i / 7}\n" for i in range(40))
    found = examples(tmp_path, dataset := stored(tmp_path, f"text,score\n{rows}", NUMBER))
    assert dataset.profile.n_classes == 0
    assert not dataset.profile.class_counts
    assert found.targets == pytest.approx([i / 7 for i in range(40)])
    assert np.bincount(found.labels).tolist() == [8] * 5


def test_equal_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="same label"):
        stored(tmp_path, "text,score\none,1\ntwo,1\n", NUMBER)


def test_sentences_without_any_entity_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Every token carries the tag O"):
        stored(tmp_path, "one O\ntwo O\n\nthree O\n", TAGS, "data.conll")


def test_words_for_numbers_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no finite number at line 3"):
        stored(tmp_path, "text,score\none,1\ntwo,good\n", NUMBER)


def test_rows_of_a_request_may_hold_lists(tmp_path: Path) -> None:
    rows = [
        {"text": ["Ada", "sings"], "label": ["B-PER", "O"]},
        {"text": ["He", "runs"], "label": ["O", "O"]},
    ]
    found = ingest_rows(rows, task_type=TAGS, project="p", data_dir=tmp_path / "data")
    assert examples(tmp_path, found).texts == ["Ada sings", "He runs"]


@pytest.mark.parametrize("kind", Target)
def test_what_is_written_is_read_again(tmp_path: Path, kind: Target) -> None:
    said: Any = {
        Target.CLASS: ["a", "b", "a"],
        Target.CLASSES: [["a"], ["a", "b"], []],
        Target.NUMBER: [1.5, -2.0, 1e9],
        Target.TAGS: [["O", "B-X"], ["B-Y"], ["O"]],
        Target.MATCH: [("q", "a"), ("q", "b"), ("r", "a")],
        Target.SPAN: [Answers(3, (0, 1), ("a b", "b")), Answers(2, None, ()), Answers(1, (0, 0), ("a",))],
        Target.TEXT: [["one"], ["two", "二"], ["[3"]],
        Target.NEXT: [["a", "b", "c"], ["c", "a"], ["b", "b", "a"]],
    }[kind]
    with ExampleWriter(tmp_path / FILE_NAME, kind) as writer:
        for value in said:
            writer.add(CheckedRow("t", written(kind, value)))
    found = load_examples(tmp_path)
    match kind:
        case Target.CLASS:
            assert [found.label_names[i] for i in found.targets] == said
        case Target.CLASSES:
            assert found.targets.tolist() == [[True, False], [True, True], [False, False]]
        case Target.NUMBER:
            assert found.targets.tolist() == said
        case Target.MATCH:
            first, second = found.targets.T
            assert first[0] == first[1] != first[2]
            assert second[0] == second[2] != second[1]
        case Target.SPAN:
            assert found.targets.tolist() == said
            assert found.labels.tolist() == [1, 0, 1]
        case Target.TEXT:
            assert [list(texts_of(kept)) for kept in found.targets] == said
        case Target.TAGS | Target.NEXT:
            assert [[found.label_names[i] for i in tags] for tags in found.targets] == said
    assert found.take(np.array([2])).targets.shape[0] == 1


def test_strata_are_the_rarest_labels_of_each_example() -> None:
    values = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)
    assert rarest(values).tolist() == [0, 1, 2, 1, 3]


def test_what_an_example_counts_for() -> None:
    assert counted(Target.TAGS, json.dumps(["B-X", "I-X", "O", "B-X"])) == ("X", "X")
    assert counted(Target.TAGS, json.dumps(["NN", "O", "VB"])) == ("NN", "VB")
    assert counted(Target.CLASSES, json.dumps(["a", "b"])) == ("a", "b")
    assert counted(Target.NUMBER, "1.0") == ()
    assert counted(Target.TEXT, json.dumps(["a text"])) == ()


def test_parts_hold_rare_labels_and_all_of_a_number_s_range() -> None:
    rare = [["a", "b"] if i % 10 == 0 else ["a"] for i in range(100)]
    found = encode(Target.CLASSES, [json.dumps(row) for row in rare])
    held = Examples(
        texts=[f"t{i}" for i in range(100)],
        labels=found.strata,
        label_names=found.names,
        values=found.values,
    )
    parts = split(held, seed=0, validation_fraction=0.2)
    assert held.targets[parts.validation][:, 1].sum() == 2
    assert held.targets[subsample(held, 20, 0)][:, 1].sum() == 2
