"""Precision over recall as a picture (PNG)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LINE, DOTS, TEXT = "#2b6cb0", {"exact": "#718096", "partial": "#dd6b20", "model": "#2f855a", "person": "#805ad5"}, "#2d3748"
NAMES = {"exact": "exact numbers", "partial": "+ partial keys", "model": "+ model", "person": "+ people"}


def draw(path: Path, tiers: list[dict[str, Any]], lines: list[dict[str, Any]], title: str = "") -> None:
    """Writes precision over recall along the model's threshold (``lines``: thresholds.thresholds) with the points of the
    tiers (``tiers``: tiers.by_tier) marked, beside precision and recall over the threshold. PNG, 1600 x 700 pixels."""
    import matplotlib

    matplotlib.use("Agg")  # no display on a server
    from matplotlib import pyplot as plt

    figure, (curve, weights) = plt.subplots(1, 2, figsize=(16, 7), dpi=100)
    try:
        points = [t for t in tiers if t["tier"] in DOTS and (t["edges"] or t["tier"] in ("exact", "partial"))]
        if lines:
            curve.plot([r["recall"] for r in lines], [r["precision"] for r in lines], color=LINE, lw=2, label="model threshold")
            for row in (r for r in lines if r["band"]):
                at = (row["recall"], row["precision"])
                curve.scatter(*at, marker="D", s=64, color="white", edgecolor=LINE, lw=2, zorder=4)
                note = f"{row['band'].replace('|', ', ')} ≥ {row['threshold']:g}"
                curve.annotate(note, at, xytext=(-10, -22), textcoords="offset points", ha="right", color=LINE, fontsize=10)
        for step, point in enumerate(points):
            label = f"{NAMES[point['tier']]}: P {point['precision']:.4f}, R {point['recall']:.4f}"
            size = 260 - 60 * step  # rings within each other, should two tiers fall on one point
            curve.scatter(point["recall"], point["precision"], s=size, color=DOTS[point["tier"]], zorder=5 + step, label=label)
        every = [*points, *lines]
        _frame(curve, [r["recall"] for r in every], [r["precision"] for r in every])
        curve.set(xlabel="recall (pairs)", ylabel="precision (pairs)", title="Precision over recall")
        curve.legend(loc="lower left", frameon=True, framealpha=0.95, fontsize=10)
        _by_weight(weights, lines)
        if title:
            figure.suptitle(title, color=TEXT, fontsize=13)
        figure.tight_layout()
        figure.savefig(path)
    finally:
        plt.close(figure)


def _frame(axes: Any, x: list[float], y: list[float]) -> None:
    """Axes that show what there is, with a margin, and never less than two per mille."""
    for values, limits in ((x, axes.set_xlim), (y, axes.set_ylim)):
        low = min([*values, 0.998])
        margin = (1.0 - low) * 0.12
        limits(max(0.0, low - margin), 1.0 + margin / 2)
    _grid(axes)


def _grid(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.grid(color="#e2e8f0", lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)

    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.4f}".rstrip("0").rstrip(".")))


def _by_weight(axes: Any, lines: list[dict[str, Any]]) -> None:
    axes.set(xlabel="threshold (match weight, log2 of the odds)", ylabel="share", title="Precision and recall by threshold")
    if not lines:
        axes.text(0.5, 0.5, "no edges with a match weight", ha="center", va="center", transform=axes.transAxes, color=TEXT)
        return
    x = [r["threshold"] for r in lines]
    for key, color in (("precision", LINE), ("recall", "#dd6b20")):
        axes.plot(x, [r[key] for r in lines], color=color, lw=2, marker="o", ms=4, label=key)
    low = min(min(r["precision"], r["recall"]) for r in lines)
    axes.set_ylim(max(0.0, low - (1.0 - low) * 0.15 - 0.001), 1.0 + (1.0 - low) * 0.06 + 0.0005)
    for row in (r for r in lines if r["band"]):
        axes.axvline(row["threshold"], color=TEXT, ls="--", lw=1)
        axes.annotate(
            row["band"].replace("|", ", "),
            (row["threshold"], axes.get_ylim()[0]),
            xytext=(4, 8),
            textcoords="offset points",
            rotation=90,
            color=TEXT,
            fontsize=10,
        )
    axes.legend(loc="lower right", frameon=True, framealpha=0.95)
    _grid(axes)
