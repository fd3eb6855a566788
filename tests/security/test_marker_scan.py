"""A whole night with known numbers, in a process of its own: every byte that it wrote anywhere is searched for them."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from sqlalchemy import make_url
from worlds import firm, kuaishou, ledger, masked, person, pledge, row, shop, wechat, weipaitang

from zp_registry.home import Home
from zp_registry.lists.tables import write_table
from zp_registry.lists.workbook import Book

PROGRAM = """
import os, sys
from pathlib import Path
from zp_registry.jobs.nightly import nightly
from zp_registry.jobs.office import at_work
from zp_registry.logs import set_up_logs
from zp_registry.settings import Settings
home = Path(sys.argv[1])
set_up_logs("debug", home / "logs" / "zp.log")
if len(sys.argv) > 2:
    import zp_registry.jobs.imports as imports
    def fails(office, mapped, *rest, **more):
        numbers = mapped.frame["id_number"].dropna().tolist()
        raise RuntimeError(f"cannot load {numbers} of {mapped.frame.iloc[0].to_dict()}")
    imports.load_mapped = fails
url = {"database_url": os.environ["SCANNED_DATABASE"]} if "SCANNED_DATABASE" in os.environ else {}
with at_work(Settings(home=home, **url), "nightly") as office:
    sys.stdout.write("open\\n"); sys.stdout.flush()
    done = nightly(office)
    office.engine.dispose()
sys.exit(done.exit_code)
"""


def markers() -> dict[str, str]:
    """Every number that stands in the files below, by what it is."""
    out = {}
    for n in range(12):
        who = person(n)
        out |= {f"number {n}": who.person_id, f"phone {n}": who.phone, f"card {n}": who.card}
    return out


def forms(value: str) -> set[bytes]:
    """How a number may stand in a file: as text in three encodings, as a binary integer, in base64 at each offset, in hex."""
    plain = value.encode()
    out = {value.encode(e) for e in ("utf-8", "utf-16-le", "utf-16-be")} | {plain.hex().encode(), plain[::-1]}
    for offset in range(3):
        out.add(base64.b64encode(b"\0" * offset + plain)[(offset * 8 + 5) // 6 : -4])
    if value.isdigit() and len(value) >= 11:
        out |= {int(value).to_bytes(8, order)  # type: ignore[arg-type]
                for order in ("little", "big") if int(value) < 1 << 63}  # fmt: skip
    return out


NEEDLES = {needle: what for what, value in markers().items() for needle in forms(value)}
STARTS: dict[bytes, list[bytes]] = {}  # the needles that begin with these four bytes
PAIRS = np.zeros((2, 1 << 16), dtype=bool)  # whether two bytes are the first two of some needle, or its third and fourth
for _needle in NEEDLES:
    STARTS.setdefault(_needle[:4], []).append(_needle)
    for _at in (0, 2):
        PAIRS[_at // 2, _needle[_at] | _needle[_at + 1] << 8] = True


def pieces(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them (zip members, deflated streams)."""
    yield data
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from (archive.read(n) for n in archive.namelist())
        except zipfile.BadZipFile:
            return
    at = data.find(b"\x78\x9c")
    while at >= 0:
        with suppress(zlib.error):
            yield zlib.decompressobj().decompress(data[at:], 10 << 20)
        at = data.find(b"\x78\x9c", at + 1)


def leaks(data: bytes) -> set[str]:
    """Which markers stand in these bytes."""
    out = set()
    for piece in pieces(data):
        one = np.frombuffer(piece, dtype=np.uint8).astype(np.uint16)
        two = one[:-1] | one[1:] << 8
        for at in np.flatnonzero(PAIRS[0][two[:-2]] & PAIRS[1][two[2:]]).tolist():
            out |= {NEEDLES[n] for n in STARTS.get(piece[at : at + 4], ()) if piece.startswith(n, at)}
    return out


def stock(home: Home) -> None:
    inbox = home.inbox / "reports"
    hidden = row("k4", person(4), person_id=masked(person(4).person_id))
    rows = [row("k1", person(1)), row("k2", shop(2)), row("k3", firm(3)), hidden,
            row("k5", person(5), person_id=person(5).person_id[:-2]), row("", person(6))]  # fmt: skip
    kuaishou(inbox / "kuaishou_20260131.csv", rows)
    kuaishou(inbox / "kuaishou_20260228.csv", [row("k1", person(7)), *rows[1:]])
    weipaitang(inbox / "weipaitang_20260131.jsonl", [row("w1", person(8))], "2026-01-31")
    wechat(inbox / "wechat_channels_20260131.xlsx", [row("c1", person(10)), row("c2", shop(0))], "2026-01-31")
    (inbox / "broken.csv").write_bytes(("没有的表头,电话\n甲," + person(1).phone + "\n").encode())
    (inbox / "quote.csv").write_bytes(('快手ID,手机号\n1,"' + person(9).phone + "\n").encode())
    pledges = [pledge("P1", person(1), "2026-01-10"), pledge("P2", person(11), "没有")]
    ledger(home.inbox / "pledges" / "台账_石佛寺镇.xlsx", pledges)


def files(folder: Path) -> list[Path]:
    """Every file below; folders may go while we look."""
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


def said(path: Path, home: Home) -> set[str]:
    """The markers that a file of the run must not hold: lists show people's phones, and nothing else, in clear."""
    there = leaks(path.read_bytes())
    return {what for what in there if not what.startswith("phone")} if path.parent == home.lists else there


