"""No text of a report may run as a formula in any workbook, nor change on the way."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import zipfile
from pathlib import Path
from typing import IO, Any

import openpyxl
import pandas as pd
import pytest
import python_calamine as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zp_registry.crypto import clear_unfinished
from zp_registry.frames import EVIDENCE, EXPORT_ACCOUNTS, EXPORT_FLAGS, FOLLOWUPS
from zp_registry.lists.followups import write_followups
from zp_registry.lists.rejects import RejectItem, write_rejects
from zp_registry.lists.safety import UNFINISHED, clean, file_name, write_atomically
from zp_registry.lists.tables import write_table
from zp_registry.lists.transfers import write_transfers

ATTACKS = (
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("http://x.invalid","点我")',
    "＝1+1",
    "#N/A",
    "0013800001234",
    "411324199001011234",
    "1E5",
    "2026-03-31",
    "TRUE",
    "_x0041_",
    " =1",
    "a\x00\x0bb",
    "行一\r\n行二",
    "'=1",
)


def frame(columns: tuple[str, ...], **values: object) -> pd.DataFrame:
    return pd.DataFrame([{c: values.get(c) for c in columns}]).astype(dict.fromkeys(columns, "str"))


def write_all(text: str, folder: Path) -> list[Path]:
    """Every writer with the text in every cell that comes from a report."""
    fields = (
        "subject_name",
        "responsible",
        "contact_name",
        "contact_phone",
        "business_address",
        "remark",
        "outcome",
        "platforms",
    )
    listed = frame(FOLLOWUPS, flag_id="F1", entity_id="E1", town="石佛寺镇", reason="missing", **dict.fromkeys(fields, text))
    paths = write_followups(listed, folder, as_of="2026-09-30")
    flags = frame(
        EXPORT_FLAGS,
        flag_id=text,
        family="TRANSFER",
        code=text,
        level="high",
        status="open",
        platform=text,
        account_id=text,
        entity_id=text,
        other_entity_id=text,
        reason=text,
    )
    evidence = frame(EVIDENCE, flag_id=text, as_of="2026-09-30", source_file=text, sheet=text, row="7", what=text)
    accounts = frame(
        EXPORT_ACCOUNTS, platform=text, account_id=text, account_name=text, entity_id=text, subject_name=text, town=text
    )
    paths.append(write_transfers(flags, evidence, accounts, folder, as_of="2026-09-30"))
    item = RejectItem(
        text, text, text, 4, text, "2026-09-30", [text, "昵称"], [text, text], {text: [("X", text)], "昵称": [("Y", text)]}
    )
    paths.append(write_rejects([item], folder / "rejects.xlsx"))
    write_table(pd.DataFrame({"a": [text], "n": [1]}), ["a", "n"], folder / "table.xlsx", "xlsx")
    return [*paths, folder / "table.xlsx"]


def texts_of(path: Path) -> list[str]:
    book = pc.CalamineWorkbook.from_path(str(path))
    return [c for n in book.sheet_names for r in book.get_sheet_by_name(n).to_python() for c in r if isinstance(c, str)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_stays_text_everywhere(attack: str, tmp_path: Path) -> None:
    wanted = clean(attack)
    for path in write_all(attack, tmp_path):
        with zipfile.ZipFile(path) as parts:
            for name in parts.namelist():
                if name.startswith("xl/worksheets/sheet"):
                    assert b"<f>" not in parts.read(name)
                assert "externalLink" not in name
        for ws in openpyxl.load_workbook(path):
            for row in ws.iter_rows():
                for cell in row:
                    assert cell.data_type not in ("f", "e"), (path.name, ws.title, cell.coordinate)
        if "汇总" not in path.name:
            assert any(wanted in t or wanted.strip() in t for t in texts_of(path)), path.name


def test_formula_like_cells_carry_the_text_prefix_and_format(tmp_path: Path) -> None:
    found = 0
    for path in write_all("=1+1", tmp_path):
        for ws in openpyxl.load_workbook(path):
            for row in ws.iter_rows():
                for cell in row:
                    if cell.value == "=1+1":
                        found += 1
                        assert cell.quotePrefix
                        assert cell.number_format == "@"
    assert found > 10


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_text_comes_back_from_a_table(tmp_path: Path, values: list[str]) -> None:
    # Arrow holds no lone surrogates, so a frame of texts cannot either.
    values = [v.encode("utf-8", "ignore").decode() for v in values]
    frame = pd.DataFrame({"值": pd.Series(values, dtype="str"), "n": range(len(values))})
    write_table(frame, ["值", "n"], tmp_path / "t.xlsx", "xlsx")
    ws = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    assert ws is not None
    got = [ws.cell(r, 1) for r in range(2, len(values) + 2)]
    assert all(c.data_type in ("s", "n", "inlineStr") for c in got)
    # A spreadsheet program reads _x005F_ as an underscore; openpyxl leaves that to its caller.
    assert [str(c.value or "").replace("_x005F_", "_") for c in got] == [clean(v).replace("_x005F_", "_") for v in values]
    assert [ws.cell(r, 2).value for r in range(2, len(values) + 2)] == list(range(len(values)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=30)), st.integers(-(2**53), 2**53)), min_size=1, max_size=6))
def test_csv_and_jsonl_hold_the_exact_data(tmp_path: Path, rows: list[tuple[str | None, int]]) -> None:
    rows = [(None if a is None else a.encode("utf-8", "ignore").decode().replace("\x00", ""), n) for a, n in rows]
    frame = pd.DataFrame({"a": pd.Series([a for a, _ in rows], dtype="str"), "n": [n for _, n in rows]})
    write_table(frame, ["n", "a"], tmp_path / "t.csv", "csv")
    data = (tmp_path / "t.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    back = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert back[0] == ["n", "a"]
    assert back[1:] == [[str(n), a or ""] for a, n in rows]
    write_table(frame, ["n", "a"], tmp_path / "t.jsonl", "jsonl")
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines if line] == [{"n": n, "a": a} for a, n in rows]


def test_csv_is_rfc_4180_and_not_made_safe() -> None:
    out = io.BytesIO()
    write_table(pd.DataFrame({"a": ['x"y', "行一\n行二", "=1+1", None], "b": ["1,2", "0013", "", "z"]}), ["a", "b"], out, "csv")
    assert out.getvalue().decode() == '\ufeffa,b\r\n"x""y","1,2"\r\n"行一\n行二",0013\r\n=1+1,\r\n,z\r\n'


def test_text_streams_take_text_formats_only() -> None:
    frame = pd.DataFrame({"a": ["甲"]})
    out = io.StringIO()
    write_table(frame, ["a"], out, "jsonl")
    assert json.loads(out.getvalue()) == {"a": "甲"}
    with pytest.raises(ValueError, match="binary"):
        write_table(frame, ["a"], io.StringIO(), "xlsx")
    with pytest.raises(KeyError):
        write_table(frame, ["missing"], io.BytesIO(), "csv")


def test_files_are_private_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in write_all("甲", tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    target = tmp_path / "table.xlsx"
    before = target.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_table(pd.DataFrame({"a": ["乙"]}), ["a"], target, "xlsx")
    assert target.read_bytes() == before
    assert not list(tmp_path.glob(".zp-*"))


def test_a_list_that_is_being_written_is_nobodys_leftover(tmp_path: Path) -> None:
    left: list[tuple[int, bool]] = []

    def write(stream: IO[bytes]) -> None:
        (tmp_path / ".zp-killed_1.tmp").write_bytes(b"half")
        left.append((clear_unfinished(tmp_path, UNFINISHED), (tmp_path / ".zp-killed_1.tmp").exists()))
        stream.write(b"whole")

    assert write_atomically(tmp_path / "list.xlsx", write).read_bytes() == b"whole"
    assert left == [(1, False)]
    assert [p.name for p in tmp_path.iterdir()] == ["list.xlsx"]


@given(st.text(max_size=300))
def test_file_names_are_acceptable(text: str) -> None:
    name = file_name(text)
    assert name
    assert len(name.encode()) <= 120
    assert not re.search(r'[\\/:*?"<>|\x00-\x1f]', name)
    assert name not in (".", "..")


def test_pages_are_ready_to_print(tmp_path: Path) -> None:
    for path in write_all("甲", tmp_path):
        if path.name == "table.xlsx":
            continue
        sheets: Any = openpyxl.load_workbook(path)
        for ws in sheets:
            if ws.sheet_state != "visible":
                continue
            assert str(ws.page_setup.paperSize) == "9"
            assert ws.sheet_properties.pageSetUpPr.fitToPage
            assert ws.print_area
            assert ws.oddFooter.center.text == "第 &P 页 共 &N 页"
            assert "2026-09-30" in ws.oddHeader.right.text
        first = openpyxl.load_workbook(path)
        for name in ("催签清单", "线索", "证据"):
            if name in first.sheetnames:
                assert first[name].print_title_rows
                assert first[name].freeze_panes
                assert first[name].auto_filter.ref
