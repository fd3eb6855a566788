"""The seven tasks, done by people in a real browser on a real server, on either database."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from deskworld import LATER, PASSWORD, Site
from docx import Document
from openpyxl import load_workbook
from test_guard import ROUTES
from worlds import citizen, kuaishou, masked, person, phone, row, taobao

pytestmark = pytest.mark.browser


def test_signing_in_and_out_by_keyboard(site: Site, browser: Any) -> None:
    page = browser.new_page(locale="zh-CN")
    page.goto(site.base + "/followups")
    assert "/sign-in" in page.url
    page.wait_for_function("document.activeElement.name === 'name'")  # the cursor stands in the first field by itself
    page.keyboard.type("ban")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url == site.base + "/followups"
    assert "转让线索" not in page.inner_text("nav")  # a clerk's menu
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "跳到正文"
    with page.expect_navigation():
        page.get_by_role("button", name="退出").click()
    page.goto(site.base + "/")
    assert "/sign-in" in page.url
    page.close()
    told = [r[0] for r in site.sql("SELECT action FROM audit WHERE who = 'ban' ORDER BY id")]
    assert "desk sign-in" in told
    assert "desk sign-out" in told


def test_people_are_found_by_whatever_is_known_of_them(site: Site, signed_in: Any) -> None:
    desk, who = signed_in("cha"), person(12)
    from pypinyin import Style, lazy_pinyin

    letters = "".join(lazy_pinyin(who.name, style=Style.FIRST_LETTER))
    full = "".join(lazy_pinyin(who.name))
    known = (who.name, who.name[1:], letters, full, who.person_id, who.phone, f"+86 {who.phone}", "plain12", "昵称plain12",
             site.entity("plain12"))  # fmt: skip
    sought = dict.fromkeys(known, "plain12")
    # This layout carries handle and address; the latter is also known as it is copied or typed.
    sought |= dict.fromkeys(("h_dy1", "https://example.test/u/dy1", "example.test/u/dy1/", "https://example.test/u/dy1?from=a"),
                            "dy1")  # fmt: skip
    desk.open("/look")
    for words, account in sought.items():
        desk.page.fill("input[name=q]", words)
        desk.press("查询")
        assert desk.page.locator(f"a[href='/entity/{site.entity(account)}']").count() >= 1, words
        assert who.person_id not in desk.page.url
        assert who.phone not in desk.page.url
        assert who.person_id not in desk.main()
    trail = " ".join(f"{s} {r}" for s, r in site.sql("SELECT subject, reason FROM audit WHERE action = 'desk look up'"))
    assert who.person_id not in trail
    assert who.phone not in trail
    # From an answer about a number to a dossier and back: it is still there, and for nobody else.
    desk.page.fill("input[name=q]", who.phone)
    desk.press("查询")
    answer = desk.page.url
    with desk.page.expect_navigation():
        desk.page.locator(f"a[href='/entity/{site.entity('plain12')}']").first.click()
    desk.page.go_back()
    assert desk.page.url == answer
    assert who.name in desk.main()
    assert who.name not in site.client("guan").page(answer.removeprefix(site.base)).text
    desk.open(f"/look?q={who.name}")
    with desk.page.expect_navigation():
        desk.page.locator(f"a[href='/entity/{site.entity('plain12')}']").first.click()
    assert "持有历史" in desk.main()
    assert who.person_id not in desk.main()
    desk.page.get_by_text("查看完整号码和电话").click()
    desk.page.fill("input[name=why]", "当事人来电核对")
    desk.press("查看")
    assert who.person_id in desk.main()
    assert who.phone in desk.main()
    assert ("当事人来电核对",) in site.sql("SELECT reason FROM audit WHERE action = 'desk unmask' AND who = 'cha'")
    desk.page.reload()


def test_the_credit_code_finds_a_firm(site: Site, signed_in: Any) -> None:
    code = site.sql("SELECT uscc FROM entity WHERE entity_id = :e", e=site.entity("shop"))[0][0]
    desk = signed_in("ban")
    desk.open("/look")
    desk.page.fill("input[name=q]", code.lower())
    desk.press("查询")
    assert "统一社会信用代码" in desk.main()
    assert desk.page.locator(f"a[href='/entity/{site.entity('shop')}']").count() == 1


def test_a_report_is_understood_before_it_is_loaded_and_its_bad_rows_are_corrected(
    site: Site, signed_in: Any, files: Path
) -> None:
    fresh = [row(f"new{n}", person(100 + n)) for n in range(6)]
    bad = row("", person(110), person_id=masked(citizen(110)))
    good = kuaishou(files / "kuaishou_20260331.csv", [*LATER, *fresh, bad])
    ledger = (
        taobao(files / "taobao_20260331.xlsx", [row("7770001", person(111))], "2026-03-31") if _takes_date(taobao) else None
    )
    desk = signed_in("ban")
    desk.open("/upload")
    desk.page.set_input_files("input[type=file]", [str(p) for p in (good, ledger) if p])
    assert "kuaishou_20260331.csv" in desk.page.inner_text("[data-chosen]")
    desk.page.get_by_role("button", name="上传并识别").click()
    desk.page.wait_for_url("**/upload/check**", timeout=90_000)
    shown = desk.main()
    assert "快手" in shown
    assert "2026-03-31" in shown
    assert "缺少账号标识" in shown
    assert "将退回" in shown
    assert citizen(100) not in shown
    assert phone(100) not in shown
    assert "证件号码" in desk.page.content()
    assert site.sql("SELECT COUNT(*) FROM account WHERE account_id = 'new1'") == [(0,)]
    desk.page.get_by_label("我已核对").check()
    with desk.page.expect_navigation():
        desk.page.get_by_role("button", name="确认导入").click()
    desk.close()  # the work goes on; whoever comes back finds it
    desk.open("/work")
    with desk.page.expect_navigation():
        desk.page.get_by_role("link", name="导入报表").first.click()
    desk.work_done()
    shown = desk.main()
    assert "导入完毕" in shown
    reasons = desk.page.get_by_role("region", name="退回的原因").inner_text()
    assert "缺少账号标识" in reasons
    assert "脱敏" not in reasons, "a note, and no reason"
    assert site.sql("SELECT COUNT(*) FROM account WHERE account_id = 'new1'") == [(1,)]
    assert not list((site.home / "desk" / "uploads").rglob(good.name))  # no plain copy is left
    assert any("kuaishou_20260331" in p.name for p in (site.home / "archive").iterdir())
    # The same once more changes nothing.
    desk.open("/upload")
    desk.page.set_input_files("input[type=file]", str(good))
    desk.page.get_by_role("button", name="上传并识别").click()
    desk.page.wait_for_url("**/upload/check**", timeout=90_000)
    assert "已经导入过" in desk.main()
    # The rejected row, mended in the page.
    desk.open("/rejects")
    desk.page.get_by_role("link", name="更正 kuaishou_20260331.csv").first.click()
    desk.page.wait_for_selector("input[aria-invalid]")
    desk.page.get_by_label("快手ID").fill("mended1")
    desk.press("保存更正并重新送入")
    desk.work_done()
    assert "更正 1 行" in desk.main()
    assert site.sql("SELECT COUNT(*) FROM account WHERE account_id = 'mended1'") == [(1,)]
    told = site.sql("SELECT subject FROM audit WHERE action = 'import corrected rows' AND who = 'ban'")
    assert len(told) == 1
    assert "快手ID" in told[0][0]
    desk.open("/rejects?file=kuaishou_20260131.csv")
    assert desk.page.get_by_role("link", name="更正 kuaishou_20260131.csv").count() == 1
    assert "kuaishou_20260331.csv（" in desk.page.get_by_role("region", name="最近一个月的更正").inner_text()
    assert ("desk import", "partial") in site.sql("SELECT command, state FROM run")


def _takes_date(writer: Any) -> bool:
    return "as_of" in writer.__code__.co_varnames[: writer.__code__.co_argcount]


DROP = """([name, text]) => {
    const files = new DataTransfer();
    files.items.add(new File([text], name, {type: "text/csv"}));
    document.querySelector("[data-drop]").dispatchEvent(
        new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
}"""  # as if the file were let go over the page


def test_an_unknown_layout_becomes_a_draft(site: Site, signed_in: Any, files: Path) -> None:
    path = files / "某平台.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(["商户编码", "商户全称", "法人身份证", "联络手机", "门店网址", "杂项"])
        for n in range(120, 130):
            table.writerow([f"m{n}", person(n).name, citizen(n), phone(n), f"https://m.test/{n}", "x"])
    desk = signed_in("ban")
    desk.open("/upload")
    desk.page.evaluate(DROP, [path.name, path.read_text("utf-8")])
    assert path.name in desk.page.inner_text("[data-chosen]")
    desk.page.get_by_role("button", name="上传并识别").click()
    desk.page.wait_for_url("**/upload/check**", timeout=90_000)
    assert "版式未知" in desk.main()
    assert citizen(120) not in desk.page.content()
    with desk.page.expect_navigation():
        desk.page.get_by_role("link", name="说明各列的意思").click()
    assert citizen(120) not in desk.page.content()
    proposed = {h: desk.page.get_by_label(h).input_value() for h in ("法人身份证", "联络手机", "门店网址")}
    assert proposed == {"法人身份证": "id_number", "联络手机": "contact_phone", "门店网址": "account_url"}
    desk.page.get_by_label("商户编码").select_option("account_id")
    desk.page.get_by_label("商户全称").select_option("subject_name")
    desk.page.fill("input[name=title]", "某平台")
    desk.page.fill("input[name=id]", f"some_{site.engine.dialect.name}")
    desk.press("保存为草稿")
    assert "草稿已保存" in desk.main()
    from zp_registry.mapping import lint, load_mappings

    folder = site.home / "drafts"
    assert lint(folder) == []
    draft = load_mappings(folder)[f"some_{site.engine.dialect.name}"]
    assert {c.header: c.field for c in draft.columns}["联络手机"] == "contact_phone"


def test_following_up_attempts_and_a_signed_pledge(site: Site, signed_in: Any) -> None:
    desk, flag = signed_in("ban"), site.flag("plain14")
    desk.open("/followups?town=石佛寺镇")
    assert person(14).name in desk.main()
    desk.open(f"/followups/{flag}")
    assert phone(14) not in desk.page.content()
    desk.press("显示完整电话（记入审计）")
    assert phone(14) in desk.main()
    assert site.sql("SELECT COUNT(*) FROM audit WHERE action = 'desk show phone' AND reason = :f", f=flag) == [(1,)]
    desk.open(f"/followups/{flag}")
    desk.page.fill("input[name=on]", "2026-03-05")
    desk.page.get_by_label("方式").first.select_option("电话")
    desk.page.get_by_label("结果").select_option("承诺近期签订")
    desk.press("登记")
    assert "已登记" in desk.main()
    assert "承诺近期签订" in desk.main()
    assert site.sql("SELECT method, sheet FROM followup_attempt WHERE flag_id = :f", f=flag) == [("电话", "网页登记")]
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("link", name="下载催签通知书").click()
    notice = Document(str(saved.value.path()))
    text = "\n".join([*(p.text for p in notice.paragraphs), *(c.text for t in notice.tables for r in t.rows for c in r.cells)])
    assert person(14).name in text
    assert site.entity("plain14") in text
    assert "再次通知" in text, "tried once, and listed two months ago"
    assert site.sql("SELECT COUNT(*) FROM followup_listing WHERE flag_id = :f", f=flag) == [(1,)]
    desk.page.fill("input[name=number]", "ZP-2026-0001")
    desk.page.fill("input[name=signer]", person(14).name)
    desk.page.fill("input[name=signed_on]", "2026-02-20")
    desk.page.fill("input[name=scan_number]", "S-0001")
    desk.page.get_by_label("已核对签署人").check()
    desk.press("登记承诺书")
    desk.work_done()
    assert "承诺书已登记" in desk.main()
    kept = site.sql("SELECT scan_number, subject_name FROM pledge WHERE pledge_number = 'ZP-2026-0001'")
    assert kept == [("S-0001", person(14).name)]
    status = site.sql("SELECT pledge_status FROM entity WHERE entity_id = :e", e=site.entity("plain14"))
    assert status == [("signed",)]


def test_lists_are_written_and_come_back_filled_in(site: Site, signed_in: Any, files: Path) -> None:
    desk = signed_in("ban")
    desk.open("/followups")
    desk.press("生成最新的催签清单")
    if "/work/" in desk.page.url:
        desk.work_done()
        desk.open("/followups")
    with desk.page.expect_download() as loaded:
        desk.page.get_by_role("link", name="催签清单_石佛寺镇").click()
    path = files / "清单.xlsx"
    shutil.copy(loaded.value.path(), path)
    book = load_workbook(path)
    sheet = next(s for s in book.worksheets if any(c.value == "本次催签日期" for r in s.iter_rows(max_row=8) for c in r))
    top = next(r for r in sheet.iter_rows(max_row=8) if any(c.value == "本次催签日期" for c in r))
    place = {c.value: c.column for c in top}
    cells = [c for r in sheet.iter_rows() for c in r]
    assert any(str(c.value).lstrip("'").startswith("=HYPERLINK") for c in cells)  # a name that begins like a formula is text
    assert all(c.data_type != "f" for c in cells)
    line = next(
        r[0].row for r in sheet.iter_rows(min_row=top[0].row + 1) if r[place["主体编号"] - 1].value == site.entity("plain15")
    )
    for title, value in (("本次催签日期", "2026-03-07"), ("催签方式", "上门"), ("办理结果", "无法联系")):
        sheet.cell(line, place[title]).value = value
    book.save(path)
    desk.open("/upload")
    desk.page.get_by_label("填好的催签清单").check()
    desk.page.set_input_files("input[type=file]", str(path))
    desk.page.get_by_role("button", name="上传并识别").click()
    desk.work_done()
    assert "新登记 1 条" in desk.main()
    assert site.sql("SELECT outcome FROM followup_attempt WHERE flag_id = :f", f=site.flag("plain15")) == [("无法联系",)]


def test_two_people_decide_about_a_pair_and_it_is_undone(site: Site, signed_in: Any) -> None:
    first, second, pair = signed_in("cha"), signed_in("guan"), site.pair("near1", "near2")
    first.open("/review")
    assert first.page.locator(f"a[href='/review/{pair}']").count() == 1
    for desk in (first, second):
        desk.open(f"/review/{pair}")
        assert "权重怎么来的" in desk.main()
        assert "累计" in desk.main()
    first.page.get_by_role("button", name="写入认定").click()  # nothing was chosen: the browser does not let it go
    assert site.sql("SELECT COUNT(*) FROM edge WHERE tier = 'person'") == [(0,)]
    first.page.get_by_label("相同：").focus()  # from here on by keyboard alone
    for key in ("Space", "ArrowDown", "Tab"):
        first.page.keyboard.press(key)
    first.page.keyboard.type("电话和地址都不同，分别走访过")
    first.page.keyboard.press("Tab")
    with first.page.expect_navigation():
        first.page.keyboard.press("Enter")
    first.work_done()
    assert "已认定" in first.main()
    second.page.get_by_label("相同：").check()
    second.page.fill("textarea[name=why]", "看着像一个人")
    second.press("写入认定")
    second.work_done()
    assert "cha" in second.page.inner_text(".note.bad")
    assert site.sql("SELECT judgement, who FROM edge WHERE tier = 'person' AND deleted_at IS NULL") == [("negative", "cha")]
    second.open(f"/review/{pair}")
    second.page.get_by_text("撤销现有的认定").click()
    second.page.locator("details textarea").fill("重新核对")
    second.press("撤销")
    second.work_done()
    assert "已撤销" in second.main()
    assert site.sql("SELECT COUNT(*) FROM edge WHERE tier = 'person' AND deleted_at IS NULL") == [(0,)]


def test_a_case_is_assigned_and_dismissed_and_nobody_overwrites_it(site: Site, signed_in: Any) -> None:
    first, second, case = signed_in("cha"), signed_in("guan"), site.case("sold")
    first.open("/cases")
    assert first.page.locator(f"a[href='/cases/{case}']").count() == 1
    for desk in (first, second):
        desk.open(f"/cases/{case}")
        assert "时间线" in desk.main()
        assert desk.page.locator("svg.graph .node").count() >= 2
    first.page.locator("summary", has_text="分派").click()
    first.page.locator("select[name=assignee]").select_option("cha")
    first.press("分派")
    first.work_done()
    second.page.locator("summary", has_text="排除线索").click()
    second.page.locator("details[open] textarea").fill("平台已批准变更")
    second.press("排除线索")
    second.work_done()
    assert "刚刚被他人办理" in second.main()
    assert site.sql("SELECT state FROM case_file WHERE case_id = :c", c=case) == [("assigned",)]
    second.page.locator("summary", has_text="排除线索").click()
    second.page.locator("details[open] textarea").fill("平台已批准变更")
    second.press("排除线索")
    second.work_done()
    assert site.sql("SELECT state FROM case_file WHERE case_id = :c", c=case) == [("dismissed",)]
    assert "平台已批准变更" in second.main()
    for name in ("Word 文档", "可打印网页"):
        with second.page.expect_download() as loaded:
            second.page.get_by_role("link", name=name).click()
        data = Path(loaded.value.path()).read_bytes()
        assert case in loaded.value.suggested_filename
        assert data[:2] == b"PK" if name.startswith("Word") else case.encode() in data
    assert site.sql("SELECT COUNT(*) FROM audit WHERE action = 'case document' AND who = 'guan'") == [(2,)]
    second.page.locator("summary", has_text="撤销结论").click()
    second.page.locator("details[open] textarea").fill("平台称批准有误")
    second.press("撤销结论，重新办理")
    second.work_done()
    assert site.sql("SELECT state FROM case_file WHERE case_id = :c", c=case) == [("assigned",)]


def test_the_overview_tells_how_far_the_county_is_by_picture_and_by_table(site: Site, signed_in: Any) -> None:
    desk = signed_in("ban")
    desk.open("/")
    assert desk.page.locator("svg.curve circle").count() >= 2
    desk.page.get_by_text("曲线的数字").click()
    assert "2026-01-31" in desk.main()
    assert "2026-02-28" in desk.main()
    assert desk.page.get_by_role("link", name="石佛寺镇").count() == 1
    assert desk.page.get_by_role("link", name="曲屯镇").count() == 1


def test_an_administrator_lets_people_in_and_reads_who_did_what(site: Site, signed_in: Any) -> None:
    boss = signed_in("guan")
    boss.open("/users")
    boss.page.fill("input[name=name]", "xiaoli")
    boss.page.get_by_label("只看下面选中的").check()
    boss.press("新增并生成临时密码")
    assert "请选中乡镇街道" in boss.main()
    boss.page.get_by_label("只看下面选中的").check()
    boss.page.get_by_label("曲屯镇").check()
    boss.press("新增并生成临时密码")
    secret = boss.page.inner_text("strong.secret")
    assert secret not in str(site.sql("SELECT * FROM desk_user WHERE name = 'xiaoli'"))
    new = signed_in("xiaoli", password=secret)
    assert "/password" in new.page.url  # nothing else, before a password of one's own
    assert new.open("/look").url.endswith("/password")
    for field, value in (("old", secret), ("new", PASSWORD), ("again", PASSWORD)):
        new.page.fill(f"input[name={field}]", value)
    new.press("改密码并重新登录")
    new.sign_in("xiaoli")
    new.open("/followups")
    assert "曲屯镇" in new.main()
    assert "石佛寺镇" not in new.main()
    assert new.page.get_by_role("link", name="审计").count() == 0
    boss.open("/users/xiaoli")
    boss.page.get_by_label("核查人员").check()
    boss.page.get_by_label("全县").check()
    boss.press("更改权限和范围")
    new.open("/followups")  # from the next click on
    assert "石佛寺镇" in new.main()
    assert new.page.get_by_role("link", name="核查", exact=True).count() == 1
    boss.page.locator("summary", has_text="停用").click()
    boss.press("停用此用户")
    assert "/sign-in" in new.open("/followups").url
    boss.open("/trail?who=guan")
    boss.page.get_by_label("事项").select_option("desk user")
    boss.press("筛选")
    shown = boss.page.get_by_role("region", name="审计记录").inner_text()
    assert "停用用户" in shown
    assert "办事人员，曲屯镇 → 核查人员，全县" in shown
    assert ("action desk user",) in {(r[0].partition("; ")[2],) for r in site.sql(
        "SELECT subject FROM audit WHERE action = 'desk show audit' AND who = 'guan'")}  # fmt: skip


def _pages() -> list[str]:
    return sorted({rule for method, rule, *_ in ROUTES if method == "GET" and rule not in NO_PAGES})


# What is a file or an answer to a script; and what needs an upload, which the tasks above go through.
NO_PAGES = {
    "/cases/<case_id>/document/<kind>", "/followups/lists/<name>", "/work/<token>/state", "/upload/check",
    "/upload/layout/<token>", "/work/<token>", "/followups/notices",
}  # fmt: skip


def _fair(desk: Any, what: str) -> None:
    """Fits a phone, and axe-core has no serious finding."""
    from axe_playwright_python.sync_playwright import Axe

    assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390, what
    found = Axe().run(desk.page).response["violations"]
    bad = [(v["id"], v["nodes"][0]["html"][:120]) for v in found if v["impact"] in ("serious", "critical")]
    assert not bad, (what, bad)


NARROW = {"viewport": {"width": 390, "height": 800}, "bypass_csp": True}  # the checker is a script of its own


def test_pages_are_open_to_everybody_and_fit_a_phone(site: Site, signed_in: Any) -> None:
    desk = signed_in("guan", **NARROW)
    things = {
        "entity_id": site.entity("plain16"), "platform": "kuaishou", "path:account_id": "plain16",
        "flag_id": site.flag("plain16"), "pair": site.pair("near3", "near4"), "case_id": site.case("lent"), "user": "cha",
        "token": site.sql("SELECT token FROM reject WHERE status = 'open'")[0][0],
    }  # fmt: skip
    pages = [re.sub(r"<([^>]+)>", lambda m: things[m[1]], rule) for rule in _pages()]
    for path in [*pages, "/look?q=石佛寺"]:
        assert desk.open(path).status == 200, path
        _fair(desk, path)


def test_what_an_upload_shows_is_open_to_everybody_too(site: Site, signed_in: Any, files: Path) -> None:
    """The pages that need an upload: sign-in before it, what was recognised, the dialogue of an unknown layout, what came of
    it; and a workbook of rejected rows that goes out, is mended and comes back."""
    good = kuaishou(files / "kuaishou_20260430.csv", [*LATER, row("", person(140)), row("wide1", person(141))])
    unknown = files / "另一平台.csv"
    unknown.write_text("商户编码,商户全称,联络手机\n" + f"m1,{person(142).name},{phone(142)}\n" * 3, "utf-8")
    desk = signed_in("guan", **NARROW)
    fair = _fair if site.engine.dialect.name == "sqlite" else lambda *_: None  # no page looks otherwise on the other database
    desk.press("退出")
    fair(desk, "sign-in")
    desk.sign_in("guan")
    desk.open("/upload")
    desk.page.set_input_files("input[type=file]", [str(good), str(unknown)])
    desk.page.get_by_role("button", name="上传并识别").click()
    desk.page.wait_for_url("**/upload/check**", timeout=90_000)
    fair(desk, "what was recognised")
    check = desk.page.url
    with desk.page.expect_navigation():
        desk.page.get_by_role("link", name="说明各列的意思").click()
    fair(desk, "the dialogue of a layout")
    desk.page.goto(check)
    desk.page.get_by_label("我已核对").check()
    with desk.page.expect_navigation():
        desk.page.get_by_role("button", name="确认导入").click()
    desk.work_done()
    fair(desk, "what came of it")
    open_rows = "SELECT COUNT(*) FROM reject WHERE status = 'open'"
    before = site.sql(open_rows)[0][0]
    desk.open("/rejects?file=kuaishou_20260430.csv")
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("button", name="导出待更正工作簿").click()
    path = files / "待更正.xlsx"
    shutil.copy(saved.value.path(), path)
    book = load_workbook(path)
    cells = [c for sheet in book.worksheets for r in sheet.iter_rows() for c in r]
    top = next(c for c in cells if c.value == "快手ID")
    title = next(c for c in cells if c.value == "用户昵称" and c.parent is top.parent and c.row == top.row)
    (line,) = {c.row for c in cells if c.parent is top.parent and c.column == title.column and c.value == "昵称"}
    top.parent.cell(line, top.column).value = "mended2"
    book.save(path)
    desk.open("/upload")
    desk.page.get_by_label("待更正").check()
    desk.page.set_input_files("input[type=file]", str(path))
    desk.page.get_by_role("button", name="上传并识别").click()
    desk.work_done()
    assert "更正 1 行" in desk.main()
    fair(desk, "what came of the workbook")
    assert site.sql("SELECT COUNT(*) FROM account WHERE account_id = 'mended2'") == [(1,)]
    assert site.sql(open_rows)[0][0] == before - 1
