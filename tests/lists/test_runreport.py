"""The run report: the identity of rows is checked and shown, the page is self-contained and escaped, the JSON complete."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydantic import ValidationError

from zp_registry.lists.runreport import Count, FileLine, PledgeTown, RejectCount, Remark, RunReport, Step, write_run_report

EVIL = "<script>alert(1)</script>\"'&.xlsx"


def line(**changes: object) -> FileLine:
    values: dict[str, object] = {
        "name": "douyin_20260331.xlsx",
        "platform": "抖音",
        "as_of": "2026-03-31",
        "parts": ["主播身份报送"],
        "scope": "full",
        "state": "loaded",
        "rows_read": 100,
        "rows_loaded": 60,
        "rows_unchanged": 20,
        "rows_repeated": 5,
        "rows_rejected": 12,
        "rows_skipped": 3,
    }
    return FileLine.model_validate({**values, **changes})


def report(*files: FileLine) -> RunReport:
    return RunReport(
        run_id="R/1",
        command="nightly",
        started=datetime(2026, 4, 1, 1, 0, tzinfo=UTC),
        ended=datetime(2026, 4, 1, 1, 2, 30, tzinfo=UTC),
        state="partial",
        exit_code=3,
        steps=[Step(name="载入", seconds=2.5, counts={"行": 1200})],
        files=list(files),
        rejects=[RejectCount(code="ACCOUNT_ID_MISSING", rows=12)],
        counts=[Count(name="主体", value=1234, before=1200)],
        pledges=[PledgeTown(town="石佛寺镇", signed=30, missing=9, exempt=1)],
        lists=["out/催签清单.xlsx"],
        failures=[EVIL],
    )


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_sums_are_checked_and_shown(tmp_path: Path) -> None:
    good, bad = line(), line(name="ks.csv", rows_loaded=59)
    assert good.sum_ok
    assert not bad.sum_ok
    html, data = write_run_report(report(good, bad), tmp_path)
    text = html.read_text(encoding="utf-8")
    assert "✓ 100 = 60 + 20 + 5 + 12 + 3" in text
    assert "✗ 100 ≠ 59 + 20 + 5 + 12 + 3（相差 1）" in text
    assert "有文件不相符" in text
    found = json.loads(data.read_text(encoding="utf-8"))
    assert [f["sum_ok"] for f in found["files"]] == [True, False]
    assert found["sums_ok"] is False
    assert found["counts"][0]["change"] == 34
    assert found["seconds"] == 150.0
    assert found["pledges"][0]["total"] == 40
    assert "76.9%" in text  # 30 of the 39 that must sign


def test_refused_files_load_nothing() -> None:
    refused = line(state="refused", rows_loaded=0, refusal_code="ROWS_DROPPED")
    assert refused.sum_ok
    assert not line(state="refused", rows_loaded=1).sum_ok


def test_page_is_escaped_self_contained_and_well_formed(tmp_path: Path) -> None:
    warned = line(name=EVIL, platform=EVIL, warnings=[Remark(code="SHARE_REJECTED", message=EVIL)], parts=[EVIL])
    html, _ = write_run_report(report(warned, line(state="refused", rows_loaded=0, refusal_code="ROWS_DROPPED")), tmp_path)
    text = html.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert {t for t, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
    assert not any(k in ("src", "href") or k.startswith("on") for _, attrs in page.tags for k in attrs)
    assert not re.search(r"url\(|@import|https?:", text)
    assert text.count("&lt;script&gt;") == 5
    assert "请核对是否导出不全" in text  # the published text of a code, when none is given
    assert "缺少账号标识" in text


def test_names_and_unknown_fields(tmp_path: Path) -> None:
    html, data = write_run_report(report(), tmp_path)
    assert (html.name, data.name) == ("run_R_1.html", "run_R_1.json")
    assert html.stat().st_mode & 0o777 == 0o600
    assert RunReport.model_validate(strip(json.loads(data.read_text(encoding="utf-8")))) == report()
    with pytest.raises(ValidationError):
        FileLine.model_validate({"name": "x", "state": "loaded", "rows": 1})


def strip(found: dict[str, object]) -> dict[str, object]:
    """Without the computed fields, which a model does not take."""
    computed = {"sums_ok", "seconds", "sum_ok", "change", "total"}
    plain = {k: v for k, v in found.items() if k not in computed}
    for key in ("files", "counts", "pledges"):
        plain[key] = [{k: v for k, v in one.items() if k not in computed} for one in plain[key]]  # type: ignore[attr-defined]
    return plain
