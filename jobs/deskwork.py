"""What the desk does in the background, one thing at a time: each is a row that desk and command line see, and calls what the
commands call."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy import text

from zp_registry.errors import FileRefused, LockHeld, UsageError
from zp_registry.frames import as_records
from zp_registry.quarantine.codes import message, severity
from zp_registry.registry import audit, bulk, people, tasks
from zp_registry.registry.guards import JudgementRefused
from zp_registry.registry.known import local_time
from zp_registry.registry.standing import reference_date

from . import cases, review
from .corrections import Corrected, apply_corrections, import_rejects
from .derive import derive
from .deskuploads import archive, set_upload, upload_path, uploads
from .imports import Options, Outcome, import_files
from .lists import import_followups, write_followup_lists
from .office import Office
from .pledging import BY_HAND, add_attempt, register_pledge
from .preview import preview
from .shift import on_shift

log = structlog.get_logger(__name__)
STOPPED = "服务在处理中途停止，请重新提交"
BUSY = "夜间任务或其他人的任务正在运行，正在排队"
_RULES = {
    "unknown": "没有这个主体，可能已经变化，请重新打开",
    "one": "两者现在已经是同一个主体，请重新打开",
    "numbers": "两者有不同的有效号码，不能认定为同一主体",
    "kinds": "两者的主体类型不同，不能认定为同一主体（个人和其个体工商户是两个主体）",
    "judged": "与此前的人工认定相矛盾，请先撤销此前的认定",
    "batch": "与同一批中的另一条认定相矛盾",
    "split": "该主体没有这个账号",
}
Tell = Callable[..., None]


@dataclass
class Work:
    """A piece of work at hand: who asked, what was given, and how to tell how far it is."""

    office: Office
    who: str
    given: dict[str, Any]
    tell: Tell


def _understand(work: Work) -> dict[str, Any]:
    tokens = work.given["uploads"]
    for n, token in enumerate(tokens):
        with work.office.engine.connect() as connection:
            found = uploads(connection, [token])
        path = upload_path(work.office, token)
        if not found or path is None:
            continue
        work.tell(f"正在识别 {found[0]['name']}", n, len(tokens))
        kind = work.given.get("kind") or found[0]["kind"]
        options = _options(kind, work.given)
        seen = preview(work.office, path, options)
        state = {"refused": "refused", "unknown": "unknown"}.get(seen.state, "understood")
        with work.office.engine.begin() as connection:
            connection.execute(text("UPDATE desk_upload SET kind = :k WHERE token = :t"), {"k": kind, "t": token})
            asked = {k: work.given.get(k) or "" for k in ("platform", "as_of", "scope", "accept")}
            set_upload(connection, token, state, {**asdict(seen), "asked": asked})
    return {"message": "识别完毕，请核对", "uploads": tokens}


def _options(kind: str, asked: dict[str, Any]) -> Options:
    """As the clerk asked for it; an empty field is left to the file."""
    platform, as_of, scope, accept = (asked.get(k) or None for k in ("platform", "as_of", "scope", "accept"))
    return Options(kind, platform, as_of, scope, accept)


def _import(work: Work) -> dict[str, Any]:
    tokens, files, outcomes = work.given["uploads"], [], list[Outcome]()
    with work.office.engine.connect() as connection:
        rows = uploads(connection, tokens)
    with on_shift(work.office, "desk import", waiting=lambda: work.tell(BUSY)) as office:
        for n, row in enumerate(rows):
            path = upload_path(office, row["token"])
            if path is None or row["state"] == "loaded":
                continue
            work.tell(f"正在导入 {row['name']}", n, len(rows) + 1)
            asked = row["understood"].get("asked", {})
            options = _options(row["kind"], asked)
            for _arrival, outcome in import_files(office, [path], options):
                outcomes.append(outcome)
                files.append(outcome.as_dict())
                kept = outcome.state in ("loaded", "unchanged")
                with office.engine.begin() as connection:
                    set_upload(connection, row["token"], "loaded" if kept else "refused")
                if kept or outcome.state == "refused":
                    archive(office, row["token"], path, refused=not kept)
        work.tell("正在更新登记库", len(rows), len(rows) + 1)
        derive(office)
        rejected = sum(o.counts.rejected for o in outcomes)
        trouble = rejected or any(o.state not in ("loaded", "unchanged") for o in outcomes)
        office.state, office.exit_code = ("partial", 3) if trouble else ("done", 0)
        office.summary["files"] = len(outcomes)
        codes = _reasons(office)
    return {"files": files, "reasons": codes, "message": "导入完毕" + (f"，退回 {rejected} 行" if rejected else "")}


def _reasons(office: Office) -> list[dict[str, Any]]:
    """Why rows of this run's files were rejected, the most frequent first."""
    with office.engine.connect() as connection:
        rows = bulk.read(
            connection,
            "SELECT f.name, u.code, u.header, COUNT(DISTINCT j.id) AS n FROM fault u JOIN reject j ON j.id = u.reject_id "
            "JOIN report_file f ON f.id = j.file_id WHERE f.run_id = :r GROUP BY f.name, u.code, u.header ORDER BY n DESC",
            {"r": office.run_id}, integers=["n"],
        )  # fmt: skip
    return [{**r, "message": message(r["code"])} for r in as_records(rows) if severity(r["code"]) != "note"]


