"""Files of an invented county, read and mapped by the real stages: what was spoilt on purpose is told, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from zp_registry.simulator.dirt import Dirt
from zp_registry.simulator.generate import generate

from zp_registry.mapping import load_mappings, map_report
from zp_registry.normalise import normalise
from zp_registry.sources.files import read_file

TELLS = {
    "bad_check": {"ID_CHECK", "USCC_CHECK"},
    "confusable": {"USCC_CONFUSABLE"},
    "swapped": {"USCC_ID_SWAPPED"},
    "phone_bad": {"PHONE_INVALID"},
    "account_missing": {"ACCOUNT_ID_MISSING"},
    "holder_missing": {"HOLDER_MISSING"},
    "masked": {"ID_MASKED", "PHONE_MASKED", "PAYEE_MASKED"},
}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("county")
    layouts = ("douyin", "kuaishou", "xiaohongshu", "weipaitang")
    generate(out, seed=11, parties=250, months=1, start="2026-01", dirt=Dirt().scaled(2.0), layouts=layouts)
    return out


@pytest.fixture(scope="module")
def told(county: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(frame, faults with file and row) of all reports."""
    mappings, frames, faults = load_mappings(), [], []
    for path in sorted((county / "reports").rglob("*.*")):
        result = normalise(map_report(read_file(path), mappings))
        name = str(path.relative_to(county))
        frames.append(result.frame.assign(file=name))
        rows = result.faults["idx"].map(result.frame["row"])
        faults.append(result.faults.assign(file=name, row=rows))
        assert result.mapped is not None
    return pd.concat(frames), pd.concat(faults)


def test_every_township_is_found(county: Path, told: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    truth = pd.read_csv(county / "truth" / "truth_accounts.csv", dtype="str")
    both = told[0].merge(truth, on=["platform", "account_id"], suffixes=("", "_true"))
    both = both[both["business_address"].notna() & ~both.duplicated(["platform", "account_id"], keep=False)]
    # Some who hide their numbers write an address that is not their own: the label knows where they live, the report does not.
    both = both[~both["traps"].fillna("").str.contains("mask_and_name")]
    assert len(both) > 100
    assert (both["town"].fillna("") == both["town_true"].fillna("")).all()


@pytest.mark.parametrize("kind", TELLS)
def test_what_was_spoilt_is_told_with_the_row(county: Path, told: tuple[pd.DataFrame, pd.DataFrame], kind: str) -> None:
    dirt = pd.read_csv(county / "truth" / "truth_dirt.csv", dtype={"row": "int64"})
    spoilt = dirt[(dirt["kind"] == kind) & dirt["file"].isin(told[0]["file"])]
    faults = told[1][told[1]["code"].isin(TELLS[kind])]
    known = set(zip(faults["file"], faults["row"], strict=True))
    assert len(spoilt) > 0
    assert set(zip(spoilt["file"], spoilt["row"], strict=True)) <= known


def test_what_can_be_read_in_spite_of_dirt_earns_no_fault(county: Path, told: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Styles, full-width characters, blanks, placeholders and traditional writing are repaired without a word."""
    dirt = pd.read_csv(county / "truth" / "truth_dirt.csv", dtype={"row": "int64"})
    readable = {"phone_style", "date_style", "placeholder", "blank_inside", "lower_x", "full_width", "traditional", "landline"}
    only = dirt.groupby(["file", "row"])["kind"].agg(set)
    clean = {place for place, kinds in only.items() if kinds <= readable}
    bad = told[1][
        told[1]["code"].isin({"PHONE_INVALID", "DATE_INVALID", "ID_SHAPE", "USCC_SHAPE", "HOLDER_MISSING", "VALUE_UNKNOWN"})
    ]
    assert len(clean) > 50
    assert not set(zip(bad["file"], bad["row"], strict=True)) & clean
