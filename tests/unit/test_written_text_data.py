"""Data of texts that are written: how they are read from tables and running text, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.datasets.columns import ColumnChoices
from app.datasets.errors import DatasetError
from app.datasets.examples import Examples, load_examples
from app.datasets.ingest import ingest, ingest_rows
from app.datasets.running_text import PASSAGE_WORDS
from app.datasets.storage import StoredDataset, dataset_folder
from app.tasks.base import CheckedRow, ColumnRole, FaultKind, FileFormat, RowFault
from app.tasks.catalogue import task
from app.tasks.targets import texts_of
from models_registry.vocabulary import TaskType

TEXT, LABEL = ColumnRole.TEXT, ColumnRole.LABEL
SUMMARY, TRANSLATION = TaskType.SUMMARIZATION, TaskType.TRANSLATION
DIALOGUE, MODELLING = TaskType.DIALOGUE, TaskType.TEXT_GENERATION


def checked(task_type: TaskType, text: object, label: object = "a reply") -> CheckedRow | RowFault:
    check = task(task_type).check_row
    assert check is not None
    return check({TEXT: text, LABEL: label})


def stored(
    tmp_path: Path, content: str | bytes, task_type: TaskType, name: str = "data.txt", **columns: str
) -> StoredDataset:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ingest(
        path,
        filename=name,
        choices=ColumnChoices(**columns),
        task_type=task_type,
        project="p",
        data_dir=tmp_path / "data",
        max_bytes=10**7,
    )


def examples(tmp_path: Path, dataset: StoredDataset) -> Examples:
    return load_examples(dataset_folder(tmp_path / "data", dataset.id))


def json_lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("turns", "text"),
    [
        ("Hi.\nHello!", "Hi.\nHello!"),
        (["Hi. ", "Hello!\nYou?"], "Hi.\nHello! You?"),
        ('["Hi.", "Hello!"]', "Hi.\nHello!"),
        ([{"speaker": "A", "text": "Hi."}, {"role": "user", "content": "Hello!"}], "A: Hi.\nuser: Hello!"),
        ([{"text": "Hi."}, "", {"speaker": "B", "text": " "}], "Hi."),
        ("[laughs] Hi.", "[laughs] Hi."),
    ],
)
def test_turns_come_as_a_text_or_as_a_list_and_become_lines(turns: object, text: str) -> None:
    row = checked(DIALOGUE, turns)
    assert isinstance(row, CheckedRow)
    assert row.text == text
    assert texts_of(row.label) == ("a reply",)


@pytest.mark.parametrize(
    ("answers", "texts"),
    [
        ("one", ("one",)),
        (["one", " ", "two"], ("one", "two")),
        ('["one", "two"]', ("one", "two")),
        ("[one] two", ("[one] two",)),
        (3, ("3",)),
    ],
)
def test_several_texts_may_be_right(answers: object, texts: tuple[str, ...]) -> None:
    row = checked(SUMMARY, "a document", answers)
    assert isinstance(row, CheckedRow)
    assert texts_of(row.label) == texts


@pytest.mark.parametrize(
    ("task_type", "text", "label", "role", "kind"),
    [
        (DIALOGUE, [1, 2], "a", TEXT, FaultKind.NOT_TURNS),
        (DIALOGUE, [{"speaker": "A"}], "a", TEXT, FaultKind.NOT_TURNS),
        (DIALOGUE, [], "a", TEXT, FaultKind.MISSING),
        (DIALOGUE, {"a": 1}, "a", TEXT, FaultKind.NESTED),
        (DIALOGUE, "hi", " ", LABEL, FaultKind.MISSING),
        (SUMMARY, "", None, TEXT, FaultKind.MISSING),
        (SUMMARY, "a", None, LABEL, FaultKind.MISSING),
        (SUMMARY, "a", [" "], LABEL, FaultKind.MISSING),
        (SUMMARY, "a", ["a", 1], LABEL, FaultKind.NOT_TEXTS),
        (TRANSLATION, ["a"], "b", TEXT, FaultKind.NESTED),
        (TRANSLATION, "a", {"de": "b"}, LABEL, FaultKind.NESTED),
        (MODELLING, None, None, TEXT, FaultKind.MISSING),
        (MODELLING, b"a", None, TEXT, FaultKind.BINARY),
    ],
)
def test_rows_that_cannot_be_used_are_told_by_what_is_wrong(
    task_type: TaskType, text: object, label: object, role: ColumnRole, kind: FaultKind
) -> None:
    assert checked(task_type, text, label) == RowFault(role, kind)


@pytest.mark.parametrize(
    ("task_type", "columns"),
    [
        (SUMMARY, ("article", "highlights")),
        (SUMMARY, ("dialogue", "summary")),
        (SUMMARY, ("正文", "摘要")),
        (TRANSLATION, ("en", "zh")),
        (TRANSLATION, ("source", "target")),
        (DIALOGUE, ("context", "response")),
        (DIALOGUE, ("history", "reply")),
    ],
)
def test_columns_are_known_by_the_names_that_people_use(
    tmp_path: Path, task_type: TaskType, columns: tuple[str, str]
) -> None:
    rows = [{"id": i, columns[1]: f"a {i}", columns[0]: f"b {i}"} for i in range(5)]
    found = stored(tmp_path, json_lines(*rows), task_type, "data.jsonl")
    assert dict(found.columns) == {TEXT: columns[0], LABEL: columns[1]}
    kept = examples(tmp_path, found)
    assert kept.texts[3] == "b 3"
    assert texts_of(kept.targets[3]) == ("a 3",)


def test_columns_of_other_names_are_told_by_their_length_and_never_taken_for_classes(tmp_path: Path) -> None:
    rows = [{"kind": "ab"[i % 2], "x": f"short {i}", "y": f"a much longer text {i}"} for i in range(20)]
    found = stored(tmp_path, json_lines(*rows), SUMMARY, "data.jsonl")
    assert dict(found.columns) == {TEXT: "y", LABEL: "x"}
    assert any("'x' is taken as the label" in warning for warning in found.warnings)


def test_lengths_and_languages_are_of_source_and_answer(tmp_path: Path) -> None:
    rows = [
        {"source": f"This is the sentence number {i} of them all.", "target": f"这是所有句子中的第{i}句话。"}
        for i in range(30)
    ]
    profile = stored(tmp_path, json_lines(*rows), TRANSLATION, "data.jsonl").profile
    assert {code for code, _ in profile.languages} == {"en", "zh"}
    one = {"document": "one two three", "summary": "four"}
    more = {"document": "one two three four", "summary": "five"}
    profile = stored(tmp_path, json_lines(one, more), SUMMARY, "summaries.jsonl").profile
    assert (profile.mean_length, profile.max_length) == (4.5, 5)
    assert (profile.n_classes, profile.conflicting_labels, profile.duplicates) == (0, 0, 0)


@pytest.mark.parametrize(
    ("task_type", "rows"),
    [(SUMMARY, [{"text": "a", "summary": "x"}, {"text": "b", "summary": "x"}]), (MODELLING, [{"text": "a"}])],
)
def test_a_single_text_to_be_written_is_refused(
    tmp_path: Path, task_type: TaskType, rows: list[dict[str, Any]]
) -> None:
    with pytest.raises(DatasetError, match="only one text"):
        stored(tmp_path, json_lines(*rows), task_type, "data.jsonl")


def test_a_conversation_of_numbers_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = ({"context": ["hi"], "reply": "a"}, {"context": [1], "reply": "b"})
    with pytest.raises(DatasetError, match="no turns of a conversation at line 2") as caught:
        stored(tmp_path, json_lines(*rows), DIALOGUE, "data.jsonl")
    assert "speaker" in caught.value.remedy


def test_rows_of_a_request_need_no_label_where_the_text_is_what_is_written(tmp_path: Path) -> None:
    rows = [{"text": "a text, and"}, {"text": "another"}]
    found = ingest_rows(rows, task_type=MODELLING, project="p", data_dir=tmp_path)
    kept = load_examples(dataset_folder(tmp_path, found.id))
    assert [texts_of(target) for target in kept.targets] == [("a text, and",), ("another",)]


def words(n: int, start: int = 0) -> str:
    return " ".join(f"w{i}" for i in range(start, start + n))


def test_running_text_is_cut_at_empty_lines_once_a_passage_is_half_full(tmp_path: Path) -> None:
    paragraphs = [words(60), words(60, 60), words(30, 120), words(190, 150)]
    found = stored(tmp_path, "\n\n".join(paragraphs) + "\n", MODELLING)
    assert found.file_format is FileFormat.TEXT
    assert examples(tmp_path, found).texts == [
        f"{paragraphs[0]}\n\n{paragraphs[1]}",
        paragraphs[2],
        paragraphs[3],
    ]


def test_running_text_loses_no_word_and_no_passage_is_too_long(tmp_path: Path) -> None:
    text = "\r\n".join(words(n, 1_000 * n) for n in (3, 450, 120, 90, 1, 0, 0, 199, 2))
    found = examples(tmp_path, stored(tmp_path, text, MODELLING)).texts
    assert " ".join(found).split() == text.split()
    assert max(len(passage.split()) for passage in found) == PASSAGE_WORDS


@pytest.mark.parametrize("sign", ["字", "語", "A"])
def test_a_line_without_spaces_is_cut_too(tmp_path: Path, sign: str) -> None:
    text = "".join(sign if i % 7 else "0" for i in range(9_000))
    found = examples(tmp_path, stored(tmp_path, text, MODELLING)).texts
    assert len(found) > 2
    assert "".join(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "So, he said, we go, all of us, home.\nAnd then, of course, we went, one by one, out.\n" * 20,
        "".join(f"a{i};b;c\n" for i in range(300)),
        "name\tvalue\n" + "".join(f"x\t{i}\n" for i in range(300)),
    ],
)
def test_prose_with_commas_is_no_table(tmp_path: Path, text: str) -> None:
    found = stored(tmp_path, text, MODELLING)
    assert found.file_format is FileFormat.TEXT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.csv", "first,second\none text,1\nanother text,2\n"),
        ("data.txt", "id,text\n1,one text\n2,another text\n"),
        ("data.txt", "id\tcontent\n1\tone text\n2\tanother text\n"),
    ],
)
def test_a_table_is_known_by_its_name_or_its_header(tmp_path: Path, name: str, content: str) -> None:
    found = stored(tmp_path, content, MODELLING, name)
    assert found.file_format in {FileFormat.CSV, FileFormat.TSV}
    assert examples(tmp_path, found).texts == ["one text", "another text"]


def test_a_table_that_is_named_like_text_is_not_read_as_running_text_by_other_tasks(tmp_path: Path) -> None:
    found = stored(tmp_path, "document,summary\na b c,a\nd e f,d\n", SUMMARY)
    assert found.file_format is FileFormat.CSV


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n\n", "empty"),
        (b"a\n\0b\n", "line 2"),
        (b"%PDF-1.4", "a PDF"),
        (b"<!doctype html><p>a", "an HTML"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        stored(tmp_path, content, MODELLING)
