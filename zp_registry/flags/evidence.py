"""What every flag has: its columns, the rows it rests on, and names as they may be shown."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.texts import json_objects, to_arrow

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
    now = rows[["as_of", "sheet", "row"]].assign(source_file=rows["file_name"], what=what)
    told = evidence_items(now)
    if previous and "prev_as_of" in rows:
        before = rows[["prev_as_of", "prev_file_name", "prev_sheet", "prev_row"]]
        before = before.set_axis(["as_of", "source_file", "sheet", "row"], axis=1)[rows["prev_as_of"].notna()]
        told = (evidence_items(before.assign(what="变更前")) + ", ").reindex(rows.index).fillna("") + told
    return "[" + told + "]"


def evidence_items(rows: pd.DataFrame) -> pd.Series[str]:
    """Each of ``rows`` (as_of, source_file, sheet, row, what) as a JSON object."""
    if rows.empty:
        return pd.Series(index=rows.index, dtype="str")
    texts = [(name, to_arrow(rows[name].astype("str").fillna(""))) for name in ("as_of", "source_file", "sheet")]
    open_ = pc.utf8_slice_codeunits(json_objects(texts), 0, -1)
    number = to_arrow(rows["row"].astype("int64").astype("str"))
    rest = pc.utf8_slice_codeunits(json_objects([("what", to_arrow(rows["what"].astype("str").fillna("")))]), 1)
    parts = [open_, pa.scalar(', "row": ', pa.large_string()), number, pa.scalar(", ", pa.large_string()), rest]
    return pd.Series(pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string())), index=rows.index, dtype="str")


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
