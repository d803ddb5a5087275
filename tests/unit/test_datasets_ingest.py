"""An upload becomes a stored data set, or an error and nothing left behind."""

import datetime as dt
import io
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.datasets.columns import (
    ColumnChoices,
    ColumnConflictError,
    ColumnNotFoundError,
    UnknownColumnError,
    UnusedColumnError,
)
from app.datasets.errors import DatasetError
from app.datasets.examples import load_examples
from app.datasets.ingest import UnsupportedTaskError, ingest, ingest_rows
from app.datasets.row_errors import (
    LabelsUniqueError,
    OneClassError,
    TooManyClassesError,
    TooManyRowsError,
    UnusableValueError,
    ValuesMissingError,
)
from app.datasets.storage import (
    DatasetNotFoundError,
    InvalidDatasetIdError,
    StoredDataset,
    dataset_folder,
    delete,
    incoming_folder,
    load_dataset,
    remove_abandoned,
)
from app.datasets.table import FieldTooLongError, HeaderOnlyError
from app.datasets.upload import EmptyFileError, UploadTooLargeError
from app.tasks.base import ColumnRole
from models_registry.vocabulary import TaskType

GOOD = "text,label\nfine place,good\npoor food,bad\nnice room,good\nloud street,bad\n"
NONE = ColumnChoices()


def take(
    data_dir: Path,
    content: str | bytes,
    choices: ColumnChoices = NONE,
    *,
    project: str = "p",
    max_bytes: int = 10**9,
    task_type: TaskType = TaskType.TEXT_CLASSIFICATION,
    filename: str = "file.csv",
) -> StoredDataset:
    return ingest(
        io.BytesIO(content if isinstance(content, bytes) else content.encode()),
        filename=filename,
        choices=choices,
        task_type=task_type,
        project=project,
        data_dir=data_dir,
        max_bytes=max_bytes,
    )


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def table(header: str, *rows: str) -> str:
    return "\n".join((header, *rows)) + "\n"


def test_examples_come_back_as_they_were_sent(tmp_path: Path) -> None:
    stored = take(tmp_path, GOOD)
    examples = load_examples(dataset_folder(tmp_path, stored.id))
    assert examples.texts == ["fine place", "poor food", "nice room", "loud street"]
    assert examples.label_names == ("bad", "good")
    assert examples.labels.tolist() == [1, 0, 1, 0]
    assert examples.labels.dtype == np.int64
    assert examples.groups is None


def test_what_is_stored_is_what_ingest_returned(tmp_path: Path) -> None:
    stored = take(tmp_path, GOOD, filename="../../etc/my\nfile.csv")
    assert load_dataset(tmp_path, stored.id) == stored
    assert stored.name == "my file.csv"
    assert stored.columns == {ColumnRole.TEXT: "text", ColumnRole.LABEL: "label"}


