"""The health page: one Chinese HTML page, no script, nothing from outside, no personal data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from zp_registry.watch.alarms import Alarm, Facts
from zp_registry.watch.schedule import HERE, JOBS, JobState, next_due

_STYLE: Final = (
    'body{font:15px/1.6 "Microsoft YaHei","Noto Sans CJK SC",sans-serif;color:#1f2933;margin:0 auto;padding:16px;'
    "max-width:1000px}"
    "h1{font-size:22px}h2{font-size:17px;margin:26px 0 8px}table{border-collapse:collapse;width:100%;font-size:14px}"
    "th,td{border:1px solid #cbd2d9;padding:4px 8px;text-align:left}th{background:#d9e2ec}"
    ".ok{color:#1b6e3c}.bad{color:#b3261e;font-weight:bold}"
    ".box{border-left:5px solid #829ab1;background:#f7f9fb;padding:8px 12px}"
)
_DUTY: Final = {
    "met": ("已报送", "ok"), "open": ("本月应报，尚未收到", ""), "missed": ("逾期未报", "bad"), "unknown": ("无从知晓", ""),
}  # fmt: skip
_FRESH: Final = (
    "平台", "最新报送日期", "距今", "新旧", "不应超过", "应报月份（令117号第九条）", "应报情况", "上一次", "应报情况",
)  # fmt: skip


def page(facts: Facts, alarms: Sequence[Alarm]) -> str:
    """The whole page. ``alarms``: those that hold now."""
    head = f"<p class=ok>{_at(facts)}：一切正常。</p>" if not alarms else (
        f"<div class=box><p class=bad>{_at(facts)}：有 {len(alarms)} 件事需要处理。</p><ul>"
        + "".join(f"<li>{escape(a.text)}</li>" for a in alarms) + "</ul></div>")  # fmt: skip
    jobs = [(j.title, *_state(facts.jobs.get(j.name)), f"{next_due(j, facts.now):%Y-%m-%d %H:%M}") for j in JOBS]
    fresh = [
        (facts.title(f.platform), str(f.newest or "还没有报送"), "" if f.age is None else f"{f.age} 天",
         _mark("过期" if f.late else "正常", "bad" if f.late else "ok"), f"{f.days} 天", f.duty_month, _mark(*_DUTY[f.duty]),
         f.former_month, _mark(*_DUTY[f.former]))
        for f in facts.fresh
    ]  # fmt: skip
    disk = "" if facts.free is None else f"<p>磁盘剩余 {facts.free // (1 << 20)} MiB。</p>"
    return (
        f'<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8"><title>运行状况</title><style>{_STYLE}</style>'
        f"<h1>运行状况</h1>{head}<h2>各项任务</h2>{_table(('任务', '上次运行', '结果', '下次应在'), jobs)}"
        f"<h2>各平台报送的新旧</h2>"
        + _table(_FRESH, fresh)
        + disk + "</html>\n"
    )  # fmt: skip


def _at(facts: Facts) -> str:
    return f"{facts.now.astimezone(HERE):%Y-%m-%d %H:%M}"


def _state(state: JobState | None) -> tuple[str, str]:
    if state is None:
        return "还没有运行过", ""
    when = f"{state.started.astimezone(HERE):%Y-%m-%d %H:%M}"
    if state.ended is None:
        return when, _mark("被中断", "bad") if state.killed else "正在运行"
    words = {0: ("完成", "ok"), 3: ("完成，有退回或失败", "ok"), None: ("完成", "ok")}
    return when, _mark(*words.get(state.code, (f"失败（退出码 {state.code}）", "bad")))


class _Html(str):
    """Text that is markup already."""


def _mark(text: str, look: str) -> str:
    return _Html(f"<span class={look}>{escape(text)}</span>") if look else _Html(escape(text))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(h)}</th>" for h in headers)
    lines = ["".join(f"<td>{c if isinstance(c, _Html) else escape(c)}</td>" for c in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><tr>{head}</tr>{body}</table>"
