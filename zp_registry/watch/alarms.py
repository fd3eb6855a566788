"""What a person should know, one alarm a thing. Texts hold codes, counts, dates and platforms, no file's name, no person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from zp_registry.quarantine.codes import CODES
from zp_registry.watch.freshness import Fresh
from zp_registry.watch.schedule import HERE, JOBS, JobState, missed

# Failures of an interface that no further night mends: a person has to do something.
_LASTING: Final = frozenset(
    ("certificate", "address", "signature", "token", "secret", "rights", "request", "clock", "shape", "size", "settings",
     "report", "ours")
)  # fmt: skip


_MENDED_BY_ITSELF: Final = dt.timedelta(hours=2)  # what a reboot broke off is made up by then


@dataclass(frozen=True)
class Alarm:
    """``key``: the same as long as the thing is the same; ``text``: a Chinese sentence."""

    key: str
    text: str


@dataclass(frozen=True)
class PullNight:
    """One night's pulls: the kind of failure by platform, ``""`` where it went well."""

    run_id: str
    kinds: Mapping[str, str]


@dataclass(frozen=True)
class Refused:
    """A file that was refused: its number in the registry, platform (``""``: not known), code and day."""

    number: int
    platform: str
    code: str
    day: dt.date


@dataclass
class Facts:
    """``jobs``: the newest run of each; ``since``: from when on this registry has been watched; ``unreadable``: why the
    registry cannot be opened; ``nights``: the pulls of the last nights, the newest first; ``free``: bytes left on the disk."""

    now: dt.datetime
    since: dt.datetime
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    unreadable: str = ""
    nights: Sequence[PullNight] = ()
    refused: Sequence[Refused] = ()
    fresh: Sequence[Fresh] = ()
    free: int | None = None
    titles: Mapping[str, str] = field(default_factory=dict)

    def title(self, platform: str) -> str:
        """A platform's Chinese name."""
        return self.titles.get(platform) or platform


def alarms(facts: Facts, *, nights: int = 3, least_free: int = 1 << 30) -> list[Alarm]:
    """All that is wrong now. ``nights``: failures of a platform in a row that pass by themselves; ``least_free``: bytes."""
    out = list(_jobs(facts))
    if facts.unreadable:
        out.append(Alarm("registry", f"登记库无法打开：{facts.unreadable}"))
    if facts.free is not None and facts.free < least_free:
        out.append(Alarm("disk", f"磁盘剩余空间不足：{facts.free // (1 << 20)} MiB"))
    return [*out, *_pulls(facts, nights), *_refused(facts), *_stale(facts)]


def _jobs(facts: Facts) -> Iterable[Alarm]:
    for job in JOBS:
        state = facts.jobs.get(job.name)
        if due := missed(job, state, facts.now, facts.since):
            last = f"上次运行：{state.started.astimezone(HERE):%Y-%m-%d %H:%M}" if state else "还没有运行过"
            # The same alarm for as long as it has not run, however many of its hours pass.
            key = f"missed:{job.name}:{state.started.isoformat() if state else ''}"
            yield Alarm(key, f"{job.title}没有按时运行（应在 {due:%m-%d %H:%M}；{last}）")
        elif state is not None and state.killed and facts.now - state.started > _MENDED_BY_ITSELF:
            yield Alarm(f"killed:{job.name}:{state.started.isoformat()}", f"{job.title}运行中被中断，下次会接着做")
        elif state is not None and state.code not in (None, 0, 3):
            # Failing night after night is one thing.
            yield Alarm(f"failed:{job.name}:{state.code}", f"{job.title}失败（退出码 {state.code}），请看日志")


def _pulls(facts: Facts, nights: int) -> Iterable[Alarm]:
    newest = facts.nights[0].kinds if facts.nights else {}
    for platform, kind in sorted(newest.items()):
        if not kind:
            continue
        row = 0
        for night in facts.nights:
            if not night.kinds.get(platform):
                break
            row += 1
        if kind in _LASTING:
            yield Alarm(f"pull:{platform}:{kind}", f"{facts.title(platform)}的接口需要处理（{_WHY.get(kind, kind)}）")
        elif row >= nights:
            yield Alarm(f"pull:{platform}", f"{facts.title(platform)}的接口已连续 {row} 晚拉取失败（{_WHY.get(kind, kind)}）")


_WHY: Final = {
    "certificate": "证书不可信", "address": "地址不对", "signature": "签名不被认可", "token": "令牌不被认可",
    "secret": "密钥不对", "rights": "没有权限", "request": "参数不对", "clock": "时间戳不对",
    "shape": "返回内容不是约定的样子", "size": "返回内容过大", "settings": "设置不全", "report": "报送未通过检查",
    "ours": "程序出错", "connection": "连接不上", "timeout": "没有及时回应", "server": "平台故障", "quota": "额度用完",
    "hours": "不在允许的时间", "breaker": "接连失败", "time": "拉取超时",
}  # fmt: skip


def _refused(facts: Facts) -> Iterable[Alarm]:
    for one in facts.refused:
        code = CODES.get(one.code)
        why = f"{one.code}：{code.text}" if code is not None else one.code
        whose = f"{facts.title(one.platform)}的" if one.platform else ""
        yield Alarm(f"refused:{one.number}", f"{one.day:%m-%d} 有一份{whose}文件被拒收（{why}），须请报送方重报或核准")


def _stale(facts: Facts) -> Iterable[Alarm]:
    for one in facts.fresh:
        if one.late:
            text = f"的报送已有 {one.age} 天没有更新（最新 {one.newest}，应不超过 {one.days} 天）"
            yield Alarm(f"late:{one.platform}:{one.newest}", facts.title(one.platform) + text)
        if one.duty == "missed":
            text = f"在 {one.duty_month} 应报送的身份信息（令117号第九条，每年1月、7月）"
            yield Alarm(f"duty:{one.platform}:{one.duty_month}", f"没有收到{facts.title(one.platform)}{text}")


def fresh_ones(found: Sequence[Alarm], told: Mapping[str, str]) -> list[Alarm]:
    """Those of which nobody has been told yet."""
    return [a for a in found if a.key not in told]