def test_a_path_and_a_stream_of_the_same_bytes_are_the_same_data_set(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(GOOD)
    by_path = ingest(
        file,
        filename="other.csv",
        choices=NONE,
        task_type=TaskType.TEXT_CLASSIFICATION,
        project="p",
        data_dir=tmp_path,
        max_bytes=1000,
    )
    assert by_path.id == take(tmp_path, GOOD).id


def test_columns_that_are_named_or_found_give_the_same_id(tmp_path: Path) -> None:
    named = take(tmp_path, GOOD, ColumnChoices(text="text", label="label"))
    assert named.id == take(tmp_path, GOOD).id


def test_other_projects_columns_and_bytes_give_other_ids(tmp_path: Path) -> None:
    data = "text,title,label\na b,c,x\nd e,f,y\na g,h,x\nd i,j,y\n"
    ids = {
        take(tmp_path, data).id,
        take(tmp_path, data, project="q").id,
        take(tmp_path, data, ColumnChoices(text="title")).id,
        take(tmp_path, data + "k,l,x\n").id,
    }
    assert len(ids) == 4


def test_deleting_one_projects_copy_leaves_the_others(tmp_path: Path) -> None:
    one, other = take(tmp_path, GOOD, project="a"), take(tmp_path, GOOD, project="b")
    assert delete(tmp_path, one.id)
    assert not delete(tmp_path, one.id)
    assert len(load_examples(dataset_folder(tmp_path, other.id))) == 4
    with pytest.raises(DatasetNotFoundError):
        load_dataset(tmp_path, one.id)


@pytest.mark.parametrize(
    "wrong",
    ["../../etc/passwd", "https://example.org/x", "ds_0123", "ds_" + "A" * 16, "ds_0123456789abcdef\n"],
)
def test_what_is_no_id_never_becomes_a_path(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(InvalidDatasetIdError) as caught:
        dataset_folder(tmp_path, wrong)
    assert caught.value.pointer == "/dataset_id"


BAD = [
    ("empty", "", EmptyFileError),
    ("header only", "text,label\n", HeaderOnlyError),
    ("one class", table("text,label", "a,x", "b,x"), OneClassError),
    ("no labels", table("text,label", "a,", "b,", "c, "), ValuesMissingError),
    ("no texts", table("text,label", ",x", ",y", " ,x"), ValuesMissingError),
    ("many labels missing", table("text,label", "a,x", "b,y", "c,", "d,x"), ValuesMissingError),
    ("labels are identifiers", table("text,label", "a,1", "b,2", "c,3"), LabelsUniqueError),
    ("too many labels", table("text,label", *(f"t{i},{i // 2}" for i in range(10_002))), TooManyClassesError),
    ("one column", "only\nsome words\nother words\nsome words\n", ColumnNotFoundError),
    ("nested", '{"text": {"en": "a"}, "label": 1}\n{"text": "b", "label": 2}\n', UnusableValueError),
    ("nested label", '{"text": "a", "label": 1}\n{"text": "b", "label": [1]}\n', UnusableValueError),
    ("long", '{"text": "a", "label": 1}\n{"text": "%s", "label": 2}\n' % ("w" * 140_000), FieldTooLongError),
]


@pytest.mark.parametrize(("content", "error"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_files_are_refused_and_leave_nothing(
    tmp_path: Path, content: str, error: type[DatasetError]
) -> None:
    with pytest.raises(error) as caught:
        take(tmp_path, content)
    assert caught.value.detail
    assert caught.value.remedy
    assert caught.value.pointer.startswith("/")
    assert files_in(tmp_path) == []
    assert [path for path in (tmp_path / "datasets").iterdir() if path.name != ".incoming"] == []
    assert list(incoming_folder(tmp_path).iterdir()) == []


def test_a_parquet_column_of_bytes_or_lists_is_refused_with_its_row(tmp_path: Path) -> None:
    for values in ([b"a", b"b"], [["a"], ["b"]], [{"en": "a"}, {"en": "b"}]):
        parquet = io.BytesIO()
        pq.write_table(pa.table({"text": values, "label": ["x", "y"]}), parquet)
        with pytest.raises(UnusableValueError) as caught:
            take(tmp_path, parquet.getvalue())
        assert (caught.value.column, caught.value.rows) == ("text", (1,))


def test_the_same_upload_many_times_at_once_is_stored_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: take(tmp_path, GOOD).id, range(16)))
    assert len(ids) == 1
    assert len(files_in(tmp_path)) == 2


def test_an_unknown_column_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownColumnError) as caught:
        take(tmp_path, GOOD, ColumnChoices(label="labels"))
    assert caught.value.columns == ("text", "label")
    assert caught.value.pointer == "/label_column"
    assert "'text', 'label'" in caught.value.remedy


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        (ColumnChoices(text="text", label="text"), ColumnConflictError),
        (ColumnChoices(text="text", text_pair="label"), UnusedColumnError),
    ],
)
def test_choices_that_cannot_be_followed_are_refused(
    tmp_path: Path, choices: ColumnChoices, error: type[DatasetError]
) -> None:
    with pytest.raises(error):
        take(tmp_path, GOOD, choices)


def test_blank_choices_are_none_and_case_may_differ(tmp_path: Path) -> None:
    stored = take(tmp_path, GOOD, ColumnChoices(text=" ", label="LABEL", group=""))
    assert stored.columns == {ColumnRole.TEXT: "text", ColumnRole.LABEL: "label"}


@pytest.mark.parametrize(
    "header", ["评论,标签", "Review,Sentiment", "sentence,class", " Content , category "]
)
def test_well_known_names_need_no_warning(tmp_path: Path, header: str) -> None:
    stored = take(tmp_path, table(header, *["some words,x", "other words,y"] * 60))
    assert not [warning for warning in stored.warnings if "is taken as" in warning]


def test_columns_found_by_content_are_stated(tmp_path: Path) -> None:
    rows = [f"{i},the {i}th remark of a guest,{'yes' if i % 2 else 'no'}" for i in range(120)]
    stored = take(tmp_path, table("nr,remark,verdict", *rows))
    assert stored.columns == {ColumnRole.TEXT: "remark", ColumnRole.LABEL: "verdict"}
    assert sum("is taken as" in warning for warning in stored.warnings) == 2


