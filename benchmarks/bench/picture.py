"""Figures as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

_OURS, _THEIRS = "#2b6cb0", "#a0aec0"


def pipeline(result: dict[str, Any], path: Path) -> None:
    """Seconds of each night and reference on one workbook, and processor time a row over the number of rows."""
    figure, (bars, lines) = plt.subplots(1, 2, figsize=(14, 5.5), dpi=110, width_ratios=(3, 2))
    wide = result.get("wide", {})
    shown = [(f"{n}, bare reading", r["seconds"], _THEIRS) for n, r in wide.get("reading", {}).items()]
    shown += [(f"{n}, merge", r["seconds"], _THEIRS) for n, r in wide.items() if n.startswith("dlt")]
    shown += [(n, r["seconds"], _OURS) for n, r in wide.items() if isinstance(r, dict) and "import" in r]
    names, seconds, colours = zip(*shown[::-1], strict=True) if shown else ((), (), ())
    drawn = bars.barh(names, seconds, color=colours)
    bars.bar_label(drawn, fmt="%.1f", padding=3)
    bars.set(xlabel="seconds", title=f"One workbook of {wide.get('rows', 0):,} rows: registry (blue) and references")
    for name in ("first load", "same cells, other bytes", "the same files"):
        points = [(r["rows"], r[name]["cpu"] / r["rows"] * 1e6) for r in result.get("growth", [])]
        if points:
            lines.plot(*zip(*points, strict=True), marker="o", label=name)
    lines.set(xscale="log", yscale="log", xlabel="rows", ylabel="µs of processor time a row", title="nightly")
    lines.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
