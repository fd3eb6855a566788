"""The run report: what the night did, with counts that add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from zp_registry import __version__
from zp_registry.frames import PLEDGE_STATUSES
from zp_registry.lists.runreport import (
    Count,
    FileLine,
    PledgeTown,
    Pull,
    RejectCount,
    Remark,
    RunReport,
    Step,
    write_run_report,
)
from zp_registry.quarantine.codes import CODES
from zp_registry.registry import audit, bulk
from zp_registry.registry.review import queue
from zp_registry.registry.standing import reference_date

from .imports import Outcome
from .lists import platform_titles
from .office import Office

if TYPE_CHECKING:
    from .nightly import Night

_TOTALS = {
    "主体": "entity",
    "账号": "account",
    "现行持有": "holding WHERE recorded_to IS NULL AND valid_to IS NULL",
    "未结承诺书提示": "flag WHERE family = 'PLEDGE' AND status = 'open'",
    "未结转让线索": "flag WHERE family = 'TRANSFER' AND status = 'open'",
    "未结数据提示": "flag WHERE family = 'DATA' AND status = 'open'",
    "待更正行": "reject WHERE status = 'open'",
    "现行人工认定": "edge WHERE tier = 'person' AND deleted_at IS NULL",
}
_PAIRS = "待核实的疑似重复（对）"
_STEPS = {
    "pull": "拉取接口",
    "inbox": "读取收件箱",
    "resolve and flag": "归并主体、生成线索",
    "lists": "生成清单",
    "report": "生成报告",
}
_HERE = ZoneInfo("Asia/Shanghai")  # the clock of those who read the report
_STATES = {"loaded": "loaded", "unchanged": "unchanged", "refused": "refused"}


def totals(connection: Connection) -> dict[str, int]:
    """How much the registry holds, by Chinese name."""
    counts = {
        name: int(bulk.read(connection, f"SELECT COUNT(*) AS n FROM {table}", integers=["n"])["n"].iloc[0])
        for name, table in _TOTALS.items()
    }
    return counts | {_PAIRS: len(queue(connection))}


def write_report(office: Office, night: Night) -> list[Path]:
    """Writes the report as HTML and JSON into the home folder's ``reports``."""
    titles = platform_titles(office)
    with office.engine.connect() as connection:
        now, before = totals(connection), night.before
        codes = bulk.read(
            connection,
            """
            SELECT u.code, COUNT(DISTINCT j.id) AS n FROM fault u JOIN reject j ON j.id = u.reject_id JOIN
            report_file f ON f.id = j.file_id
            WHERE f.run_id = :r GROUP BY u.code ORDER BY n DESC""",
            {"r": office.run_id},
            integers=["n"],
        )
        report = RunReport(
            run_id=office.run_id or "",
            command="nightly",
            started=_when(night.started_at),
            ended=_when(audit.moment()),
            state="done" if night.exit_code == 0 else "partial" if night.exit_code == 3 else "failed",
            exit_code=night.exit_code,
            version=__version__,
            county=office.settings.county.name,
            reference_date=reference_date(connection),
            steps=[
                Step(name=_STEPS.get(s["name"], s["name"]), seconds=s["seconds"], state=s["state"], message=s.get("error", ""))
                for s in night.steps
            ],
            files=[_line(o, titles) for o in night.outcomes if not o.pulled],
            pulls=[
                Pull(
                    platform=o.platform,
                    platform_title=titles.get(o.platform, ""),
                    state="done" if o.state in _STATES and o.state != "refused" else "failed",
                    as_of=o.as_of,
                    records=o.counts.read,
                    message=o.message,
                )
                for o in night.outcomes
                if o.pulled
            ],
            rejects=[
                RejectCount(code=str(c), message=CODES[str(c)].text, rows=int(n))
                for c, n in zip(codes["code"], codes["n"], strict=True)
            ],
            counts=[Count(name=k, value=v, before=before.get(k)) for k, v in now.items()],
            pledges=_towns(connection),
            lists=[p.name for p in night.lists],
            failures=night.problems,
        )
    return list(write_run_report(report, office.home.reports))


def _when(moment: str) -> dt.datetime:
    return dt.datetime.fromisoformat(moment).astimezone(_HERE)


def _line(o: Outcome, titles: Mapping[str, str]) -> FileLine:
    scope: Any = o.scope
    state: Any = _STATES.get(o.state, "unknown")
    return FileLine(
        name=o.name,
        platform=o.platform,
        platform_title=titles.get(o.platform, ""),
        as_of=o.as_of,
        parts=list(o.parts),
        scope=scope,
        state=state,
        **{f"rows_{k}": v for k, v in vars(o.counts).items()},
        warnings=[Remark(code=w["code"], message=w["message"]) for w in o.warnings],
        refusal_code=o.code,
        refusal_message=o.message if o.code else "",
    )


def _towns(connection: Connection) -> list[PledgeTown]:
    """Entities with an account by town and pledge status; those outside the county and those without an address last."""
    rows = bulk.read(
        connection,
        """
        SELECT COALESCE(town, '未知乡镇') AS town, pledge_status, COUNT(*) AS n FROM entity
        WHERE pledge_status IS NOT NULL AND EXISTS (SELECT 1 FROM account a WHERE a.entity_id = entity.entity_id)
        GROUP BY COALESCE(town, '未知乡镇'), pledge_status""",
        integers=["n"],
    )
    table = rows.pivot_table(index="town", columns="pledge_status", values="n", fill_value=0, aggfunc="sum")
    ordered = sorted(table.index, key=lambda t: (t in ("外县", "未知乡镇"), t))
    return [PledgeTown(town=str(t), **{s: int(table.loc[t].get(s, 0)) for s in PLEDGE_STATUSES}) for t in ordered]