def watched(home: Home, scratch: Path, *arguments: str) -> tuple[int, dict[str, set[str]]]:
    """Runs the night; while it runs, again and again reads every file that is there and the arguments and environment of its
    processes, and afterwards all that is left. (exit code, place → markers)."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("ZP_")}
    env |= {"TMPDIR": str(scratch), "TMP": str(scratch), "TEMP": str(scratch)}
    out, err = scratch.parent / "out", scratch.parent / "err"
    found: dict[str, set[str]] = {}
    given = {p for p in home.inbox.rglob("*") if p.is_file()}  # strangers brought these in clear
    with out.open("wb") as stdout, err.open("wb") as stderr:
        words = [sys.executable, "-c", PROGRAM, str(home.root), *arguments]
        process = subprocess.Popen(words, stdout=stdout, stderr=stderr, env=env, cwd=scratch)
        sizes: dict[Path, tuple[int, int]] = {}
        while process.poll() is None:
            for path in [*files(home.root), *files(scratch)]:
                try:
                    state = path.stat()
                    if path in given or sizes.get(path) == (state.st_size, state.st_mtime_ns):
                        continue
                    sizes[path] = (state.st_size, state.st_mtime_ns)
                    if path.is_file() and ".zp-taking" not in path.parts and (there := said(path, home)):
                        found[f"{path} (while running)"] = there
                except OSError:
                    continue
            for proc in Path("/proc").glob("[0-9]*"):
                try:
                    parent = (proc / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1]
                    if str(process.pid) not in (proc.name, parent):
                        continue
                    if there := leaks((proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()):
                        found[f"process {proc.name}"] = there
                except OSError:
                    continue
            time.sleep(0.05)
    for path in [*home.root.rglob("*"), *scratch.rglob("*"), out, err]:
        ours = path.is_file() and home.inbox not in path.parents
        if ours and (there := said(path, home)):
            found[str(path)] = there
    return process.returncode, found


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "run" / "scratch"
    made.mkdir(parents=True)
    return made


def test_no_marker_stands_in_any_byte_that_a_night_writes(home: Home, scratch: Path) -> None:
    stock(home)
    code, found = watched(home, scratch)
    assert code == 3, (scratch.parent / "err").read_text("utf-8", "replace")[-2000:]
    assert found == {}
    assert not [p for p in scratch.rglob("*") if p.is_file()]
    assert (home.db / "registry.sqlite").stat().st_size > 100_000
    assert {p.parent.name for p in home.root.rglob("*") if p.is_file()} >= {"db", "archive", "refused", "logs", "reports"}


@pytest.mark.postgres
def test_nor_in_a_postgresql_database(home: Home, scratch: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stock(home)
    monkeypatch.setenv("SCANNED_DATABASE", postgres_url)
    code, found = watched(home, scratch)
    assert (code, found) == (3, {})
    address = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    words = ["pg_dump", "--inserts", "--load-via-partition-root", address]
    dumped = subprocess.run(words, capture_output=True, check=True).stdout
    assert b"INSERT INTO public.record " in dumped
    assert leaks(dumped) == set()
    assert leaks(dumped + person(3).phone.encode().hex().encode()) == {"phone 3"}


def test_no_marker_stands_in_what_an_unforeseen_error_leaves(home: Home, scratch: Path) -> None:
    """An error whose text holds whole rows: neither the log nor the terminal nor the run's record shows it."""
    stock(home)
    code, found = watched(home, scratch, "fail")
    assert code in (1, 3)
    assert found == {}
    assert "RuntimeError" in (home.logs / "zp.log").read_text("utf-8")


def test_workbooks_are_made_without_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there is none"))
    handles = len(os.listdir("/proc/self/fd"))
    for n in range(2):
        write_table(pd.DataFrame({"电话": [person(n).phone]}), ["电话"], tmp_path / f"{n}.xlsx", "xlsx")
        book = Book()
        book.wb.create_sheet("清单").append([person(n).phone])
        book.save(tmp_path / f"book{n}.xlsx")
    assert openpyxl.load_workbook(tmp_path / "book1.xlsx")["清单"]["A1"].value == person(1).phone
    assert openpyxl.load_workbook(tmp_path / "1.xlsx").worksheets[0]["A2"].value == person(1).phone
    assert len(os.listdir("/proc/self/fd")) == handles


@pytest.mark.parametrize("place", ["db/x", "logs/zp.log", "archive/x", "reports/run.html", "lists/催签清单.xlsx"])
@pytest.mark.parametrize("form", ["plain", "utf-16", "base64", "zip", "integer", "hex"])
def test_a_planted_leak_is_found(home: Home, place: str, form: str) -> None:
    value = (person(3).card if place.startswith("lists") else person(3).phone) if form == "integer" else person(3).person_id
    data = {
        "plain": value.encode(), "utf-16": value.encode("utf-16"), "hex": value.encode().hex().encode(),
        "base64": base64.b64encode(b'{"a": "' + value.encode() + b'"}'),
        "integer": int(value).to_bytes(8, "little") if value.isdigit() else b"", "zip": b"",
    }[form]  # fmt: skip
    if form == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.xml", f"<v>{value}</v>" * 9)
        data = out.getvalue()
    (home.root / place).write_bytes(data if form == "zip" else b"before " + data + b" behind")
    found = {p for p in home.root.rglob("*") if p.is_file() and said(p, home)}
    assert found == {home.root / place}
