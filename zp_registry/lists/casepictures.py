"""Pictures of a case, drawn with a Chinese font: what an account's months showed, and what it shares with others."""

from __future__ import annotations

import functools
import io
import os
import re
import textwrap
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # matplotlib is loaded when something is drawn: most commands draw nothing
    from matplotlib.figure import Figure

_FONTS: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "SimHei",
    "Microsoft YaHei", "PingFang SC", "Noto Sans CJK JP", "Noto Serif CJK SC",
)  # fmt: skip
_FILES: Final = re.compile(r"CJK|SourceHan|NotoSansSC|wqy|simhei|msyh|PingFang", re.IGNORECASE)
_LANES: Final = (("holder", "登记主体"), ("streamers", "出镜人员"), ("phone", "联系电话"), ("payee", "收款账户"))
_COLOURS: Final = ("#4472C4", "#ED7D31", "#70AD47", "#A5A5A5", "#FFC000", "#5B9BD5", "#7F6084", "#C00000")
_KINDS: Final = {"account": ("账号", "#DDEBF7"), "phone": ("电话", "#FFF2CC"), "payee": ("收款账户", "#FCE4D6"),
                 "holder": ("主体", "#E2EFDA")}  # fmt: skip


@functools.cache
def chinese_font() -> str | None:
    """A font on this machine that has Chinese characters; None when there is none."""
    from matplotlib import font_manager

    for new in (False, True):
        if new:  # the library's own list may be older than the font
            for path in font_manager.findSystemFonts():
                if _FILES.search(os.path.basename(path)):
                    font_manager.fontManager.addfont(path)
        there = {f.name for f in font_manager.fontManager.ttflist}
        if found := next((name for name in _FONTS if name in there), None):
            return found
    return None


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150)
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor="white")
    return out.getvalue()


def _style() -> Any:
    import matplotlib

    font = chinese_font()
    families = [font, "DejaVu Sans"] if font else ["DejaVu Sans"]
    return matplotlib.rc_context({"font.family": families, "axes.unicode_minus": False})


def _wrapped(label: str, width: int) -> str:
    return "\n".join(textwrap.wrap(label, width, max_lines=3, placeholder="…")) or label


def timeline_picture(rows: list[dict[str, Any]]) -> bytes | None:
    """PNG: one band each for holder, people on camera, phone and payee; a bar from the report that first shows a value to the
    last one. None when there are no rows."""
    if not rows:
        return None
    dates = sorted({r["as_of"] for r in rows})
    place = {d: i for i, d in enumerate(dates)}
    bands: list[tuple[str, list[str]]] = []
    for lane, title in _LANES:
        values = list(dict.fromkeys(r[lane] for r in rows if r[lane]))
        bands.append((title, values))
    height = 1.4 + 0.42 * sum(max(1, len(v)) for _, v in bands)
    with _style():
        figure = _figure(10, height)
        axes = figure.add_axes((0.30, 0.9 / height, 0.68, 1 - 1.3 / height))
        y, ticks, labels = 0.0, [], []
        for (lane, title), (_, values) in zip(_LANES, bands, strict=True):
            for n, value in enumerate(values or [""]):
                spans = [(place[r["as_of"]] - 0.42, 0.84) for r in rows if value and r[lane] == value]
                axes.broken_barh(spans, (y - 0.32, 0.64), facecolors=_COLOURS[n % len(_COLOURS)])
                ticks.append(y)
                short = value if len(value) <= 24 else value[:23] + "…"
                labels.append(f"{title}｜{short}" if n == 0 else short)
                y += 1
            axes.axhline(y - 0.5, color="#BBBBBB", linewidth=0.8)
        axes.set_ylim(y - 0.5, -0.5)
        axes.set_xlim(-0.6, len(dates) - 0.4)
        axes.set_yticks(ticks, labels, fontsize=8)
        step = max(1, -(-len(dates) // 14))
        axes.set_xticks(list(range(0, len(dates), step)), dates[::step], fontsize=8, rotation=30, ha="right")
        axes.set_title("各次报送所示的登记主体、出镜人员、电话和收款账户", fontsize=10)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.grid(axis="x", color="#EEEEEE")
        axes.set_axisbelow(True)
        return _png(figure)


def graph_picture(told: dict[str, Any]) -> bytes | None:
    """PNG: accounts on the left, the phone and payee account that they share in the middle, holders on the right. None when
    there are no nodes."""
    nodes = told["nodes"]
    if not nodes:
        return None
    columns = {"account": 0.0, "phone": 1.0, "payee": 1.0, "holder": 2.0}
    stacks: dict[float, list[dict[str, Any]]] = {}
    for node in nodes:
        stacks.setdefault(columns[node["kind"]], []).append(node)
    tallest = max(len(s) for s in stacks.values())
    height = max(3.0, 1.0 + 0.55 * tallest)
    at: dict[str, tuple[float, float]] = {}
    for x, stack in stacks.items():
        for n, node in enumerate(stack):
            at[node["id"]] = (x, (n + 0.5) * tallest / len(stack))
    with _style():
        figure = _figure(10, height)
        axes = figure.add_axes((0.02, 0.02, 0.96, 1 - 0.55 / height))
        for edge in told["edges"]:
            (x1, y1), (x2, y2) = at[edge["left"]], at[edge["right"]]
            axes.plot([x1, x2], [y1, y2], color="#999999", linewidth=0.9, zorder=1)
        for node in nodes:
            x, y = at[node["id"]]
            title, colour = _KINDS[node["kind"]]
            axes.text(
                x, y, _wrapped(f"{title}：{node['label']}", 18), ha="center", va="center", fontsize=8, zorder=2,
                bbox={"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "#C00000" if node["focus"] else "#888888",
                      "linewidth": 1.8 if node["focus"] else 0.8},
            )  # fmt: skip
        axes.set_xlim(-0.45, 2.45)
        axes.set_ylim(tallest, 0)
        axes.axis("off")
        more = f"（另有 {told['more']} 个账号未画出）" if told["more"] else ""
        axes.set_title(f"账号、主体和共用的电话、收款账户{more}", fontsize=10)
        return _png(figure)


def bars_picture(title: str, names: list[str], series: dict[str, list[float]]) -> bytes:
    """PNG: a lying bar for each name, of every series beside one another, with its number; readable in black and white."""
    step, n = 0.8 / max(1, len(series)), len(names)
    height = max(2.6, 1.2 + n * (0.2 if len(series) < 2 else 0.26))
    with _style():
        figure = _figure(10, height)
        axes = figure.add_axes((0.20, 0.5 / height, 0.72, 1 - 1.2 / height))
        most = max((max(v) for v in series.values() if v), default=0) or 1
        for i, (label, values) in enumerate(series.items()):
            at = [k - 0.4 + step * (i + 0.5) for k in range(n)]
            axes.barh(at, values, height=step * 0.9, label=label, color=("#4472C4", "#BFBFBF")[i % 2],
                      hatch=("", "//")[i % 2], edgecolor="white")  # fmt: skip
            for y, value in zip(at, values, strict=True):
                axes.text(value + most * 0.01, y, f"{value:g}", va="center", fontsize=7)
        axes.set_yticks(range(n), [_cut(name) for name in names], fontsize=8)
        axes.set_ylim(n - 0.5, -0.5)
        axes.set_xlim(0, most * 1.08)
        axes.tick_params(axis="x", labelsize=8)
        axes.set_title(title, fontsize=10)
        if len(series) > 1:
            axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(series), frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        return _png(figure)


def _cut(name: str) -> str:
    return name if len(name) <= 14 else name[:13] + "…"
