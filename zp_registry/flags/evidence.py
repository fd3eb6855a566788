"""What every flag has: its columns, the rows it rests on, and names as they may be shown."""

from __future__ import annotations

import json

import pandas as pd

COLUMNS = (
    "family",
    "code",
    "level",
    "status",
    "platform",
    "account_id",
    "entity_id",
    "other_entity_id",
    "first_seen",
    "last_seen",
    "score",
    "reason",
    "explained",
    "evidence",
)


def none() -> pd.DataFrame:
    """No flags."""
    return pd.DataFrame(columns=list(COLUMNS))


def evidence_rows(rows: pd.DataFrame, what: pd.Series[str] | str, *, previous: bool) -> pd.Series[str]:
    """JSON text: the row that shows the change and, with ``previous``, the one before it."""
    out = []
    words = pd.Series(what, index=rows.index)
    for r, w in zip(rows.to_dict("records"), words, strict=True):
        items = []
        if previous and isinstance(r.get("prev_as_of"), str):
            items.append(
                {
                    "as_of": r["prev_as_of"],
                    "source_file": r["prev_file_name"],
                    "sheet": _text(r["prev_sheet"]),
                    "row": int(r["prev_row"]),
                    "what": "变更前",
                }
            )
        items.append(
            {
                "as_of": _text(r["as_of"]),
                "source_file": r["file_name"],
                "sheet": _text(r["sheet"]),
                "row": int(r["row"]),
                "what": _text(w),
            }
        )
        out.append(json.dumps(items, ensure_ascii=False))
    return pd.Series(out, index=rows.index, dtype="str")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def shown(name: pd.Series[str], mask: pd.Series[str]) -> pd.Series[str]:
    """``name（masked number）`` as far as known."""
    return name.fillna("（未报名称）") + ("（" + mask + "）").fillna("")


def standing(rows: pd.DataFrame, keys: list[str], dates: list[str]) -> pd.DataFrame:
    """States told at each report date (column ``on``) as one row per ``keys``: the last of them, with ``first_seen`` (where its
    unbroken run began), ``last_seen`` and ``status``: open as long as it stands on the last of ``dates``."""
    at = rows["on"].map({d: i for i, d in enumerate(dates)})
    rows = rows.assign(at=at).sort_values([*keys, "at"])
    rows["spell"] = rows["at"] - rows.groupby(keys).cumcount()
    rows["first_seen"] = rows.groupby([*keys, "spell"])["on"].transform("min")
    out = rows.drop_duplicates(keys, keep="last").drop(columns=["at", "spell"])
    return out.assign(
        last_seen=out["on"], status=pd.Series("open", index=out.index).where(out["on"] == dates[-1], "resolved")
    )


def explained(rows: pd.DataFrame, parts: dict[str, pd.Series[bool]]) -> pd.Series[str]:
    """The names of the ``parts`` that hold, ``、`` between; NA where none does."""
    out = pd.Series("", index=rows.index, dtype="str")
    for name, holds in parts.items():
        out = out + holds.reindex(rows.index).fillna(False).map({True: f"、{name}", False: ""}).astype("str")
    told = out.str.slice(1)
    return told.mask(told == "")
