"""The jobs on SQLite and on PostgreSQL: the same files make the same registry, night after night."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from zp_registry.jobs.corrections import export_rejects
from zp_registry.jobs.derive import derive
from zp_registry.jobs.imports import Options, import_files
from zp_registry.jobs.lists import write_followup_lists
from zp_registry.jobs.nightly import nightly
from zp_registry.jobs.office import Office, at_work

from zp_registry.registry import audit, tables
from zp_registry.registry.flags import decide
from zp_registry.settings import Settings

INBOX = Path(__file__).resolve().parents[2] / "sample_data" / "inbox"
WANTED = ("kuaishou_", "taobao_", "province_share_", "wechat_channels_")
OPEN_ROWS = {"202607": 2, "202608": 3}  # rows turned back so far, see truth/truth_rows.csv


def reports(month: str) -> list[Path]:
    """The samples of a month, of four layouts."""
    return sorted(p for p in (INBOX / "reports").iterdir() if p.name.startswith(WANTED) and month in p.name)


def told(office: Office) -> dict[str, pd.DataFrame]:
    """Every export, without recorded times."""
    with office.engine.connect() as connection:
        known = tables.stored(connection, all_versions=True)
        out = {
            "accounts": tables.accounts(known),
            "entities": tables.entities(known),
            "holdings": tables.holdings(known),
            "flags": tables.flags(known),
            "rejects": tables.rejects(connection),
        }
    out["holdings"] = out["holdings"].assign(recorded_from="", recorded_to=out["holdings"]["recorded_to"].notna())
    return out


def same(told: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    """The tables as sorted lines, entities named by their first account and flags without ids: what "same registry" means."""
    held = told["holdings"]
    first = (held["platform"] + ":" + held["account_id"] + "@" + held["valid_from"]).groupby(held["entity_id"]).min().to_dict()
    out = {}
    for name, frame in told.items():
        plain = frame.drop(columns=["flag_id", "linked_entities"], errors="ignore")
        for column in ("entity_id", "other_entity_id"):
            if column in plain:
                plain[column] = plain[column].map(lambda e: first.get(e, "" if pd.isna(e) else "without account"))
        out[name] = sorted(plain.astype(object).fillna("").astype(str).agg("|".join, axis=1)) if len(plain) else []
    return out


def story(settings: Settings) -> list[dict[str, pd.DataFrame]]:
    """Two months, a decision between them; what was told after each."""
    out = []
    for month in ("202607", "202608"):
        with at_work(settings, "test") as office:
            found = [o for _, o in import_files(office, reports(month), Options())]
            found += [o for _, o in import_files(office, [INBOX / "pledges"], Options(kind="pledge"))]
            assert all(o.counts.adds_up() for o in found)
            derive(office)
            out.append(told(office))
            flags = out[-1]["flags"]
            about = flags[(flags["status"] == "open") & flags["account_id"].notna()].sort_values(
                ["code", "platform", "account_id"]
            )
            first = about["flag_id"].iloc[0]
            with office.engine.begin() as connection:
                assert decide(connection, first, "dismissed", "test", "because", audit.moment())
            assert write_followup_lists(office, output=settings.home / "out")
            assert export_rejects(office, settings.home / "rejects.xlsx") == OPEN_ROWS[month]
    return out


@pytest.mark.postgres
def test_both_databases_tell_the_same(tmp_path: Path, postgres_url: str) -> None:
    one = story(Settings(home=tmp_path / "one"))
    two = story(Settings(home=tmp_path / "two", database_url=postgres_url))
    for a, b in zip(map(same, one), map(same, two), strict=True):
        for name in a:
            assert a[name], name
            assert a[name] == b[name], name
    assert "dismissed" in set(one[1]["flags"]["status"])


def test_a_night_over_a_loaded_registry_adds_nothing(tmp_path: Path, database_url: str) -> None:
    settings = Settings(home=tmp_path / "home", database_url=database_url)
    with at_work(settings, "test") as office:
        list(import_files(office, reports("202607"), Options()))
        first = nightly(office)
        before = told(office)
    assert first.knowledge["changed"] is True
    with at_work(settings, "test") as office:
        list(import_files(office, reports("202607"), Options()))
        second = nightly(office)
        after = told(office)
    assert second.knowledge == {"changed": False}
    assert second.lists == []
    assert {s["state"] for s in second.steps} == {"done"}
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, after[name])


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    """The same registry but for ids: accounts hold the same periods under entities with the same numbers."""
    seen = []
    for name, months in (("a", ("202607", "202608", "202609")), ("b", ("202609", "202607", "202608"))):
        with at_work(Settings(home=tmp_path / name), "test") as office:
            for month in months:
                list(import_files(office, reports(month), Options()))
                derive(office)
            seen.append(same(told(office)))
    for name in ("accounts", "entities", "flags"):
        assert seen[0][name] == seen[1][name], name
    # What was once believed differs with the order; what is known now must not.
    assert [h for h in seen[0]["holdings"] if "|False|" in h] == [h for h in seen[1]["holdings"] if "|False|" in h]
