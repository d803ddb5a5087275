"""Interactions are read: columns found, rows put in order, users made examples, bad files refused."""

import datetime as dt
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.datasets.columns import ColumnChoices, ColumnNotFoundError, UnusedColumnError
from app.datasets.examples import Examples, load_examples
from app.datasets.ingest import ingest
from app.datasets.row_errors import (
    MAX_ITEMS,
    HistoriesTooShortError,
    OneItemError,
    TooManyItemsError,
    UnusableValueError,
    ValuesMissingError,
)
from app.datasets.storage import StoredDataset, dataset_folder
from app.datasets.titles import read_titles
from app.tasks.base import ColumnRole, FaultKind, RowFault
from app.tasks.interactions import MOST_ITEMS
from app.tasks.sequential_recommendation import as_time
from models_registry.vocabulary import TaskType
from tests.interactions import histories, stored

HEADER = "user_id,item_id,timestamp\n"
TWO_USERS = "u,a,3\nv,b,1\nu,b,1\nv,c,2\nu,c,2\nv,a,3\n"


def take(folder: Path, content: str | bytes, *, filename: str = "log.csv", **columns: str) -> StoredDataset:
    return ingest(
        io.BytesIO(content if isinstance(content, bytes) else content.encode()),
        filename=filename,
        choices=ColumnChoices(**columns),
        task_type=TaskType.SEQUENTIAL_RECOMMENDATION,
        project="p",
        data_dir=folder,
        max_bytes=10**9,
    )


def kept(folder: Path, found: StoredDataset) -> Examples:
    return load_examples(dataset_folder(folder, found.id))


def sequences(folder: Path, found: StoredDataset) -> list[str]:
    examples = kept(folder, found)
    return [" ".join(examples.label_names[i] for i in row) for row in examples.targets]


def test_a_user_is_an_example_whose_items_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    found = take(tmp_path, HEADER + TWO_USERS)
    assert kept(tmp_path, found).texts == ["b c", "b c"]
    assert sequences(tmp_path, found) == ["b c a", "b c a"]
    assert found.profile.n_examples == 2
    assert found.profile.n_classes == 0


def test_equal_times_keep_the_order_of_the_rows(tmp_path: Path) -> None:
    found = take(tmp_path, HEADER + "u,z,5\nv,x,1\nu,a,5\nu,m,5\nu,b,4\nv,y,1\nv,w,1\n")
    assert sequences(tmp_path, found) == ["b z a m", "x y w"]


def test_who_users_are_is_not_kept(tmp_path: Path) -> None:
    found = take(tmp_path, HEADER + TWO_USERS.replace("u,", "ada@example.org,"))
    assert kept(tmp_path, found).groups is None
    assert b"ada" not in (dataset_folder(tmp_path, found.id) / "examples.parquet").read_bytes()


def test_users_with_too_few_items_are_left_out_and_counted(tmp_path: Path) -> None:
    found = take(tmp_path, HEADER + TWO_USERS + "w,d,1\nw,e,2\nx,a,1\n")
    assert found.profile.n_examples == 2
    assert "2 users with fewer than 3 interactions are left out." in found.warnings
    facts = found.profile.interactions
    assert facts is not None
    assert (facts.n_users, facts.n_items, facts.n_interactions) == (2, 3, 6)
    assert (facts.density, facts.median_length, facts.users_left_out) == (1.0, 3.0, 2)
    assert kept(tmp_path, found).label_names == ("a", "b", "c")


def test_of_long_histories_the_last_items_are_kept(tmp_path: Path) -> None:
    n = MOST_ITEMS + 5
    long = "".join(f"u,i{k},{k}\n" for k in range(n))
    found = take(tmp_path, HEADER + TWO_USERS.replace("u,", "w,") + long)
    longest = max(sequences(tmp_path, found), key=len).split()
    assert (len(longest), longest[0], longest[-1]) == (MOST_ITEMS + 1, "i4", f"i{n - 1}")
    assert found.profile.interactions is not None
    assert found.profile.interactions.users_cut == 1
    assert found.profile.interactions.n_items == MOST_ITEMS + 1 + 3
    assert "Of 1 users with more than 201 interactions the last are kept." in found.warnings


def test_names_that_people_use_are_known(tmp_path: Path) -> None:
    for header in ("uid,movieId,rating_timestamp", "session_id,product_id,ts", "用户,商品,时间"):
        found = take(tmp_path, f"{header}\n{TWO_USERS}")
        assert list(found.columns.values()) == header.split(",")
        assert sequences(tmp_path, found) == ["b c a", "b c a"]


def test_other_columns_are_named_by_the_caller(tmp_path: Path) -> None:
    found = take(tmp_path, f"who,what,when_\n{TWO_USERS}", user="who", item="what", time="when_")
    assert found.columns[ColumnRole.ITEM] == "what"
    with pytest.raises(ColumnNotFoundError) as caught:
        take(tmp_path, f"who,what,when_\n{TWO_USERS}", item="what", time="when_")
    assert caught.value.pointer == "/user_column"


