"""The product as its users run it, and small reports of invented people to feed it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from stdnum.cn import ric, uscc

from zp_registry.cli import main

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
KUAISHOU = [
    "快手ID",
    "用户昵称",
    "实名姓名",
    "实名证件号",
    "企业名称",
    "信用代码",
    "手机号",
    "地址",
    "开播人",
    "开播人证件号",
    "收款人",
    "收款账号",
    "MCN机构",
    "粉丝量",
    "开通时间",
    "状态码",
]
LEDGER = [
    "序号",
    "承诺书编号",
    "主体名称",
    "统一社会信用代码/身份证号",
    "经营者/负责人",
    "联系电话",
    "所属乡镇街道",
    "承诺书版本",
    "签订日期",
    "有效期至",
    "签订方式(纸质/电子)",
    "扫描件编号",
    "备注",
]
ADDRESS = "河南省南阳市镇平县石佛寺镇玉雕大世界{}号"


def citizen(n: int) -> str:
    """The n-th invented ID number, with a right check digit."""
    body = f"4113241980{1 + n // 28 % 12:02d}{1 + n % 28:02d}{100 + n:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def credit(n: int) -> str:
    """The n-th invented credit code of an enterprise, with right check characters for the whole."""
    body = f"91411324MA{n:07d}"
    return body + str(uscc.calc_check_digit(body))


def phone(n: int) -> str:
    """The n-th invented mobile number."""
    return f"1380377{n:04d}"


def person(n: int, **changed: str) -> dict[str, str]:
    """A row of 快手: the n-th person with one account; ``changed`` by header."""
    name = "王李张赵陈刘杨黄周吴"[n % 10] + "玉石翠兰金银宝珠"[n // 10 % 8] + "强军敏静丽勇艳磊"[n % 8]
    row = dict.fromkeys(KUAISHOU, "")
    row |= {
        "快手ID": f"ks{10000 + n}",
        "用户昵称": f"玉缘{n}",
        "实名姓名": name,
        "实名证件号": citizen(n),
        "手机号": phone(n),
        "地址": ADDRESS.format(n),
        "开播人": name,
        "开播人证件号": citizen(n),
        "收款人": name,
        "收款账号": f"62284800{n:011d}",
        "粉丝量": "120",
        "开通时间": "2023-05-01 10:00:00",
        "状态码": "1",
    }
    return row | changed


def company(n: int, **changed: str) -> dict[str, str]:
    """A row of 快手: the n-th enterprise with one account."""
    return person(n, **{"企业名称": f"镇平县玉缘{n}号商贸有限公司", "信用代码": credit(n), **changed})


def report(path: Path, rows: Sequence[dict[str, str]], encoding: str = "gb18030") -> Path:
    """A report of 快手 (csv); the name says platform and date."""
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, KUAISHOU)
        writer.writeheader()
        writer.writerows(rows)
    return path


def ledger(path: Path, rows: Sequence[dict[str, str]], sheet: str = "石佛寺镇") -> Path:
    """A ledger of pledges (xlsx); rows by header, the rest empty."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = sheet
    page.append(LEDGER)
    for n, row in enumerate(rows, start=1):
        page.append([{"序号": str(n), **row}.get(h) for h in LEDGER])
    book.save(path)
    return path


def pledge(n: int, **changed: str) -> dict[str, str]:
    """A ledger row of the n-th person."""
    who = person(n)
    return {
        "承诺书编号": f"ZP{n:05d}",
        "主体名称": who["实名姓名"],
        "统一社会信用代码/身份证号": citizen(n),
        "经营者/负责人": who["实名姓名"],
        "联系电话": phone(n),
        "所属乡镇街道": "石佛寺镇",
        "承诺书版本": "2024版",
        "签订日期": "2026-03-01",
        "签订方式(纸质/电子)": "纸质",
        "扫描件编号": f"S{n}",
    } | changed


@dataclass
class Answered:
    """What a command gave: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output; anything besides it fails."""
        found = json.loads(self.out.decode())
        assert isinstance(found, dict)
        return found


@dataclass
class Clerk:
    """Somebody at the command line in an empty folder, with a home beside it."""

    folder: Path
    env: dict[str, str | None] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def run(self, *words: str | Path, home: bool = True, **env: str) -> Answered:
        """A command in this process, ``--home`` given."""
        args = [*map(str, words), *(["--home", str(self.home)] if home else [])]
        result = CliRunner().invoke(main, args, env={**self.env, **env})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answered(result.exit_code, result.stdout_bytes, result.stderr)

    def ask(self, *words: str | Path, **env: str) -> Answered:
        """The same with ``--json``."""
        return self.run(*words, "--json", home=True, **env)

    def start(self, *words: str | Path, **env: str) -> subprocess.Popen[bytes]:
        """The installed program as a process of its own."""
        program = Path(sys.executable).with_name("zp-registry")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ZP_")}
        return subprocess.Popen(
            [str(program), *map(str, words), "--home", str(self.home)],
            cwd=self.folder,
            env={**clean, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def table(self, name: str, *words: str) -> list[dict[str, str]]:
        """An export's rows."""
        done = self.run("export", name, *words)
        assert done.code == 0, done.err
        return list(csv.DictReader(io.StringIO(done.out.decode("utf-8-sig"))))

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Looks into (or spoils) the database."""
        with closing(sqlite3.connect(self.home / "db" / "registry.sqlite")) as connection, connection:
            return connection.execute(query, values).fetchall()

    def put(self, folder: str, *paths: Path) -> None:
        """Copies into the inbox."""
        target = self.home / "inbox" / folder
        target.mkdir(parents=True, exist_ok=True)
        for path in paths:
            shutil.copyfile(path, target / path.name)


def rows_of(path: Path, marker: str) -> tuple[str, int, list[str], list[list[Any]]]:
    """Of a workbook the first sheet with a header row that holds ``marker``: sheet, header's row number, header, rows below."""
    book = load_workbook(path)
    for sheet in book.worksheets:
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if marker in row:
                below = [list(r) for r in sheet.iter_rows(min_row=number + 1, values_only=True)]
                return sheet.title, number, [str(c) for c in row], below
    raise AssertionError(f"{path.name}: no sheet has a header {marker}")


def fill(path: Path, marker: str, key: str, changes: dict[str, dict[str, Any]], save_as: Path | None = None) -> Path:
    """Fills cells in, as a person does: ``changes`` by the text in column ``key``, then by header. Saves the workbook again."""
    book = load_workbook(path)
    left = dict(changes)
    for sheet in book.worksheets:
        header: dict[str, int] = {}
        for row in sheet.iter_rows():
            texts = [c.value for c in row]
            if marker in texts:
                header = {str(t): i for i, t in enumerate(texts)}
            elif header and (change := left.pop(str(texts[header[key]]), None)) is not None:
                for name, value in change.items():
                    row[header[name]].value = value
    assert not left, f"not found: {list(left)}"
    book.save(save_as or path)
    return save_as or path
