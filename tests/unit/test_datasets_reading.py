"""Files as they come: formats, encodings, dialects, headers."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.datasets.delimited import RaggedRowError
from app.datasets.encoding import BinaryFileError, UnsupportedEncodingError
from app.datasets.parquet import MalformedParquetError
from app.datasets.reading import OpenedFile, UnsupportedFormatError, open_file
from app.datasets.table import (
    DuplicateColumnError,
    FieldTooLongError,
    HeaderOnlyError,
    MalformedRowError,
    TooManyColumnsError,
)
from app.datasets.upload import EmptyFileError
from app.tasks.base import TABLES, FileFormat

KNOWN = frozenset({"text", "label", "文本", "标签"})
ROWS = [("A fine hotel, really", "good"), ("酒店很好", "good"), ('He said "no"\nand left', "bad")]
ENGLISH = [("Good café, naïve staff", "yes"), ("Crème brûlée à la carte", "no"), ("plain words", "yes")] * 5
CHINESE = [
    ("这家酒店的服务非常好，我们都很喜欢", "好"),
    ("房间太小了，不会再来", "坏"),
    ("早餐不错，但是有点贵", "好"),
]


def opened(path: Path, content: bytes | str, filename: str = "file.csv") -> OpenedFile:
    file = path / "upload"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_file(file, filename=filename, accepted=TABLES, known_names=KNOWN)


def values(found: OpenedFile) -> list[tuple[object, ...]]:
    return [tuple(row) for _, row in found.source.records(found.source.columns)]


def csv_text(rows: list[tuple[str, str]], delimiter: str = ",", header: str = "text{}label\n") -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in '",;|\t\n') else cell

    return header.format(delimiter) + "".join(delimiter.join(map(quoted, row)) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("delimiter", "format_"),
    [
        (",", FileFormat.CSV),
        ("\t", FileFormat.TSV),
        (";", FileFormat.CSV),
        ("|", FileFormat.CSV),
    ],
)
def test_each_delimiter_is_told_whatever_the_file_is_called(
    tmp_path: Path, delimiter: str, format_: FileFormat
) -> None:
    found = opened(tmp_path, csv_text(ROWS, delimiter), "data.txt")
    assert (found.format, values(found)) == (format_, ROWS)


def test_windows_line_ends_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    found = opened(tmp_path, "text,label\r\n\r\na,x\r\nb,y\r\n\r\n")
    assert values(found) == [("a", "x"), ("b", "y")]


def test_prose_full_of_commas_does_not_hide_the_tab(tmp_path: Path) -> None:
    rows = [("well, yes, and no, perhaps", "a"), ("no, never", "b"), ("one, two, three", "a")]
    text = "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows)
    assert values(opened(tmp_path, text)) == rows


def test_tabs_with_stray_quotes_are_read_as_they_stand(tmp_path: Path) -> None:
    rows = [('"Hello', "a"), ('he said "no" and', "b"), ('5" pipe', "a"), ('"quoted" start', "b")]
    text = "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows)
    assert values(opened(tmp_path, text)) == rows


def test_backslash_escaped_quotes_are_understood(tmp_path: Path) -> None:
    found = opened(tmp_path, 'text,label\n"he said \\"no\\", twice",a\n"b, c",b\n')
    assert values(found) == [('he said "no", twice', "a"), ("b, c", "b")]


def test_records_carry_the_line_on_which_they_begin(tmp_path: Path) -> None:
    found = opened(tmp_path, 'text,label\n"two\nlines",a\nb,b\n')
    assert [line for line, _ in found.source.records(("label",))] == [2, 4]


def test_a_first_row_of_data_is_not_taken_for_a_header(tmp_path: Path) -> None:
    found = opened(tmp_path, "词汇阅读是关键\t3\n中国人民公安大学\t3\n同步股首秀\t4\n")
    assert found.source.columns == ("column_1", "column_2")
    assert len(values(found)) == 3
    assert any("No header" in warning for warning in found.warnings)


def test_a_header_of_unknown_names_is_a_header_when_its_words_do_not_recur(tmp_path: Path) -> None:
    found = opened(tmp_path, "remark,verdict\nfine,yes\npoor,no\nwell,yes\n")
    assert found.source.columns == ("remark", "verdict")


def test_a_misleading_name_is_answered_with_a_warning(tmp_path: Path) -> None:
    found = opened(tmp_path, csv_text(ROWS), "data.jsonl")
    assert found.format is FileFormat.CSV
    assert found.warnings == ("The file is named like json-lines but holds csv, and is read as that.",)


@pytest.mark.parametrize(
    ("codec", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
    ],
)
def test_accepted_encodings_give_the_same_rows(tmp_path: Path, codec: str, named: str) -> None:
    found = opened(tmp_path, csv_text(CHINESE).encode(codec))
    assert (found.encoding, values(found)) == (named, CHINESE)


def test_big_endian_utf16_is_read(tmp_path: Path) -> None:
    found = opened(tmp_path, b"\xfe\xff" + csv_text(CHINESE).encode("utf-16-be"))
    assert values(found) == CHINESE


def test_gb18030_is_found_even_when_its_first_character_comes_late(tmp_path: Path) -> None:
    rows = [("plain ascii text here", "a"), ("more of it", "b")] * 40_000 + CHINESE
    assert opened(tmp_path, csv_text(rows).encode("gb18030")).encoding == "gb18030"


@pytest.mark.parametrize(
    ("codec", "rows"),
    [
        ("cp1252", ENGLISH),
        ("shift_jis", [("この映画はとても面白かったです。", "良い"), ("料理が美味しくなかった", "悪い")] * 5),
        ("euc_jp", [("この映画はとても面白かったです。", "良い"), ("料理が美味しくなかった", "悪い")] * 5),
        ("euc_kr", [("이 영화는 정말 재미있었습니다", "긍정"), ("서비스가 나쁘고 맛없어요", "부정")] * 5),
        ("big5", [("這家飯店的服務非常好", "好"), ("房間太小了我們不喜歡", "壞")] * 5),
        ("cp1251", [("Этот фильм очень хороший", "да"), ("Плохая гостиница", "нет")] * 5),
    ],
)
def test_other_encodings_are_refused_by_name(tmp_path: Path, codec: str, rows: list[tuple[str, str]]) -> None:
    with pytest.raises(UnsupportedEncodingError) as caught:
        opened(tmp_path, csv_text(rows).encode(codec))
    assert caught.value.found == codec
    assert caught.value.line == 2
    assert "UTF-8" in caught.value.remedy


def test_damaged_utf8_is_called_that_with_its_line(tmp_path: Path) -> None:
    content = csv_text(CHINESE * 20).encode()
    bad = content[:-9] + b"\xff" + content[-9:]
    with pytest.raises(UnsupportedEncodingError, match="utf-8 with invalid bytes") as caught:
        opened(tmp_path, bad)
    assert caught.value.line == 61


def test_utf16_without_a_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedEncodingError, match="utf-16 without a byte order mark"):
        opened(tmp_path, csv_text(ENGLISH).encode("utf-16-le"))


def test_utf32_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedEncodingError, match="utf-32"):
        opened(tmp_path, csv_text(ROWS).encode("utf-32"))


def test_cut_utf16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedEncodingError, match="utf-16 with invalid bytes"):
        opened(tmp_path, csv_text(ROWS).encode("utf-16")[:-1])


@pytest.mark.parametrize("content", [b"text,label\na\0b,c\n", b"\0\1\2\3" * 100])
def test_zero_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BinaryFileError):
        opened(tmp_path, content)


def test_a_zero_byte_far_into_the_file_is_refused_with_its_line(tmp_path: Path) -> None:
    found = opened(tmp_path, "text,label\n" + "some words,a\n" * 50_000 + "a\0b,c\n")
    with pytest.raises(BinaryFileError) as caught:
        values(found)
    assert caught.value.line == 50_002


def test_ragged_rows_are_refused_with_their_line(tmp_path: Path) -> None:
    found = opened(tmp_path, "text,label\na,x\nb,y\nc, d,z\ne,x\n")
    with pytest.raises(RaggedRowError) as caught:
        values(found)
    assert (caught.value.line, caught.value.expected, caught.value.found) == (4, 2, 3)


@pytest.mark.parametrize(
    "text",
    ['text,label\na,x\n"b,y\nc,z\n', 'text,label\na,x\nb,"y\nc,z\n', 'text,label\na,"x\nb,y\nc,z\nd,w\n'],
)
def test_a_quote_that_is_not_closed_never_swallows_rows(tmp_path: Path, text: str) -> None:
    with pytest.raises((MalformedRowError, RaggedRowError)):
        values(opened(tmp_path, text))


def test_a_field_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FieldTooLongError) as caught:
        opened(tmp_path, "text,label\na,x\nb,y\n" + "w" * 140_000 + ",x\n")
    assert caught.value.rows == (4,)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FieldTooLongError):
        opened(tmp_path, '{"text": "' + "w" * (5 * 2**20))


def test_a_thousand_columns_are_read_and_no_more(tmp_path: Path) -> None:
    def wide(n: int) -> str:
        return ",".join(["text", *(f"c{i}" for i in range(n - 1))]) + "\n" + ",".join(["v"] * n) + "\n"

    assert len(opened(tmp_path, wide(1_000)).source.columns) == 1_000
    with pytest.raises(TooManyColumnsError) as caught:
        opened(tmp_path, wide(1_001))
    assert caught.value.n_columns == 1_001


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DuplicateColumnError) as caught:
        opened(tmp_path, "text,text,label\na,b,c\n")
    assert caught.value.column == "text"


@pytest.mark.parametrize("content", ["text,label\n", "text,label", "\ufefftext\tlabel\r\n\r\n", "{}\n{}\n"])
def test_a_header_alone_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(HeaderOnlyError):
        opened(tmp_path, content)


@pytest.mark.parametrize("content", ["\n\n  \n", "\ufeff"])
def test_white_space_alone_is_an_empty_file(tmp_path: Path, content: str) -> None:
    with pytest.raises(EmptyFileError):
        opened(tmp_path, content)


def test_json_lines_are_told_by_content_and_keys_may_be_left_out(tmp_path: Path) -> None:
    found = opened(tmp_path, '{"text": "a", "label": 1}\n\n{"label": true}\n{"text": "b", "x": 2}\n', "x.csv")
    assert (found.format, found.source.columns) == (FileFormat.JSON_LINES, ("text", "label", "x"))
    assert values(found) == [("a", 1, None), (None, True, None), ("b", None, 2)]


@pytest.mark.parametrize(
    "line", ["[1]", "3", '{"text": ', '{"n": ' + "9" * 5_000 + "}", '{"a":' + "[" * 200_000, "text"]
)
def test_a_line_that_is_no_json_object_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(MalformedRowError) as caught:
        opened(tmp_path, '{"text": "a", "label": "b"}\n' + line + "\n")
    assert caught.value.line == 2


def test_a_unicode_line_separator_does_not_end_a_json_line(tmp_path: Path) -> None:
    found = opened(tmp_path, json.dumps({"text": "a\u2028b"}, ensure_ascii=False) + "\n")
    assert values(found) == [("a\u2028b",)]


def test_half_a_surrogate_pair_becomes_the_replacement_character(tmp_path: Path) -> None:
    found = opened(tmp_path, '{"text": "cut \\ud83d", "label": "whole \\ud83d\\ude00"}\n')
    assert values(found) == [("cut \ufffd", "whole \U0001f600")]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    columns = {"text": ["a", "b"], "label": pa.array(["x", None]).dictionary_encode(), "n": [1, 2]}
    file = tmp_path / "data"
    pq.write_table(pa.table(columns), file)
    found = open_file(file, filename="data.parquet", accepted=TABLES)
    assert (found.format, values(found)) == (FileFormat.PARQUET, [("a", "x", 1), ("b", None, 2)])


def test_a_parquet_column_with_a_dot_in_its_name_is_read(tmp_path: Path) -> None:
    file = tmp_path / "data"
    pq.write_table(pa.table({"a.b": ["x"], "a": ["y"]}), file)
    found = open_file(file, filename="data.parquet", accepted=TABLES)
    assert list(found.source.records(("a.b",))) == [(1, ("x",))]


def test_two_parquet_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data"
    pq.write_table(pa.table([["x"], ["y"]], names=["text", "text"]), file)
    with pytest.raises(DuplicateColumnError):
        open_file(file, filename="data.parquet", accepted=TABLES)


def test_parquet_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data"
    text = pa.StringArray.from_buffers(
        1, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")
    )
    pq.write_table(pa.table({"text": text}), file)
    with pytest.raises(MalformedParquetError):
        values(open_file(file, filename="data.parquet", accepted=TABLES))


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), file)
    with pytest.raises(HeaderOnlyError):
        open_file(file, filename="data.parquet", accepted=TABLES)


@pytest.mark.parametrize("kept", [slice(0, -10), slice(0, 4), slice(0, 60)])
def test_damaged_parquet_is_refused(tmp_path: Path, kept: slice) -> None:
    file = tmp_path / "data"
    pq.write_table(pa.table({"text": ["a"]}), file)
    file.write_bytes(file.read_bytes()[kept])
    with pytest.raises(MalformedParquetError):
        open_file(file, filename="data.parquet", accepted=TABLES)


def test_parquet_whose_middle_is_garbage_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"PAR1" + b"x" * 50 + b"PAR1")
    with pytest.raises(MalformedParquetError):
        open_file(file, filename="data.parquet", accepted=TABLES)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04rest", "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b'[{"text": "a"}]', "JSON array"),
        (b"<!DOCTYPE html><p>", "HTML"),
    ],
)
def test_other_kinds_of_files_are_named_in_the_refusal(tmp_path: Path, content: bytes, found: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=found) as caught:
        opened(tmp_path, content)
    assert "parquet" in caught.value.remedy


def test_a_format_that_the_task_is_not_read_from_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text(csv_text(ROWS))
    with pytest.raises(UnsupportedFormatError, match="a csv file"):
        open_file(file, filename="data.csv", accepted=(FileFormat.PARQUET,))