def test_other_tasks_have_no_such_columns(tmp_path: Path) -> None:
    with pytest.raises(UnusedColumnError) as caught:
        ingest(
            io.BytesIO(b"text,label\na,x\nb,y\n"),
            filename="a.csv",
            choices=ColumnChoices(user="text"),
            task_type=TaskType.TEXT_CLASSIFICATION,
            project="p",
            data_dir=tmp_path,
            max_bytes=10**6,
        )
    assert caught.value.pointer == "/user_column"


def test_titles_are_kept_of_the_items_that_have_one(tmp_path: Path) -> None:
    rows = "u,a,1,First\nu,b c,2,\nu,c,3,Third\nv,b c,1,\nv,c,2,Other\nv,a,3,First\nw,d,1,Gone\n"
    found = take(tmp_path, f"user_id,item_id,timestamp,title\n{rows}")
    assert found.columns[ColumnRole.TEXT] == "title"
    assert read_titles(dataset_folder(tmp_path, found.id)) == {"a": "First", "c": "Third"}
    assert sequences(tmp_path, found)[0] == "a b%20c c"


def test_without_a_column_of_titles_there_are_none(tmp_path: Path) -> None:
    found = take(tmp_path, HEADER + TWO_USERS)
    assert ColumnRole.TEXT not in found.columns
    assert read_titles(dataset_folder(tmp_path, found.id)) == {}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (978300760, 978300760.0),
        ("978300760.5", 978300760.5),
        ("1970-01-02", 86_400.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01 00:00:10Z", 10.0),
        ("0001-01-01T00:00:00", -62_135_596_800.0),
    ],
)
def test_times_are_numbers_or_dates(value: object, seconds: float) -> None:
    assert as_time(value, ColumnRole.TIME) == seconds


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("yesterday", FaultKind.NOT_A_TIME),
        (True, FaultKind.NOT_A_TIME),
        (float("inf"), FaultKind.NOT_A_TIME),
        ([1], FaultKind.NOT_A_TIME),
        (" ", FaultKind.MISSING),
        (None, FaultKind.MISSING),
        (float("nan"), FaultKind.MISSING),
    ],
)
def test_what_is_no_time_is_told(value: object, kind: FaultKind) -> None:
    assert as_time(value, ColumnRole.TIME) == RowFault(ColumnRole.TIME, kind)


def test_a_bad_time_is_refused_with_its_place_and_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(UnusableValueError) as caught:
        take(tmp_path, HEADER + TWO_USERS + "u,a,soon\n")
    assert caught.value.rows == (8,)
    assert caught.value.column == "timestamp"
    assert "2024-01-31" in caught.value.remedy


def test_a_few_rows_without_a_user_are_left_out_and_many_refuse_the_file(tmp_path: Path) -> None:
    found = take(tmp_path, HEADER + TWO_USERS + ",a,9\n")
    assert any(w.startswith("1 rows without a value in column 'user_id'") for w in found.warnings)
    with pytest.raises(ValuesMissingError):
        take(tmp_path, HEADER + TWO_USERS + ",a,9\n,b,9\n")


def test_data_in_which_nobody_has_enough_items_are_refused(tmp_path: Path) -> None:
    for rows in ("u,a,1\nv,b,2\nw,c,3\n", "u,a,1\nu,b,2\nu,c,3\nv,a,1\n"):
        with pytest.raises(HistoriesTooShortError) as caught:
            take(tmp_path, HEADER + rows)
        assert caught.value.pointer == "/user_column"


def test_one_item_only_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OneItemError):
        take(tmp_path, HEADER + "u,a,1\nu,a,2\nu,a,3\nv,a,1\nv,a,2\nv,a,3\n")


def test_more_items_than_are_ranked_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"u{k // 100},i{k},{k}\n" for k in range(MAX_ITEMS + 100))
    with pytest.raises(TooManyItemsError):
        take(tmp_path, HEADER + rows)


def test_json_lines_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    rows = [line.split(",") for line in TWO_USERS.splitlines()]
    table = {
        "user_id": [r[0] for r in rows],
        "item_id": [r[1] for r in rows],
        "time": [int(r[2]) for r in rows],
    }
    lines = "\n".join(
        json.dumps(dict(zip(table, row, strict=True))) for row in zip(*table.values(), strict=True)
    )
    days = pa.array([dt.date(2024, 1, int(row[2])) for row in rows])
    sink = io.BytesIO()
    pq.write_table(pa.table({**table, "time": days}), sink)
    for content, name in ((lines.encode(), "a.jsonl"), (sink.getvalue(), "a.parquet")):
        assert sequences(tmp_path, take(tmp_path, content, filename=name)) == ["b c a", "b c a"]


def test_a_hundred_thousand_rows_are_gathered_whole(tmp_path: Path) -> None:
    rows = histories(10_000, 800, seed=0, follows=0.0, length=(10, 11))
    found = stored(tmp_path, rows)
    assert found.profile.interactions is not None
    assert found.profile.interactions.n_interactions == 100_000
    assert found.profile.mean_length == 9.0
    by_items = sorted(" ".join(f"i{item}" for item in row) for row in rows)
    assert sorted(sequences(tmp_path, found)) == by_items
