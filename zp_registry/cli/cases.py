"""Casework: suspected transfers from the first sign to the end of the matter; tips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zp_registry.cli.common import Answer, Day, Reason, command
from zp_registry.cli.load import ACCEPT, DRY_RUN, PATHS, import_paths
from zp_registry.errors import UsageError
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.jobs import cases, imports, office
from zp_registry.lists.casedocs import case_docx, case_html
from zp_registry.lists.dossier import shown

NOTE = click.option("--note", "-m", required=True, type=Reason(), help="What was found or why; it is kept with the case.")
EXPECT = click.option(
    "--expect", type=int, metavar="VERSION", help="The version you saw: refused if the case has changed since."
)
CASE = click.argument("case_id", metavar="CASE_ID")
_LEVELS = {"high": "高", "medium": "中", "low": "低"}


@click.group("case")
def case() -> None:
    """Suspected transfers as cases: list, show, assign, note, visit, confirm, dismiss, hand over, reopen."""


@case.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice([*cases.STATES, "all"]),
              help="Cases of this state; may be given several times (default: open, assigned, visited).")  # fmt: skip
@click.option("--assignee", help="Cases of this person.")
@click.option("--town", help="The town's full name.")
@click.option("--platform", help="Cases of accounts on this platform.")
@click.option("--level", type=click.Choice(["high", "medium"]), help="Cases of this strength.")
@click.option("--code", help="With a sign of this code.")
@click.option("--group", help="Cases of one controller.")
@click.option("--overdue", is_flag=True, help="Past their deadline.")
@click.option("--query", "-q", help="Part of the account's or the holder's name, or an account id.")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page.")
@click.option("--size", type=click.IntRange(min=1, max=1000), default=50, show_default=True, help="Cases on a page.")
@command
def case_list(answer: Answer, states: tuple[str, ...], page: int, size: int, **wanted: Any) -> None:
    """Cases, the strongest first."""
    if wanted["code"] and wanted["code"] not in FLAG_CODES:
        raise UsageError(f"no code {wanted['code']!r}; there are: {', '.join(FLAG_CODES)}")
    chosen = () if "all" in states else states or cases.RUNNING
    opened = office.open_office(answer.settings)
    told = cases.list_cases(opened, cases.CaseFilter(states=chosen, **wanted), page=page, size=size)
    answer.table(
        f"案件 {told['total']} 件，第 {told['page']}/{told['pages']} 页（数据截至 {told['as_of']}）",
        ["案件", "状态", "级别", "平台", "账号", "主体", "乡镇", "线索", "立案依据日", "期限", "经办人", "同组"],
        [
            [c["case_id"], cases.STATE_NAMES[c["state"]], _LEVELS[c["level"]], c["platform"],
             c["account_name"] or c["account_id"], c["name"], c["town"], c["codes"].replace(";", " "), c["opened_on"],
             c["deadline"] + ("（暂定）" if c["provisional"] else "") + (" 已超期" if c["overdue"] else ""), c["assignee"],
             c["group_id"]]
            for c in told["cases"]
        ],
    )  # fmt: skip
    if not told["cases"]:
        answer.say("no such case")
    answer.give(told)


@case.command("show")
@CASE
@click.option("--docx", type=click.Path(dir_okay=False, path_type=Path), help="Write it as a Word document for the file.")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write it as a page that prints.")
@command
def case_show(answer: Answer, case_id: str, docx: Path | None, page: Path | None) -> None:
    """One case whole: signs with their rows, the account's months, what was done."""
    if docx or page:
        with office.at_work(answer.settings, "case show") as opened:
            told = cases.one_case(opened, case_id)
            county = opened.settings.county.name
            cases.note_document(opened, case_id)
    else:
        opened = office.open_office(answer.settings)
        told, county = cases.one_case(opened, case_id), answer.settings.county.name
        cases.note_read(opened, case_id)
    if docx:
        docx.write_bytes(case_docx(told, county))
        answer.say(f"written: {docx}")
    if page:
        page.write_text(case_html(told, county), "utf-8")
        answer.say(f"written: {page}")
    if not docx and not page:
        _tell(answer, told)
    answer.give(told)


def _tell(answer: Answer, told: dict[str, Any]) -> None:
    c = told["case"]
    rows = [
        ["状态", c["state_name"] + ("（已超期）" if c["overdue"] else "")], ["级别", _LEVELS[c["level"]]],
        ["账号", f"{c['platform']}:{c['account_id']}"], ["主体", c["entity_id"]], ["立案依据日", c["opened_on"]],
        ["变更宽限期至", c["grace_until"]], ["办理期限", c["deadline"] + ("（暂定）" if c["provisional"] else "")],
        ["经办人", c["assignee"]], ["同组", c["group_id"]], ["了结原因", c["closed_why"]], ["版本", c["version"]],
    ]  # fmt: skip
    answer.table(f"案件 {c['case_id']}", ["项目", "内容"], [r for r in rows if r[1] not in (None, "")])
    answer.table(
        "线索", ["编号", "级别", "状态", "自", "说明", "依据"],
        [[f["flag_id"], _LEVELS[f["level"]], shown("status", f["status"]), f["first_seen"], f["reason"], f["ground"]]
         for f in told["flags"]],
    )  # fmt: skip
    answer.table(
        "逐月情况（● 与此前不同）", ["月份", "登记主体", "出镜人员", "电话", "收款账户", "文件", "工作表", "行"],
        [
            [r["month"],
             *(("● " if lane in r["changed"] else "") + r[lane] for lane in ("holder", "streamers", "phone", "payee")),
             r["source_file"], r["sheet"], r["row"]]
            for r in told["timeline"]
        ],
    )  # fmt: skip
    answer.table("同组案件（仅供参考）", ["案件", "状态", "平台", "账号"],
                 [[o["case_id"], o["state_name"], o["platform"], o["account_id"]] for o in told["others"]])  # fmt: skip
    answer.table("办理经过", ["时间", "办理人", "事项", "记录", "附件"],
                 [[e["at"], e["who"], e["action_name"], e["note"], e["reference"]] for e in told["events"]])  # fmt: skip


