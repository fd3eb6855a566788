"""The run report as one Chinese HTML page: no script, nothing from outside, readable on paper and on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from zp_registry.lists.safety import clean
from zp_registry.quarantine.codes import CODES

_STATES: Final = {
    "done": ("完成", "ok"), "partial": ("完成，有退回或失败", "warn"), "failed": ("失败", "bad"), "skipped": ("跳过", "dim"),
    "loaded": ("已载入", "ok"), "unchanged": ("内容未变", "dim"), "refused": ("整份退回", "bad"), "unknown": ("未识别", "bad"),
}  # fmt: skip
_SCOPES: Final = {"full": "全量", "delta": "增量", "": ""}
_STYLE: Final = """
:root{color-scheme:light}*{box-sizing:border-box}
body{font:15px/1.6 "Microsoft YaHei","PingFang SC","Noto Sans CJK SC",sans-serif;
color:#1f2933;margin:0 auto;padding:16px;max-width:1180px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:26px 0 8px;border-bottom:2px solid #d9e2ec;padding-bottom:3px}
p{margin:4px 0}.dim{color:#616e7c}.ok{color:#1b6e3c}.warn{color:#8d5a00}.bad{color:#b3261e;font-weight:bold}
.box{border:1px solid #d9e2ec;border-left:5px solid #829ab1;padding:8px 12px;margin:10px 0;background:#f7f9fb}
.box.bad{border-left-color:#b3261e;font-weight:normal;color:inherit}.box.warn{border-left-color:#d99100;color:inherit}
.box.ok{border-left-color:#1b6e3c;color:inherit}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{border:1px solid #cbd2d9;padding:4px 8px;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#d9e2ec;white-space:nowrap}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.state{white-space:nowrap}ul{margin:4px 0;padding-left:1.3em}
@media (max-width:640px){
body{padding:8px;font-size:14px}table{font-size:12.5px}th,td{padding:3px 5px}
td{min-width:7em}td.n{min-width:0}td:last-child:not(.n){min-width:15em}}
@media print{@page{size:A4 landscape;margin:12mm}body{max-width:none;padding:0;font-size:10.5pt}table{font-size:9pt}
.scroll{overflow:visible}thead{display:table-header-group}tr{break-inside:avoid}h2{break-after:avoid}}
"""


class _Html(str):
    """Text that is markup already; every other text is escaped."""


def _e(value: object) -> str:
    return value if isinstance(value, _Html) else escape(clean(value), quote=True)


def _title(row: Mapping[str, Any]) -> str:
    """A platform by its Chinese name, as far as it is known."""
    return str(row["platform_title"] or row["platform"])


def _state(name: str) -> _Html:
    text, look = _STATES.get(name, (name, "dim"))
    return _Html(f'<span class="state {look}">{escape(text)}</span>')


def _table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; whole numbers stand to the right."""
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in headers)
    body = []
    for row in rows:
        cells = "".join(f'<td class="n">{v:,}</td>' if isinstance(v, int) else f"<td>{_e(v)}</td>" for v in row)
        body.append(f"<tr>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}" if body else ""


def _list(items: Iterable[object]) -> str:
    return "<ul>" + "".join(f"<li>{_e(i)}</li>" for i in items) + "</ul>"


def _said(code: str, message: str) -> str:
    """A code with its text; the published text if the caller gave none."""
    known = CODES.get(code)
    return f"{message or (f'{known.text}。{known.todo}。' if known else '')}（{code}）"


def page_html(r: Mapping[str, Any]) -> str:
    """The page for a RunReport as ``model_dump(mode="json")`` gives it."""
    parts = [_summary(r)]
    if r["failures"]:
        parts.append(_section("失败和需要处理的事项", f'<div class="box bad">{_list(r["failures"])}</div>'))
    parts.append(_section("源文件", _files(r["files"])))
    if r["pulls"]:
        rows = [
            (_title(p), _state(p["state"]), p["as_of"], p["requests"], p["records"], _time(p["seconds"]), p["message"])
            for p in r["pulls"]
        ]
        parts.append(_section("接口拉取", _table(("平台", "状态", "报送日期", "请求数", "记录数", "用时", "说明"), rows)))
    if r["rejects"]:
        rejects = [(_said(x["code"], x["message"]), x["rows"]) for x in r["rejects"]]
        parts.append(_section("退回的行（按原因）", _table(("原因", "行数"), rejects)))
    if r["counts"]:
        totals = [
            (c["name"], c["value"], "—" if c["before"] is None else c["before"], _change(c["change"])) for c in r["counts"]
        ]
        parts.append(_section("登记库现状", _table(("项目", "本次运行后", "上次运行后", "变化"), totals)))
    parts.append(_section("承诺书签订情况（按乡镇街道）", _pledges(r["pledges"])))
    if r["lists"]:
        parts.append(_section("已生成的清单", _list(r["lists"])))
    parts.append(_section("各步骤", _steps(r["steps"])))
    title = f"运行报告 {r['run_id']}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    viewport = "width=device-width, initial-scale=1"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="viewport" content="{viewport}">'
        f'<meta name="referrer" content="no-referrer"><title>{_e(title)}</title><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _time(seconds: float) -> str:
    """Seconds as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} 秒" if seconds < 60 else f"{minutes} 分 {rest} 秒"


def _summary(r: Mapping[str, Any]) -> str:
    look = {"done": "ok", "partial": "warn"}.get(r["state"], "bad")
    started, ended = (datetime.fromisoformat(r[k]).strftime("%Y-%m-%d %H:%M:%S") for k in ("started", "ended"))
    sums = _Html('<span class="ok">全部相符</span>') if r["sums_ok"] else _Html('<span class="bad">有文件不相符，见下表</span>')
    version = f"　版本：{_e(r['version'])}" if r["version"] else ""
    reference = f"　数据截止：{_e(r['reference_date'])}" if r["reference_date"] else ""
    return (
        f"<h1>{_e(r['county'])}电商主体登记库运行报告</h1>"
        f'<p class="dim">运行编号：{_e(r["run_id"])}　命令：{_e(r["command"])}{version}</p>'
        f'<div class="box {look}"><p>结果：{_state(r["state"])}（退出码 {int(r["exit_code"])}）{reference}</p>'
        f"<p>开始：{started}　结束：{ended}　用时：{_time(r['seconds'])}</p>"
        f"<p>行数核对（读取 = 载入 + 未变 + 重复 + 退回 + 跳过）：{sums}</p></div>"
    )


def _files(files: Sequence[Mapping[str, Any]]) -> str:
    if not files:
        return '<p class="dim">本次没有源文件。</p>'
    numbers = ("rows_read", "rows_loaded", "rows_unchanged", "rows_repeated", "rows_rejected", "rows_skipped")
    rows: list[tuple[object, ...]] = []
    for f in files:
        what = "　".join(t for t in (_title(f), f["as_of"], _SCOPES[f["scope"]]) if t)
        what += f"\n部分：{'、'.join(f['parts'])}" if f["parts"] else ""
        notes = [_said(w["code"], w["message"]) for w in f["warnings"]]
        if f["refusal_code"] or f["refusal_message"]:
            notes.insert(0, _said(f["refusal_code"], f["refusal_message"]))
        said = _Html("<br>".join(_e(n) for n in notes))
        about = _Html(_e(what).replace("\n", "<br>"))
        rows.append((f["name"], about, _state(f["state"]), *(int(f[n]) for n in numbers), _check(f), said))
    if len(files) > 1:
        ok = _Html('<span class="ok">✓</span>' if all(f["sum_ok"] for f in files) else '<span class="bad">✗</span>')
        rows.append((f"合计 {len(files)} 个文件", "", "", *(sum(int(f[n]) for f in files) for n in numbers), ok, ""))
    return _table(("文件", "平台、日期、范围", "状态", "读取", "载入", "未变", "重复", "退回", "跳过", "核对", "说明"), rows)


def _check(f: Mapping[str, Any]) -> _Html:
    """The identity of rows, written out with its numbers."""
    if f["state"] in ("refused", "unknown"):
        good = f["sum_ok"]
        return _Html(f'<span class="{"dim" if good else "bad"}">{"整份未载入" if good else "✗ 退回却有载入"}</span>')
    terms = [int(f[k]) for k in ("rows_loaded", "rows_unchanged", "rows_repeated", "rows_rejected", "rows_skipped")]
    text = f"{int(f['rows_read'])} {'=' if f['sum_ok'] else '≠'} {' + '.join(map(str, terms))}"
    if f["sum_ok"]:
        return _Html(f'<span class="ok">✓ {text}</span>')
    return _Html(f'<span class="bad">✗ {text}（相差 {int(f["rows_read"]) - sum(terms)}）</span>')


def _change(change: int | None) -> _Html | str:
    if change is None:
        return "—"
    return _Html(f'<span class="{"dim" if change == 0 else "warn"}">{change:+,}</span>') if change else "0"


def _pledges(towns: Sequence[Mapping[str, Any]]) -> str:
    if not towns:
        return ""
    keys = ("total", "signed", "missing", "expired", "outdated", "mismatch", "exempt")
    rows: list[tuple[object, ...]] = [(t["town"] or "未知乡镇", *(int(t[k]) for k in keys), _share(t)) for t in towns]
    sums = {k: sum(int(t[k]) for t in towns) for k in keys}
    rows.append(("合计", *sums.values(), _share(sums)))
    return _table(("乡镇街道", "主体数", "已签", "未签", "过期", "版本过旧", "签署人不符", "豁免", "签订率"), rows)


def _share(t: Mapping[str, Any]) -> str:
    due = int(t["total"]) - int(t["exempt"])
    return f"{int(t['signed']) / due:.1%}" if due else "—"


def _steps(steps: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            s["name"],
            _state(s["state"]),
            _time(s["seconds"]),
            "，".join(f"{k} {v:,}" for k, v in s["counts"].items()),
            s["message"],
        )
        for s in steps
    ]
    return _table(("步骤", "状态", "用时", "计数", "说明"), rows) if rows else ""