def test_a_few_rows_without_label_are_left_out_with_their_lines(tmp_path: Path) -> None:
    stored = take(tmp_path, GOOD + "no label here,\n")
    assert stored.profile.n_examples == 4
    assert stored.profile.missing_labels == 1
    assert any("line 6" in warning for warning in stored.warnings)


def test_missing_labels_are_refused_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(ValuesMissingError) as caught:
        take(tmp_path, table("text,label", "a,x", "b,", "c,y", "d,"))
    assert (caught.value.column, caught.value.rows) == ("label", (3, 5))
    assert (caught.value.n_missing, caught.value.n_rows) == (2, 4)


def test_a_class_with_one_example_is_a_warning(tmp_path: Path) -> None:
    stored = take(tmp_path, GOOD + "so so,neutral\n")
    assert any("'neutral'" in warning for warning in stored.warnings)


def test_an_upload_beyond_the_limit_is_read_no_further(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        n_read = 0

        def read(self, size: int = -1) -> bytes:
            self.n_read += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(UploadTooLargeError) as caught:
        ingest(
            stream,  # type: ignore[arg-type]
            filename="x",
            choices=NONE,
            task_type=TaskType.TEXT_CLASSIFICATION,
            project="p",
            data_dir=tmp_path,
            max_bytes=3 * 2**20,
        )
    assert caught.value.limit_bytes == 3 * 2**20
    assert stream.n_read == 4 * 2**20
    assert files_in(tmp_path) == []


def test_an_upload_at_the_limit_is_taken(tmp_path: Path) -> None:
    assert take(tmp_path, GOOD, max_bytes=len(GOOD)).n_bytes == len(GOOD)
    with pytest.raises(UploadTooLargeError):
        take(tmp_path, GOOD, max_bytes=len(GOOD) - 1)


def test_more_rows_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.datasets.collecting.MAX_ROWS", 3)
    with pytest.raises(TooManyRowsError):
        take(tmp_path, GOOD)
    assert files_in(tmp_path) == []


def test_a_task_whose_data_is_not_read_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedTaskError, match="text-classification"):
        take(tmp_path, GOOD, task_type=TaskType.OBJECT_DETECTION)


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, _: int = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        ingest(
            Broken(),  # type: ignore[arg-type]
            filename="x",
            choices=NONE,
            task_type=TaskType.TEXT_CLASSIFICATION,
            project="p",
            data_dir=tmp_path,
            max_bytes=10,
        )
    assert files_in(tmp_path) == []


def test_csv_json_lines_and_parquet_of_the_same_rows_give_the_same_examples(tmp_path: Path) -> None:
    rows = [{"text": f"some {i}", "label": i % 2} for i in range(10)]
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    uploads: list[str | bytes] = [
        "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in rows),
        "".join(json.dumps(row) + "\n" for row in rows),
        parquet.getvalue(),
    ]
    loaded = [load_examples(dataset_folder(tmp_path, take(tmp_path, upload).id)) for upload in uploads]
    for examples in loaded:
        assert examples.texts == [row["text"] for row in rows]
        assert examples.label_names == ("0", "1")
        assert examples.labels.tolist() == [row["label"] for row in rows]


