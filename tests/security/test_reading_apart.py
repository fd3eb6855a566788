"""Reading strangers' files: nothing that a file holds ends the run, fills the memory or the night, or gets at the keys."""

from __future__ import annotations

import os
import time
from pathlib import Path

import hostile
import pytest
from containers import zipped
from test_read_workbooks import FORMATS, Cells

from zp_registry.errors import FileRefused
from zp_registry.quarantine.codes import severity
from zp_registry.sources import ReadLimits, head, read_bytes, text_column
from zp_registry.sources.sandbox import Reader, reader

MIXED: Cells = {(r, c): v for r in range(40) for c, v in enumerate(
    [f"某商行{r}", 411324198001010011.0, r * 1.5, "4.11E+17", " ", "=1+1", 138000.0 + r]) if c != 4 or r % 3}  # fmt: skip


def told(name: str, data: bytes, limits: ReadLimits | None = None) -> str:
    """The code with which the file is refused; nothing where it is read."""
    try:
        reader.report(name, data, limits or ReadLimits())
    except FileRefused as refused:
        return refused.code if severity(refused.code) == "file" else "no code of files"
    return ""


def peak(one: Reader) -> int:
    """The most memory that the reading process has had, in bytes."""
    assert one._process is not None
    status = Path(f"/proc/{one._process.pid}/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.mark.parametrize("what", hostile.HOSTILE)
def test_every_hostile_file_is_read_or_refused_in_time_and_within_its_memory(what: str) -> None:
    make, right = hostile.HOSTILE[what]
    data, began = make(), time.monotonic()
    assert told(what, data) in right
    assert time.monotonic() - began < 60
    assert peak(reader) < ReadLimits().max_memory
    assert told("next", b"a,b\n1,2\n") == ""


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_read_apart_is_what_is_read_here(form: str) -> None:
    data = FORMATS[form](MIXED)
    here, apart = read_bytes("名单", data), reader.report("名单", data, ReadLimits())
    assert (apart.name, apart.sha256, apart.size, apart.format, apart.warnings) == (
        here.name, here.sha256, here.size, here.format, here.warnings)  # fmt: skip
    for one, other in zip(here.tables, apart.tables, strict=True):
        assert (one.sheet, one.hidden, one.first_row, one.n_rows, one.header) == (
            other.sheet, other.hidden, other.first_row, other.n_rows, other.header)  # fmt: skip
        assert head(one, 30) == head(other, 30)
        for mine, theirs in zip(one.columns, other.columns, strict=True):
            a, b = text_column(mine, 2, 31), text_column(theirs, 2, 31)
            assert a.text.equals(b.text)
            assert a.lossy.tolist() == b.lossy.tolist()
            assert a.number.tolist() == b.number.tolist()


@pytest.mark.parametrize("data", [b"a,b\n1,\n\n,2\n", b'{"a":{"b":1},"c":[1]}\n\n{"a":{"b":null},"d":true}\n'])
def test_text_formats_too(data: bytes) -> None:
    here, apart = read_bytes("x", data), reader.report("x", data, ReadLimits())
    assert head(here.tables[0], 9) == head(apart.tables[0], 9)
    assert here.tables[0].row_numbers().tolist() == apart.tables[0].row_numbers().tolist()
    for mine, theirs in zip(here.tables[0].columns, apart.tables[0].columns, strict=True):
        assert text_column(mine).text.equals(text_column(theirs).text)


def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_one_is_read() -> None:
    data = hostile.xlsx(hostile.grid(400_000, 6, "x" * 50))
    limits = ReadLimits(max_memory=400 << 20)
    one = Reader()
    try:
        with pytest.raises(FileRefused) as refused:
            one.report("groß", data, limits)
        assert refused.value.code == "FILE_TOO_LARGE"
        assert one.report("klein", b"a,b\n1,2\n", limits).tables[0].n_rows == 2
        assert peak(one) < 400 << 20
    finally:
        one.close()


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    data = hostile.xlsx(hostile.grid(900_000, 6))
    one = Reader()
    try:
        one.report("warm", b"a\n1\n", ReadLimits())
        began = time.monotonic()
        with pytest.raises(FileRefused) as refused:
            one.report("langsam", data, ReadLimits(max_seconds=0))
        assert refused.value.code == "FILE_TOO_SLOW"
        assert time.monotonic() - began < 10
        assert one.report("klein", b"a,b\n1,2\n", ReadLimits()).tables[0].n_rows == 2
    finally:
        one.close()


def test_a_process_that_dies_over_a_file_costs_that_file_alone() -> None:
    one = Reader()
    try:
        one.warm(ReadLimits())
        assert one._process is not None
        one._process.kill()
        one._process.wait()
        assert one.report("a", b"a,b\n1,2\n", ReadLimits()).tables[0].n_rows == 2  # found dead and started anew
    finally:
        one.close()


def test_the_reading_process_has_no_keys_and_few_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZP_MASTER_KEY", "geheim" * 8)
    monkeypatch.setenv("SOME_TOKEN", "geheim")
    monkeypatch.setenv("ZP_DATABASE_URL", "postgresql+psycopg://u:geheim@h/d")
    one = Reader()
    try:
        one.report("a", b"a,b\n1,2\n", ReadLimits())
        assert one._process is not None
        proc = Path("/proc") / str(one._process.pid)
        assert b"geheim" not in (proc / "environ").read_bytes() + (proc / "cmdline").read_bytes()
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (proc / "limits").read_text("ascii").splitlines()}
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max data size"][1] == str(ReadLimits().max_memory)
        open_files = [os.readlink(p) for p in (proc / "fd").iterdir()]
        assert not [p for p in open_files if p.startswith("/") and p != "/dev/null" and "memfd" not in p]
    finally:
        one.close()


def test_an_answer_that_is_no_answer_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes over the reading process can only answer nonsense, and that is noticed."""
    import mmap

    for nonsense in (b"\0" * 64, b"\xff" * 64, (4).to_bytes(8, "little") + b"null", (2).to_bytes(8, "little") + b"{}junk"):
        memory = mmap.mmap(-1, len(nonsense))
        memory.write(nonsense)
        one = Reader()
        monkeypatch.setattr(one, "_ask", lambda *_args, m=memory: m)
        with pytest.raises(FileRefused, match="FILE_BROKEN"):
            one.report("a", b"", ReadLimits())
        with pytest.raises(FileRefused, match="FILE_BROKEN"):
            one.cells("a", b"", ReadLimits())


def test_returned_workbooks_go_the_same_way(tmp_path: Path) -> None:
    from zp_registry.lists import cells

    bomb = hostile.HOSTILE["a zip bomb"][0]()
    for name, data, code in (("bomb", bomb, "FILE_TOO_LARGE"), ("empty", b"", "FILE_EMPTY"),
                             ("text", b"a,b\n1,2\n", "FILE_FORMAT"), ("zip", zipped({"xl/workbook.xml": "<x"}), "FILE_BROKEN"),
                             ("far", hostile.HOSTILE["the last cell there is"][0](), "FILE_TOO_LARGE")):  # fmt: skip
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FileRefused) as refused:
            cells.sheets(path)
        assert refused.value.code == code