def _books(work: Work) -> dict[str, Any]:
    """Workbooks that came back: filled-in lists, or corrected rows; of what whoever sent them may see alone."""
    problems, lines, some = list[str](), list[str](), False
    with work.office.engine.connect() as connection:
        rows = uploads(connection, work.given["uploads"])
        person = people.find(connection, work.who)
    towns = () if person is None else person.towns
    own = None if towns is None else work.who
    with on_shift(work.office, "desk workbooks", waiting=lambda: work.tell(BUSY)) as office:
        for n, row in enumerate(rows):
            path = upload_path(office, row["token"])
            if path is None:
                continue
            work.tell(f"正在读取 {row['name']}", n, len(rows) + 1)
            good = False
            if row["kind"] == "followups":
                for *_, returned in import_followups(office, [path], towns):
                    problems += returned.problems
                    lines.append(f"{returned.name}：新登记 {returned.added} 条，已有 {returned.known} 条")
                    good = bool(returned.added or returned.known or not returned.problems)
            else:
                for *_, corrected in import_rejects(office, [path], own):
                    problems += corrected.problems
                    lines.append(f"{corrected.name}：更正 {corrected.closed} 行，未改 {corrected.untouched} 行")
                    good = bool(corrected.closed or not corrected.problems)
            with office.engine.begin() as connection:
                set_upload(connection, row["token"], "loaded" if good else "refused")
            archive(office, row["token"], path, refused=not good)
            some = some or good
        work.tell("正在更新登记库", len(rows), len(rows) + 1)
        derive(office)
        office.state, office.exit_code = ("partial", 3) if problems else ("done", 0)
    if problems:
        lines.append("下列内容没有读入，改好后再交一次")
    return {"message": "；".join(lines), "problems": problems, "good": some}


def _correct(work: Work) -> dict[str, Any]:
    with on_shift(work.office, "desk corrections", waiting=lambda: work.tell(BUSY)) as office:
        result = apply_corrections(office, Corrected(f"{BY_HAND}（{work.who}）"), work.given["cells"])
        again = sum(o.counts.rejected for o in result.outcomes)
        derive(office)
    good = result.closed and not result.problems and not again
    text_ = f"更正 {result.closed} 行" if result.closed else "没有改动" if not result.problems else "没有更正"
    return {"message": text_ + ("，仍不合格的行已再次退回" if again else ""), "problems": result.problems, "good": bool(good)}


def _attempt(work: Work) -> dict[str, Any]:
    g = work.given
    with on_shift(work.office, "desk follow-up", waiting=lambda: work.tell(BUSY)) as office:
        added = add_attempt(office, g["flag_id"], on=g["on"], method=g["method"], outcome=g["outcome"], note=g["note"])
    return {"message": "已登记" if added else "同样的一条此前已经登记，没有重复计数"}


def _pledge(work: Work) -> dict[str, Any]:
    g = dict(work.given)
    with on_shift(work.office, "desk pledge", waiting=lambda: work.tell(BUSY)) as office:
        outcome = register_pledge(office, g.pop("entity_id"), **g)
        derive(office)
        with office.engine.connect() as connection:
            newest = reference_date(connection)
    if outcome.counts.rejected:
        return {"message": "登记的内容不合格，已列入待更正", "problems": ["请在“待更正”中查看原因"], "good": False}
    if newest and g["signed_on"] > newest:  # everything is judged as of the newest report
        return {"message": f"承诺书已登记。签订日期晚于最新一期报表（{newest}），下一期报表导入以后计为已签，不必再催"}
    return {"message": "承诺书已登记"}


