"""What the first page tells of a real night; uploads on their way to the disk. A desk without a server."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from deskworld import PASSWORD
from flask.testing import FlaskClient
from worlds import kuaishou, person, row, shop, taobao
from zp_registry.jobs.deskwork import Worker
from zp_registry.jobs.office import open_office

from zp_registry.cli import main
from zp_registry.desk import state, upload
from zp_registry.desk.app import create_app
from zp_registry.home import Home
from zp_registry.registry import people
from zp_registry.settings import Settings


@pytest.fixture
def county(home: Home) -> Iterator[FlaskClient]:
    """Somebody of the whole county, signed in at a desk upon this home."""
    made = open_office(Settings(home=home.root))
    with made.engine.begin() as connection:
        people.add(connection, "ban", "clerk", None, PASSWORD)
    client = create_app(made, Worker(made)).test_client()
    form = {"csrf": _token(client, "/sign-in"), "name": "ban", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 302
    yield client
    made.engine.dispose()


def _token(client: FlaskClient, path: str = "/password") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def _line(page: str, first: str) -> str:
    """The words of the table's line that begins so."""
    lines = [re.sub(r"<[^>]+>", " ", x) for x in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    return next(" ".join(x.split()) for x in lines if x.split() and x.split()[0] == first)


def test_the_overview_tells_what_last_night_did_and_which_platform_is_late_or_incomplete(
    home: Home, county: FlaskClient
) -> None:
    assert "夜间任务还没有运行过" in county.get("/").get_data(as_text=True)
    reports = home.inbox / "reports"
    rows = [row("k1", person(1)), row("k2", shop(2))]
    for month in ("20251231", "20260131"):
        kuaishou(reports / f"kuaishou_{month}.csv", [*rows, row("", person(4))])
    sold = [row("7770001", person(5)), row("7770002", shop(6))]
    taobao(reports / "taobao_20260228.xlsx", sold, lists="AB")
    taobao(reports / "taobao_20260331.xlsx", sold[1:], lists="A")
    (reports / "broken.xlsx").write_bytes(b"PK\x03\x04 cut")
    assert CliRunner().invoke(main, ["nightly", "--home", str(home.root)], env={"ZP_DATABASE_URL": ""}).exit_code == 3
    page = county.get("/").get_data(as_text=True)
    assert "期限和年龄从最新一期报表的日期起算：2026-03-31" in page
    assert "完成，有退回" in page
    for step in ("读取收件箱", "归并主体、生成线索", "生成清单"):
        assert "已完成" in _line(page, step)
    assert _line(page, "kuaishou_20260131.csv").split()[2:] == ["已导入", "4", "0", "2", "0", "1", "1"]
    assert "不能导入" in _line(page, "broken.xlsx")
    late, short = _line(page, "快手"), _line(page, "淘宝")
    assert "2026-01-31 59 31" in late
    assert late.endswith("逾期未报")
    assert "缺" in short
    assert "逾期未报" not in short
    assert "<b>2</b><span>待更正行" in page


def test_an_upload_goes_to_the_disk_and_not_into_memory(
    home: Home, county: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Path, Any]] = []
    kept = upload._keep

    def looked_at(file: Any, kind: str) -> str:
        seen.append((Path(file.stream.name), file.stream))
        return kept(file, kind)

    monkeypatch.setattr(state, "PATIENCE", 0)  # nobody does the work
    monkeypatch.setattr(upload, "_keep", looked_at)
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", None)
    form = {"csrf": _token(county), "kind": "report", "files": (io.BytesIO(b"a,b\n" * 200_000), "gross.csv")}
    assert county.post("/upload", data=form, content_type="multipart/form-data").status_code == 302
    ((path, stream),) = seen
    assert path.parent == home.root / "desk" / "spool"
    assert not isinstance(stream, io.BytesIO)
    assert not path.exists(), "moved, and not copied"
    (left,) = (home.root / "desk" / "uploads").rglob("gross.csv")
    assert left.stat().st_size == 800_000