def test_many_groups_stay_together(tmp_path: Path) -> None:
    rows = [f"text {i},{'xy'[i % 2]},author {i // 2:02}" for i in range(42)]
    stored = take(tmp_path, table("text,label,author", *rows), ColumnChoices(group="author"))
    examples = load_examples(dataset_folder(tmp_path, stored.id))
    assert examples.groups is not None
    assert examples.groups.tolist() == [i // 2 for i in range(42)]
    assert examples.compared is None
    assert "There are more than 20 groups: each stays on one side of the split." in stored.warnings


def test_few_groups_are_compared(tmp_path: Path) -> None:
    data = table("text,label,dialect", "a,x,north", "b,y,east", "c,x,north", "d,y,east")
    stored = take(tmp_path, data, ColumnChoices(group="dialect"))
    examples = load_examples(dataset_folder(tmp_path, stored.id))
    assert examples.groups is None
    assert examples.compared is not None
    assert examples.compared.tolist() == [1, 0, 1, 0]
    assert examples.compared_names == ("east", "north")
    assert any(warning.startswith("The 2 groups are compared") for warning in stored.warnings)


def test_rows_of_a_request_are_a_data_set_too(tmp_path: Path) -> None:
    rows = [{"text": "fine", "label": True}, {"text": "poor", "label": False}, {"text": "好", "label": True}]
    stored = ingest_rows(rows, task_type=TaskType.TEXT_CLASSIFICATION, project="p", data_dir=tmp_path)
    examples = load_examples(dataset_folder(tmp_path, stored.id))
    assert examples.texts == ["fine", "poor", "好"]
    assert examples.label_names == ("false", "true")
    again = ingest_rows(rows, task_type=TaskType.TEXT_CLASSIFICATION, project="p", data_dir=tmp_path)
    assert again.id == stored.id


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"text": "a", "label": "x"}, {"text": "b", "label": "x"}],
        [{"text": "a"}, {"text": "b"}],
        [{"text": ["a"], "label": "x"}, {"text": "b", "label": "y"}],
        [{"text": "a", "label": "x"}] * 2_001,
    ],
    ids=["none", "one class", "no labels", "nested", "too many"],
)
def test_bad_rows_of_a_request_point_at_the_examples(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    with pytest.raises(DatasetError) as caught:
        ingest_rows(rows, task_type=TaskType.TEXT_CLASSIFICATION, project="p", data_dir=tmp_path)
    assert caught.value.pointer == "/examples"
    assert files_in(tmp_path) == []


def test_what_a_killed_process_left_is_removed_and_the_rest_stays(tmp_path: Path) -> None:
    stored = take(tmp_path, GOOD)
    old, new = incoming_folder(tmp_path) / "draft-old", incoming_folder(tmp_path) / "draft-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "examples.parquet").write_bytes(b"half")
    os.utime(old, (1_000, 1_000))
    removed = remove_abandoned(tmp_path, before=dt.datetime.fromtimestamp(2_000, tz=dt.UTC))
    assert (removed, old.exists(), new.exists()) == (1, False, True)
    assert load_dataset(tmp_path, stored.id) == stored


ANY_TEXT = st.lists(
    st.sampled_from(["text", "label", ",", "\t", "\n", '"', "a", "好", " ", "1", "{", "}", ":", "\r"])
)


@given(st.one_of(st.binary(max_size=300), ANY_TEXT.map(lambda parts: "".join(parts).encode())))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_a_data_set_or_a_data_set_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            stored = take(Path(folder), content)
        except DatasetError:
            assert files_in(Path(folder)) == []
        else:
            examples = load_examples(dataset_folder(Path(folder), stored.id))
            assert len(examples) == stored.profile.n_examples
            assert len(files_in(Path(folder))) == 2


SHARED = Path(os.environ.get("ADVISOR_SHARED_DIR", Path(__file__).parents[2].parent / "shared"))
REAL = [
    ("chnsenticorp_hotel", "zh"),
    ("banking77", "en"),
    ("sms_spam", "en"),
    ("citation_intent_aclarc", "en"),
    ("thucnews_titles", "zh"),
    ("tweet_emotion", "en"),
]


@pytest.fixture(params=REAL, ids=lambda item: item[0])
def real(request: pytest.FixtureRequest) -> tuple[Path, str]:
    name, language = request.param
    folder = SHARED / "data" / "tasks" / name
    if not folder.is_dir():
        pytest.skip(f"the development data set {name} is not there")
    return folder, language


@pytest.mark.shared
def test_real_sets_are_read_as_they_are_described(tmp_path: Path, real: tuple[Path, str]) -> None:
    folder, language = real
    known = json.loads((folder / "meta.json").read_text())
    stored = take(tmp_path, (folder / "train.csv").read_bytes())
    assert stored.profile.n_examples == known["n_train"]
    assert stored.profile.n_classes == known["n_classes"]
    assert dict(stored.profile.class_counts) == known["label_distribution"]["train"]
    assert stored.profile.languages[0][0] == language
    assert stored.profile.languages[0][1] > 0.95


@pytest.mark.shared
@pytest.mark.parametrize("codec", ["gb18030", "utf-16", "utf-8-sig"])
def test_a_real_chinese_set_reads_the_same_in_every_encoding(tmp_path: Path, codec: str) -> None:
    file = SHARED / "data" / "tasks" / "thucnews_titles" / "train.csv"
    if not file.is_file():
        pytest.skip("the development data set thucnews_titles is not there")
    text = file.read_text(encoding="utf-8")
    one, other = take(tmp_path, text), take(tmp_path, text.encode(codec))
    first = load_examples(dataset_folder(tmp_path, one.id))
    second = load_examples(dataset_folder(tmp_path, other.id))
    assert first.texts == second.texts
    assert first.label_names == second.label_names
    np.testing.assert_array_equal(first.labels, second.labels)
    assert other.profile == one.profile