def _lists(work: Work) -> dict[str, Any]:
    folder = work.office.home.root / "desk" / "lists"
    with on_shift(work.office, "desk lists", waiting=lambda: work.tell(BUSY)) as office:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        paths = write_followup_lists(office, output=folder)
    return {"message": f"生成 {len(paths)} 份清单", "files": [p.name for p in paths]}


def _decide(work: Work) -> dict[str, Any]:
    g = work.given
    with on_shift(work.office, "desk review", waiting=lambda: work.tell(BUSY)) as office:
        work.tell("正在写入认定并更新登记库")
        if g["decision"] == "undo":
            done = review.undo(office, g["pair"], g["why"])
        else:
            done = review.decide(office, g["pair"], g["decision"], g["why"], expect=g["expect"])
    said = {"undo": "已撤销", "same": "已认定：相同", "different": "已认定：不同", "unsure": "已登记：不能确定，仍留在列表"}
    return {"message": said[g["decision"]], "judgements": done["judgements"]}


def _case(work: Work) -> dict[str, Any]:
    g = dict(work.given)
    with on_shift(work.office, "desk case", waiting=lambda: work.tell(BUSY)) as office:
        case = cases.act(office, g.pop("case_id"), g.pop("action"), g.pop("note"), **g)
    return {"message": f"已登记，现在的状态：{cases.STATE_NAMES[case['state']]}"}


KINDS: dict[str, Callable[[Work], dict[str, Any]]] = {
    "understand": _understand, "import": _import, "books": _books, "correct": _correct, "attempt": _attempt,
    "pledge": _pledge, "lists": _lists, "decide": _decide, "case": _case,
}  # fmt: skip


def in_words(error: Exception) -> str:
    """What went wrong, in Chinese, without any value of a row."""
    if isinstance(error, review.Overtaken):
        said = "；".join(f"{s.who} 于 {local_time(s.created_at)[:16]} 已作出认定：{s.why}" for s in error.standing)
        return f"没有写入：{said or '您看到的认定已被他人撤销'}。请看过以后再决定"
    if isinstance(error, cases.CaseOvertaken):
        return f"没有写入：此线索刚刚被他人办理，现为“{cases.STATE_NAMES[error.case['state']]}”。请看过以后再办"
    if isinstance(error, JudgementRefused):
        return "没有写入：" + _RULES.get(error.rule, "与已有的认定相矛盾")
    if isinstance(error, FileRefused):
        return message(error.code, error.detail)
    if isinstance(error, LockHeld):
        return "另一任务运行过久，请稍后再试"
    if isinstance(error, UsageError):
        said = str(error)
        return said if any("\u4e00" <= c <= "\u9fff" for c in said) else "没有写入：与现在的登记情况不符，请重新打开此页"
    return f"程序出错（{type(error).__name__}），请告诉运维人员"


class Worker(threading.Thread):
    """Does what waits, the oldest first; one at a time, since there is one writer."""

    def __init__(self, office: Office) -> None:
        super().__init__(name="desk-worker", daemon=True)
        self.office, self.stopping, self.called = office, threading.Event(), threading.Event()

    def call(self) -> None:
        """There is something to do."""
        self.called.set()

    def stop(self) -> None:
        """Ends after what is being done."""
        self.stopping.set()
        self.called.set()

    def run(self) -> None:
        with self.office.engine.begin() as connection:
            tasks.left_over(connection, STOPPED)
        while not self.stopping.is_set():
            try:
                if not self.one():
                    self.called.wait(2)
                    self.called.clear()
            except Exception:
                log.exception("desk worker")
                self.stopping.wait(2)

    def one(self) -> bool:
        """Does the oldest that waits; False when nothing does."""
        engine = self.office.engine
        with engine.connect() as connection:
            if connection.execute(text("SELECT 1 FROM task WHERE state = 'waiting'")).first() is None:
                return False
        with engine.begin() as connection:
            found = tasks.next_one(connection, self.office.ring)
        if found is None:
            return False
        task, given = found

        def tell(step: str, done: int = 0, total: int = 0) -> None:
            with engine.begin() as connection:
                tasks.tell(connection, task["id"], step, done, total)

        state, result = "done", dict[str, Any]()
        try:
            with audit.acting_as(task["who"]):
                result = KINDS[task["kind"]](Work(self.office, task["who"], given, tell))
            if result.get("good") is False:
                state = "failed"
        except Exception as error:
            if not isinstance(error, UsageError | FileRefused | LockHeld):
                log.exception("desk work failed", kind=task["kind"])
            state, result = "failed", {"message": in_words(error)}
        with engine.begin() as connection:
            tasks.finish(connection, task["id"], state, result)
        return True
