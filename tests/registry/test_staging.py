"""What is staged stands in the database as it was, on both kinds of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zp_registry.registry import bulk
from zp_registry.registry.database import open_database

MANY = 6_000  # more than are handed to the database at a time


@pytest.fixture
def frame() -> pd.DataFrame:
    """A column of each kind that is staged, with and without missing values."""
    n, gone = np.arange(MANY), np.arange(MANY) % 3 == 1
    words = pd.Series([f"镇平{i}" for i in n], dtype="str")
    few = pd.Series(np.where(n % 2, "正常", "停用"), dtype="str")
    return pd.DataFrame({
        "number": n, "word": words, "gap": words.mask(gone), "few": few, "few_gap": few.mask(gone),
        "blank": pd.Series(["", "nan"] * (MANY // 2), dtype="str").mask(gone), "share": np.where(gone, np.nan, n / 8),
        "count": pd.Series(n, dtype="Int64").mask(gone), "raw": pd.Series([None if g else bytes([i % 256]) for i, g in
                                                                          zip(n, gone, strict=True)], dtype=object),
    })  # fmt: skip


def test_values_and_gaps_stay_what_they_are(database_url: str, frame: pd.DataFrame) -> None:
    with open_database(database_url).connect() as connection:
        bulk.stage(connection, "staged", frame)
        got = bulk.read(connection, "SELECT * FROM staged ORDER BY number", integers=["number", "count"],
                        floats=["share"], raw=["raw"])  # fmt: skip
        counts = ", ".join(f"COUNT({name})" for name in ("gap", "few_gap", "blank", "share", "count", "raw"))
        filled = connection.exec_driver_sql(f"SELECT {counts} FROM staged").one()
    assert tuple(filled) == (frame["gap"].notna().sum(),) * 6
    texts = ["word", "gap", "few", "few_gap", "blank"]
    pd.testing.assert_frame_equal(got[texts], frame[texts])
    assert got["number"].tolist() == frame["number"].tolist()
    assert got["count"].tolist() == frame["count"].tolist()
    np.testing.assert_array_equal(got["share"].to_numpy(), frame["share"].to_numpy())
    assert [None if v is None else bytes(v) for v in got["raw"]] == frame["raw"].tolist()
