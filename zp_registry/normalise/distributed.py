"""The same normalising on Spark: every row by itself, in as many pieces as there are, by the very functions of this package.

A row travels whole, with its people on camera and the faults found so far as JSON text, so that the pieces need nothing from
each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from zp_registry.frames import FAULTS, MAPPED, NORMALISED, STREAMERS, empty
from zp_registry.normalise.report import normalise_frame
from zp_registry.normalise.result import Normalised
from zp_registry.spark import spark_session
from zp_registry.texts import joined, json_objects, to_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_LISTS = ("streamers", "faults")
_WHOLE = ("idx", "row", "ordinal")


def packed(frame: pd.DataFrame, streamers: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    """One table of three: the columns of ``frame``, ``idx`` (its index), ``streamers`` and ``faults`` (JSON, NA for none)."""
    lists = {name: _lists(part, frame.index) for name, part in zip(_LISTS, (streamers, faults), strict=True)}
    return frame.assign(idx=frame.index.to_numpy(dtype="int64"), **lists).reset_index(drop=True)


def unpacked(table: pd.DataFrame, columns: Sequence[str], people: Sequence[str]) -> Normalised:
    """The three tables again (``columns``: of the frame, ``people``: of the streamers), in the order of the rows."""
    rows = table.sort_values("idx", kind="stable").set_index("idx").rename_axis(None)
    frame = rows[list(columns)].astype({c: "int64" if c in _WHOLE else "str" for c in columns})
    return Normalised(frame, _spread(rows["streamers"], people), _spread(rows["faults"], FAULTS))


def _lists(part: pd.DataFrame, index: pd.Index[int]) -> pd.Series[str]:
    if part.empty:
        return pd.Series(pd.NA, index=index, dtype="str")
    fields = [(str(c), to_arrow(part[c].astype("str"))) for c in part.columns if c != "idx"]
    texts = pd.Series(json_objects(fields), index=part["idx"].to_numpy(), dtype="str").fillna("{}")
    return ("[" + joined(texts, ",") + "]").reindex(index).astype("str")


def _spread(lists: pd.Series[str], columns: Sequence[str]) -> pd.DataFrame:
    given = lists.dropna()
    told = json.loads("[" + ",".join(given) + "]")
    rows = [(idx, *(item.get(c) for c in columns if c != "idx")) for idx, items in zip(given.index, told, strict=True)
            for item in items]  # fmt: skip
    if not rows:
        return empty(tuple(columns))
    frame = pd.DataFrame(rows, columns=["idx", *(c for c in columns if c != "idx")])
    return frame[list(columns)].astype({c: "int64" if c in _WHOLE else "str" for c in columns})


def normalise_on_spark(
    rows: DataFrame, *, headers: Mapping[tuple[str, str], str] | None = None, today: str,
    markets: Sequence[tuple[str, str]] | None = None,
) -> DataFrame:  # fmt: skip
    """Rows in the form of :func:`packed` (frames.MAPPED) → the same form with frames.NORMALISED; arguments as of
    :func:`zp_registry.normalise.report.normalise_frame`."""
    known = dict(headers or {})

    def pieces(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            part = unpacked(batch, MAPPED, STREAMERS)
            done = normalise_frame(part.frame, part.streamers, part.faults, headers=known, today=today, markets=markets)
            out = packed(done.frame, done.streamers, done.faults)
            yield out.astype({c: object for c in out.columns if c not in _WHOLE}).where(out.notna(), None)

    schema = ", ".join(f"`{c}` {'bigint' if c in _WHOLE else 'string'}" for c in (*NORMALISED, "idx", *_LISTS))
    return rows.mapInPandas(pieces, schema)


def normalise_files(source: Path, target: Path, **options: Any) -> None:
    """:func:`normalise_on_spark` from the Parquet files of folder ``source`` into those of ``target``, which must not be there
    yet. Spark's workers read and write them, so both lie where all of them see them. Numbers stand in these files in clear:
    they belong on storage that nobody else reads, and away when they are loaded."""
    rows = spark_session().read.parquet(source.absolute().as_uri())
    normalise_on_spark(rows, **options).write.parquet(target.absolute().as_uri())
