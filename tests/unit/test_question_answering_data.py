"""Questions with answers in passages: files, rows and what is refused."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.datasets.columns import ColumnChoices
from app.datasets.errors import DatasetError
from app.datasets.examples import Examples, load_examples
from app.datasets.ingest import ingest, ingest_rows
from app.datasets.reading import UnsupportedFormatError
from app.datasets.split import split
from app.datasets.squad import MalformedSquadError, SquadSource, is_squad
from app.datasets.storage import StoredDataset, dataset_folder
from app.tasks.base import CheckedRow, ColumnRole, FaultKind, FileFormat, RowFault
from app.tasks.catalogue import task
from app.tasks.targets import Answers, answers_of
from app.tasks.words import cut, places
from models_registry.vocabulary import TaskType

QA = TaskType.QUESTION_ANSWERING
PASSAGE = "Ada Lovelace lived in Bath; in 1843 she was twenty-eight."
BATH = {"text": "Bath", "answer_start": 22}
LABEL = ColumnRole.LABEL


def checked(answers: object, passage: object = PASSAGE, question: object = "Where?") -> CheckedRow | RowFault:
    check = task(QA).check_row
    assert check is not None
    return check({ColumnRole.TEXT: question, ColumnRole.TEXT_PAIR: passage, LABEL: answers})


def answers(said: object, passage: str = PASSAGE) -> Answers:
    row = checked(said, passage)
    assert isinstance(row, CheckedRow), row
    return answers_of(row.label)


def article(n: int) -> dict[str, Any]:
    """Passages of n people, of which each is asked about twice: the second question has no answer."""
    found = []
    for i in range(n):
        passage = f"Person {i} lives in Bath since {1900 + i}."
        place = passage.index("Bath")
        qas = [
            {
                "id": f"{i}a",
                "question": f"Where is person {i}?",
                "answers": [{"text": "Bath", "answer_start": place}],
            },
            {"id": f"{i}b", "question": f"Why is person {i}?", "answers": []},
        ]
        found.append({"context": passage, "qas": qas})
    return {"title": "People", "paragraphs": found}


def sent(tmp_path: Path, content: str | bytes, name: str = "train.json") -> StoredDataset:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ingest(
        path,
        filename=name,
        choices=ColumnChoices(),
        task_type=QA,
        project="p",
        data_dir=tmp_path / "data",
        max_bytes=10**7,
    )


def examples(tmp_path: Path, dataset: StoredDataset) -> Examples:
    return load_examples(dataset_folder(tmp_path / "data", dataset.id))


@pytest.mark.parametrize(
    "said",
    [
        {"text": ["Bath"], "answer_start": [22]},
        {"text": ["Bath"]},
        [BATH],
        [{"answer": "Bath", "start": 22}],
        BATH,
        "Bath",
        ["Bath"],
        [{"text": "Bath", "answer_start": -1}],
    ],
)
def test_an_answer_comes_in_any_form_that_is_in_use(said: object) -> None:
    assert answers(said) == Answers(14, (4, 4), ("Bath",))


def test_of_several_answers_the_first_is_learnt_and_all_are_right() -> None:
    found = answers({"text": ["in Bath", "Bath"], "answer_start": [19, 22]})
    assert found == Answers(14, (3, 4), ("in Bath", "Bath"))


@pytest.mark.parametrize("said", [[], {"text": [], "answer_start": []}])
def test_a_question_may_have_no_answer(said: object) -> None:
    assert answers(said) == Answers(14, None, ())


def test_an_answer_within_a_word_is_that_word() -> None:
    assert answers([{"text": "84", "answer_start": 32}]).first == (7, 7)
    assert answers("twenty-eight").first == (10, 12)


def test_chinese_is_cut_into_characters() -> None:
    passage = "洛夫莱斯生于1815年，住在巴斯。"
    assert cut(passage)[5:9] == ["于", "1815", "年", "，"]
    found = answers([{"text": "巴斯", "answer_start": passage.index("巴斯")}], passage)
    assert [cut(passage)[i] for i in range(found.first[0], found.first[1] + 1)] == ["巴", "斯"]  # type: ignore[index]


def test_words_are_where_they_stand() -> None:
    assert [PASSAGE[a:b] for a, b in places(PASSAGE)] == cut(PASSAGE)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (None, FaultKind.MISSING),
        (" ", FaultKind.MISSING),
        (7, FaultKind.NOT_ANSWERS),
        ({}, FaultKind.NOT_ANSWERS),
        ([None], FaultKind.NOT_ANSWERS),
        ([{"text": ""}], FaultKind.NOT_ANSWERS),
        ([{"text": "Bath", "answer_start": "22"}], FaultKind.NOT_ANSWERS),
        ([{"text": "Bath", "answer_start": True}], FaultKind.NOT_ANSWERS),
        ({"text": ["Bath"], "answer_start": [22, 3]}, FaultKind.NOT_ANSWERS),
        ({"text": ["Bath"], "answer_start": 22}, FaultKind.NOT_ANSWERS),
        ([{"text": "Bath", "answer_start": 23}], FaultKind.MISPLACED),
        ([{"text": "Bath", "answer_start": 10**9}], FaultKind.MISPLACED),
        ([{"text": "bath", "answer_start": 22}], FaultKind.ABSENT),
        (["Oslo"], FaultKind.ABSENT),
        (["in"], FaultKind.AMBIGUOUS),
        ([BATH, {"text": "Oslo", "answer_start": 0}], FaultKind.ABSENT),
    ],
)
def test_answers_that_cannot_be_used_are_told_by_what_is_wrong(said: object, kind: FaultKind) -> None:
    assert checked(said) == RowFault(LABEL, kind)


def test_question_and_passage_are_needed() -> None:
    assert checked("Bath", question=" ") == RowFault(ColumnRole.TEXT, FaultKind.MISSING)
    assert checked("Bath", passage=None) == RowFault(ColumnRole.TEXT_PAIR, FaultKind.MISSING)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("indent", [None, 1])
def test_squad_files_are_read_question_by_question(tmp_path: Path, encoding: str, indent: int | None) -> None:
    held = {"version": "v2.0", "data": [article(30), {**article(2), "title": "更多"}]}
    text = json.dumps(held, ensure_ascii=False, indent=indent)
    found = examples(tmp_path, dataset := sent(tmp_path, text.encode(encoding)))
    assert dataset.file_format is FileFormat.SQUAD
    assert dataset.profile.n_examples == 64
    assert found.texts[:2] == ["Where is person 0?", "Why is person 0?"]
    assert found.pairs is not None
    assert found.pairs[0] == found.pairs[1] == "Person 0 lives in Bath since 1900."
    assert found.targets[0] == Answers(8, (4, 4), ("Bath",))
    assert found.targets[1] == Answers(8, None, ())
    assert found.labels.tolist()[:2] == [1, 0]


@pytest.mark.parametrize(
    ("beginning", "is_one"),
    [
        ('{"data": [', True),
        ('\n{\n "version": "1.1",\n "data" : [', True),
        ('{"version": 2.0, "language": "zh", "data": [{', True),
        ('{"data": "text", "question": "q"}', False),
        ('{"question": "\\"data\\": [", "context": "c"}', False),
        ('{"context": "c", "answers": {"data": [', False),
        ('[{"data": [', False),
    ],
)
def test_squad_is_told_from_an_object_a_line(beginning: str, is_one: bool) -> None:
    assert is_squad(beginning) is is_one


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ('{"data": [{"paragraphs": [{"context": "a b', "not valid JSON, or cut off"),
        ('{"data": []}', "holds no question"),
        ('{"data": [7]}', "article 1 has no list 'paragraphs'"),
        ('{"data": [{"paragraphs": [{"context": "a"}]}]}', "paragraph 1 of article 1 has no list 'qas'"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": ["?"]}]}]}', "a question of paragraph 1"),
    ],
)
def test_a_broken_squad_file_says_what_is_wrong(tmp_path: Path, content: str, wrong: str) -> None:
    with pytest.raises(MalformedSquadError, match=wrong):
        sent(tmp_path, content)


def test_a_bad_answer_is_found_by_the_number_of_its_question(tmp_path: Path) -> None:
    held = article(3)
    held["paragraphs"][1]["qas"][0]["answers"][0]["answer_start"] += 1
    with pytest.raises(
        DatasetError, match="stands elsewhere in its passage than its place says at question 3"
    ):
        sent(tmp_path, json.dumps({"data": [held]}))


def test_only_the_columns_asked_for_are_given(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": [article(1)]}), encoding="utf-8")
    assert list(SquadSource(path, "utf-8").records(["title", "question"]))[1] == (
        2,
        ["People", "Why is person 0?"],
    )


def rows(n: int = 12) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{i}",
            "title": f"t{i % 2}",
            "context": f"Person {i} lives in Bath.",
            "question": f"Where is {i}?",
            "answers": {"text": ["Bath"], "answer_start": [17 + len(str(i))]},
        }
        for i in range(n)
    ]


def test_json_lines_and_parquet_are_read_as_the_hub_has_them(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows()), tmp_path / "squad.parquet")
    lines = "\n".join(map(json.dumps, rows()))
    one = examples(tmp_path, sent(tmp_path, lines, "squad.jsonl"))
    other = examples(tmp_path, sent(tmp_path, (tmp_path / "squad.parquet").read_bytes(), "squad.parquet"))
    assert one.texts == other.texts == [row["question"] for row in rows()]
    assert one.targets.tolist() == other.targets.tolist()
    assert one.targets[0] == Answers(6, (4, 4), ("Bath",))


def test_a_table_of_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match=r"squad-json, json-lines, parquet"):
        sent(tmp_path, "question,context,answer\nq,c a,a\n", "data.csv")


def test_questions_about_one_passage_stay_on_one_side(tmp_path: Path) -> None:
    found = examples(tmp_path, sent(tmp_path, json.dumps({"data": [article(40)]})))
    parts = split(found, seed=0)
    assert found.pairs is not None
    sides = [{found.pairs[i] for i in side} for side in (parts.train, parts.validation)]
    assert sides[1]
    assert not sides[0] & sides[1]


def test_many_groups_that_the_caller_names_are_kept_instead(tmp_path: Path) -> None:
    path = tmp_path / "squad.jsonl"
    titled = [{**row, "title": f"t{i % 30}"} for i, row in enumerate(rows(60))]
    path.write_text("\n".join(map(json.dumps, titled)), encoding="utf-8")
    stored = ingest(
        path,
        filename=path.name,
        choices=ColumnChoices(group="title"),
        task_type=QA,
        project="p",
        data_dir=tmp_path / "data",
        max_bytes=10**7,
    )
    groups = examples(tmp_path, stored).groups
    assert groups is not None
    assert len(set(groups.tolist())) == 30
    assert groups[:30].tolist() == groups[30:].tolist()


def test_questions_about_one_passage_alone_are_refused(tmp_path: Path) -> None:
    given = [{"text": f"Where {i}?", "text_pair": PASSAGE, "label": [BATH]} for i in range(20)]
    with pytest.raises(DatasetError, match="about one passage: column 'text_pair'"):
        ingest_rows(given, task_type=QA, project="p", data_dir=tmp_path / "data")


def test_questions_without_a_single_answer_are_refused(tmp_path: Path) -> None:
    given = [{"text": f"Where {i}?", "text_pair": f"Passage {i}", "label": []} for i in range(20)]
    with pytest.raises(DatasetError, match="No question has an answer in column 'label'"):
        ingest_rows(given, task_type=QA, project="p", data_dir=tmp_path / "data")


def test_questions_whose_answers_are_not_said_are_left_out(tmp_path: Path) -> None:
    held = article(8)
    del held["paragraphs"][3]["qas"][0]["answers"]
    dataset = sent(tmp_path, json.dumps({"data": [held]}))
    assert dataset.profile.n_examples == 15
    assert dataset.profile.missing_labels == 1
    assert any("question 7" in warning for warning in dataset.warnings)