def _act(answer: Answer, case_id: str, action: str, note: str, expect: int | None, **more: str) -> None:
    with office.at_work(answer.settings, f"case {action}") as opened:
        done = cases.act(opened, case_id, action, note, expect=expect, **more)
    answer.say(f"{case_id}: {cases.ACTION_NAMES[action]}；现为{cases.STATE_NAMES[done['state']]}（版本 {done['version']}）")
    answer.give(done)


@case.command("assign")
@CASE
@click.argument("assignee")
@click.option("--note", "-m", default="", help="Why to this person.")
@EXPECT
@command
def case_assign(answer: Answer, case_id: str, assignee: str, note: str, expect: int | None) -> None:
    """Give a case to somebody."""
    _act(answer, case_id, "assigned", note, expect, assignee=assignee)


@case.command("attach")
@CASE
@click.argument("reference")
@click.option("--note", "-m", default="", help="What it is.")
@EXPECT
@command
def case_attach(answer: Answer, case_id: str, reference: str, note: str, expect: int | None) -> None:
    """Note where an attachment lies (a file's place or number; the file itself is not taken)."""
    _act(answer, case_id, "attached", note, expect, reference=reference)


def _plain(name: str, action: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @CASE
    @NOTE
    @EXPECT
    @command
    def run(answer: Answer, case_id: str, note: str, expect: int | None) -> None:
        _act(answer, case_id, action, note, expect)

    return run


for _name, _action, _text in (
    ("note", "noted", "Add a note."),
    ("visit", "visited", "Note a visit."),
    ("confirm", "confirmed", "The suspicion is confirmed; its signs are confirmed too."),
    ("dismiss", "dismissed", "The suspicion is dismissed, until there is new evidence."),
    ("hand-over", "handed_over", "Handed over to another authority."),
    ("reopen", "reopened", "Take a conclusion back."),
):
    case.add_command(_plain(_name, _action, _text))


@case.group("pair")
def pair() -> None:
    """Pairs that were looked at and found innocent (a couple, staff), until a date."""


@pair.command("add")
@click.argument("entity_id")
@click.argument("other", metavar="ENTITY_ID|NAME")
@NOTE
@click.option("--until", type=Day(), help="Last day on which it counts (default: the rules' term).")
@command
def pair_add(answer: Answer, entity_id: str, other: str, note: str, until: str | None) -> None:
    """The holder and the other are no strangers."""
    with office.at_work(answer.settings, "case pair") as opened:
        done = cases.review_pair(opened, entity_id, other, note, until=until)
    answer.say(f"{entity_id} – {other}: until {done['until']}")
    answer.give(done)


@pair.command("list")
@command
def pair_list(answer: Answer) -> None:
    """The pairs that stand."""
    rows = cases.reviewed_pairs(office.open_office(answer.settings))
    answer.table(
        "经人工复核的关系", ["编号", "主体", "对方", "有效至", "复核人", "理由"],
        [[r["id"], r["entity_id"], r["other_entity_id"] or r["name"], r["expires_on"] + ("（已到期）" if r["lapsed"] else ""),
          r["who"], r["why"]] for r in rows],
    )  # fmt: skip
    answer.give({"pairs": rows})


@pair.command("withdraw")
@click.argument("number", type=int)
@NOTE
@command
def pair_withdraw(answer: Answer, number: int, note: str) -> None:
    """Take a pair back."""
    with office.at_work(answer.settings, "case pair") as opened:
        done = cases.withdraw_pair(opened, number, note)
    answer.say(f"pair {number}: withdrawn")
    answer.give(done)


@click.group("notices")
def notices() -> None:
    """What comes from elsewhere than the platforms' reports: licence register, call results, risk marks, blacklists."""


@notices.command("import")
@PATHS
@ACCEPT
@DRY_RUN
@command
def notices_import(answer: Answer, paths: tuple[Path, ...], accept: str | None, dry_run: bool) -> int:
    """Load such files; the layout is read off the header (营业执照名册, 联系核查结果, 平台风险标记, 黑名单)."""
    return import_paths(answer, paths, imports.Options("notice", None, None, None, accept, dry_run))


@click.command("tip")
@click.argument("account", metavar="PLATFORM:ACCOUNT_ID")
@click.argument("words", metavar="TEXT")
@click.option("--on", type=Day(), help="Date of the tip (default: the newest report date).")
@command
def tip(answer: Answer, account: str, words: str, on: str | None) -> None:
    """Note a tip or an advert (租号、卖号) about an account; numbers of persons in the text are struck out."""
    with office.at_work(answer.settings, "tip") as opened:
        done = cases.add_tip(opened, account, words, on)
    answer.say(f"tip {done['tip']} about {account}" + (f"; case {done['case_id']}" if done["case_id"] else ""))
    answer.give(done)


COMMANDS: tuple[click.Command, ...] = (case, notices, tip)
