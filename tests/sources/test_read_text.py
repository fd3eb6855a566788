"""Reading csv and JSON Lines: every value survives, whatever encoding, delimiter and line breaks; rows keep their numbers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zp_registry.sources import ReportFile, head, read_bytes, text_column
from zp_registry.sources.delimited import delimiter_of

HEADER = ["统一社会信用代码", "主体名称", "联系电话"]
# No null, no half surrogates, and none of the private-use characters that GB18030 readers fold.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Co", "Cs")), max_size=12)
TABLES = st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=6)


def written(rows: list[list[str]], delimiter: str = ",", line_break: str = "\r\n") -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=line_break, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def cells(file: ReportFile) -> list[list[str]]:
    columns = [text_column(c).text.fillna("").tolist() for c in file.tables[0].columns]
    return [list(row) for row in zip(*columns, strict=True)]


@given(TABLES, st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), st.sampled_from(",\t;|"),
       st.sampled_from(["\r\n", "\n", "\r"]))
def test_any_table_survives_any_encoding_delimiter_and_line_break(
        table: list[list[str]], encoding: str, delimiter: str, line_break: str) -> None:
    data = written([HEADER, *table], delimiter, line_break).encode(encoding)
    assume(sum(row.count(d) for row in map("".join, table) for d in ',\t;|"') < 2)  # the delimiter is found by counting
    file = read_bytes("名单", data)
    assert cells(file) == [HEADER, *table]
    assert file.encoding == encoding
    assert file.warnings == ([("ENCODING_GB18030", "")] if encoding == "gb18030" else [])


@given(TABLES, st.sampled_from(["\r\n", "\n"]))
def test_a_ragged_line_changes_nothing_about_the_others(table: list[list[str]], line_break: str) -> None:
    """A short line sends the file another way: both ways must read alike."""
    even = written([HEADER, *table], line_break=line_break)
    assume(delimiter_of(even) == ",")
    ragged = cells(read_bytes("名单", (even + "甲,乙" + line_break).encode()))
    assert ragged == [*cells(read_bytes("名单", even.encode())), ["甲", "乙", ""]]


def test_plain_text_earns_no_remark_about_its_encoding() -> None:
    file = read_bytes("a", b"id,name\n1,x\n")
    assert (file.encoding, file.warnings) == ("utf-8", [])


def test_characters_of_old_gb18030_come_out_as_those_of_today() -> None:
    data = "名称\n".encode("gb18030") + bytes.fromhex("fe59fe61a6d9a8bcfe51") + b"\n"
    assert cells(read_bytes("a", data)) == [["名称"], ["龴龵︐ḿ𠂇"]]


def test_chinese_utf8_is_not_taken_for_gb18030() -> None:
    data = "名称,平台\n".encode()
    assert data.decode("gb18030") != "名称,平台\n", "it passes for GB18030 without an error"
    assert cells(read_bytes("a", data)) == [["名称", "平台"]]


def test_rows_are_numbered_as_a_spreadsheet_program_numbers_them() -> None:
    """A record is a row even if a value holds line breaks, and a blank line is a row."""
    file = read_bytes("a", '标题\n\n编号,"名\n称"\n1,"某\r\n商行"\n\n2,乙\n'.encode())
    numbered = dict(zip(file.tables[0].row_numbers().tolist(), cells(file), strict=True))
    assert numbered == {
        1: ["标题", ""], 2: ["", ""], 3: ["编号", "名\n称"], 4: ["1", "某\r\n商行"], 5: ["", ""], 6: ["2", "乙"]}


@pytest.mark.parametrize("text", ["编号,名称\n1,甲", "编号,名称\n1,甲\n", "编号,名称\r\n1,甲\r\n", "编号,名称\r1,甲\r"])
def test_the_end_of_the_last_line_is_free(text: str) -> None:
    assert cells(read_bytes("a", text.encode())) == [["编号", "名称"], ["1", "甲"]]


def test_quotation_marks_inside_a_value_are_part_of_it() -> None:
    data = '编号,名称\n1,5"屏\n2,"甲""乙"\n'.encode()
    assert cells(read_bytes("a", data)) == [["编号", "名称"], ["1", '5"屏'], ["2", '甲"乙']]


@pytest.mark.parametrize(("text", "delimiter"), [
    ("编号\t名称\n1\t甲,乙,丙\n", "\t"), ("编号;名称\n1;甲\n", ";"), ('编号,主播\n1,"甲;乙;丙;丁;戊"\n', ","),
    ("编号\n1\n", ","),
    ("报送日期：2024-03-31\n编号|名称\n1|甲\n", "|")])
def test_the_delimiter_is_found(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter


# -- JSON


RECORD = {"report_date": "2024-03-31", "shop": {"id": "007", "fans": 123, "open": True, "deep": {"x": 1.5}}, "subject": None,
          "anchors": [{"name": "甲", "id_no": "1"}, {"name": "乙"}]}
FLAT = {"report_date": "2024-03-31", "shop.id": "007", "shop.fans": "123", "shop.open": "TRUE", "shop.deep.x": "1.5",
        "subject": "", "anchors": '[{"name":"甲","id_no":"1"},{"name":"乙"}]'}


@pytest.mark.parametrize("data", [
    json.dumps(RECORD, ensure_ascii=False) + "\n", json.dumps([RECORD]), json.dumps([RECORD], indent=2),
    json.dumps({"items": [RECORD]}), json.dumps({"total": 1, "data": [RECORD]}), json.dumps(RECORD, indent=2)])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_nested_objects_become_dotted_columns_and_lists_stay_json(data: str, encoding: str) -> None:
    file = read_bytes("a", data.encode(encoding))
    table = file.tables[0]
    assert file.format == "jsonl"
    assert table.header == list(FLAT)
    assert head(table, 10) == [list(FLAT)]
    assert cells(file) == [list(FLAT.values())]
    assert table.row_numbers().tolist() == [1]


def test_lines_keep_their_numbers_and_values_their_odd_characters() -> None:
    file = read_bytes("a", '{"名称":"店\u2028铺\x85"}\r\n\r\n{"名称":"乙","电话":"1"}\n'.encode())
    assert file.tables[0].row_numbers().tolist() == [1, 3]
    assert file.tables[0].header == ["名称", "电话"]
    assert cells(file) == [["店\u2028铺\x85", ""], ["乙", "1"]]


def test_an_object_that_is_null_in_some_records_is_no_column_of_its_own() -> None:
    file = read_bytes("a", b'{"agency":null,"id":1}\n{"agency":{"name":"x"},"id":2}\n')
    assert (file.tables[0].header, cells(file)) == (["agency.name", "id"], [["", "1"], ["x", "2"]])
    odd = read_bytes("a", b'{"agency":"y"}\n{"agency":{"name":"x"}}\n')
    assert odd.tables[0].header == ["agency", "agency.name"]


def test_json_writes_all_digits_of_a_whole_number() -> None:
    """Unlike a cell of a spreadsheet: a 19-digit number is exact, one with a fraction or an exponent is not."""
    file = read_bytes("a", b'{"id":1001234567890123457}\n{"id":1.001234567890123457e18}\n{"id":12345}\n')
    got = text_column(file.tables[0].columns[0])
    assert got.text.tolist() == ["1001234567890123457", "1001234567890123520", "12345"]
    assert (got.lossy.tolist(), got.number.tolist()) == ([False, True, False], [False, True, True])


def test_half_a_surrogate_pair_does_not_stop_the_file() -> None:
    file = read_bytes("a", b'{"\\ud83da":"\\ud83d\\ude00 \\udc00"}\n')
    assert (file.tables[0].header, cells(file)) == (["\ufffda"], [["\U0001f600 \ufffd"]])


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1, max_size=6)


@given(st.lists(st.dictionaries(KEYS, TEXT.filter(bool), min_size=1, max_size=4), min_size=1, max_size=5))
def test_any_records_survive(records: list[dict[str, Any]]) -> None:
    assume(any(v.strip() for r in records for v in r.values()))
    file = read_bytes("a", "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode())
    header = file.tables[0].header or []
    assume(records[0].keys().isdisjoint({"items", "data"}))
    assert [{k: v for k, v in zip(header, row, strict=True) if v} for row in cells(file)] == records
