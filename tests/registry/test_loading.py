"""Loading: everything of a file or nothing, every row accounted for, and the order of files without a say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from alembic import command
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from worlds import World, firm, kuaishou, name, person, row, shop, wechat, weipaitang, world, xiaohongshu
from zp_registry.simulator import Dirt, generate

from zp_registry.home import Home
from zp_registry.registry.database import alembic_config, open_database, upgrade

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"


@pytest.fixture
def either(home: Home, tmp_path: Path, database_url: str) -> Iterator[World]:
    """A registry, once on SQLite and once on PostgreSQL."""
    with world(home.root, tmp_path / "files", database_url) as made:
        yield made


def _counts(outcome: object) -> dict[str, int]:
    return {k: v for k, v in vars(getattr(outcome, "counts")).items() if v and k not in ("read", "skipped")}  # noqa: B009


def test_a_file_and_its_versions(either: World) -> None:
    """The life of one date's report: loaded, known by its bytes, corrected, and told by a later month."""
    nobody = row("ks3", person(3), person=None, person_id=None, name=None, streamers=[])
    first = kuaishou(either.file("kuaishou_20260131.csv"), [row("ks1", person(1)), row("ks2", person(2)), nobody])
    assert _counts(either.load(first)) == {"loaded": 2, "rejected": 1}

    again = either.load(first)
    assert again.state == "unchanged"
    assert _counts(again) == {"unchanged": 2, "rejected": 1}
    other_name = either.file("快手2026年1月_kuaishou_20260131 (1).csv")
    other_name.write_bytes(first.read_bytes())
    assert either.load(other_name).state == "unchanged"
    assert len(either.sql("SELECT id FROM report")) == 1
    assert len(either.sql("SELECT id FROM reject WHERE status = 'open'")) == 1

    corrected = either.kuaishou(JAN, [row("ks1", person(1)), row("ks2", person(5)), row("ks3", person(3))])
    assert _counts(corrected) == {"loaded": 2, "unchanged": 1}
    assert either.sql("SELECT status FROM reject")["status"].tolist() == ["superseded"]
    live = either.sql("SELECT as_of, part FROM report WHERE superseded_by IS NULL")
    assert live.to_dict("records") == [{"as_of": JAN, "part": "main"}]
    either.night()
    held = dict(zip(either.accounts()["account_id"], either.accounts()["subject_name"], strict=True))
    assert held == {"ks1": name(1), "ks2": name(5), "ks3": name(3)}

    february = either.kuaishou(FEB, [row("ks1", person(1)), row("ks2", person(2)), row("ks2", person(2))])
    assert _counts(february) == {"unchanged": 1, "loaded": 1, "repeated": 1}, "ks2 went back to an old version: that is news"


def _saved_again(path: Path, target: Path | None = None) -> Path:
    """Opened and saved in another program: other bytes, the same cells."""
    book = openpyxl.load_workbook(path)
    book.properties.title = "另存"
    book.save(target or path)
    return target or path


def test_a_workbook_that_was_merely_saved_again_is_known(county: World) -> None:
    """The night after finds nothing to do; the rows stay where they were first read, and corrections made meanwhile stand."""
    first = wechat(county.file("wechat_channels_20260131.xlsx"), [row("sph1", person(1)), row("sph2", person(2))], JAN)
    assert _counts(county.load(first)) == {"loaded": 2}
    before = first.read_bytes()
    again = county.load(_saved_again(first))
    assert first.read_bytes() != before
    assert (again.state, _counts(again)) == ("unchanged", {"unchanged": 2})
    other = county.load(_saved_again(first, county.file(f"副本_{first.name}")))
    assert (other.state, _counts(other)) == ("unchanged", {"unchanged": 2})
    assert len(county.sql("SELECT id FROM report_file")) == 1


def test_former_content_in_a_new_file_undoes_a_correction(county: World) -> None:
    """A platform that goes back to what it said first has said something new."""
    path = county.file("wechat_channels_20260131.xlsx")
    county.load(wechat(path, [row("sph1", person(1))], JAN))
    first = path.read_bytes()
    county.load(wechat(path, [row("sph1", person(3))], JAN))
    path.write_bytes(first)
    county.load(_saved_again(path))
    county.night()
    assert county.holdings("sph1") == [(name(1), JAN, None)]


def test_known_bytes_under_a_name_of_another_date_are_another_report(county: World) -> None:
    rows = [row("ks1", person(1)), row("ks2", person(2))]
    county.kuaishou(JAN, rows)
    february = county.kuaishou(FEB, rows)
    assert february.as_of == FEB
    assert _counts(february) == {"unchanged": 2}
    assert sorted(county.sql("SELECT as_of FROM report WHERE superseded_by IS NULL")["as_of"]) == [JAN, FEB]
    county.night()
    assert county.accounts()["last_seen"].tolist() == [FEB, FEB]


def test_the_former_file_does_not_undo_its_correction(county: World) -> None:
    """A file that is left in the inbox, or sent once more, is known, also when a later one has taken its place."""
    first = kuaishou(county.file("kuaishou_20260131.csv"), [row("ks1", person(1)), row("ks2", person(2))])
    county.load(first)
    county.kuaishou(JAN, [row("ks1", person(3)), row("ks2", person(2))])
    assert county.load(first).state == "unchanged"
    county.night()
    assert county.holdings("ks1") == [(name(3), JAN, None)]


def test_several_dates_in_one_file_go_by_their_own_date(county: World) -> None:
    rows = [row("x1", person(1), as_of=JAN), row("x2", person(2), as_of=JAN), row("x1", person(1), as_of=FEB)]
    county.load(xiaohongshu(county.file("小红书一二月.csv"), rows, JAN))
    county.night()
    assert county.holdings("x1") == [(name(1), JAN, None)]
    assert county.holdings("x2") == [(name(2), JAN, FEB)], "February's rows are a full report of their own"


def test_strays_of_another_date_end_no_holding(county: World) -> None:
    everyone = [row(f"x{n}", person(n)) for n in range(8)]
    county.load(xiaohongshu(county.file("xiaohongshu_20260131.csv"), everyone, JAN))
    stray = [*everyone[:7], row("x7", person(7), as_of=MAR)]
    county.load(xiaohongshu(county.file("xiaohongshu_20260228.csv"), stray, FEB))
    county.night()
    ended = {n for n in range(8) if county.holdings(f"x{n}")[0][2] is not None}
    assert ended == {7}, "the one row of March says nothing about the seven others; only x7 is missing in February"


def test_parts_of_one_date_add_up(county: World) -> None:
    from worlds import taobao

    rows = [row("t1", shop(1)), row("t2", person(2))]
    county.load(taobao(county.file("taobao_20260131.xlsx"), rows, lists="A"))
    county.load(taobao(county.file("taobao_20260131 (1).xlsx"), rows, lists="B"))
    assert len(county.sql("SELECT id FROM report WHERE superseded_by IS NULL")) == 2
    county.night()
    assert county.accounts()["account_id"].tolist() == ["t1", "t2"]


def test_unchanged_means_the_newest_version(county: World) -> None:
    a, b = row("w1", person(1)), row("w1", person(1), phone="13803771234")
    assert _counts(county.weipaitang(JAN, [a])) == {"loaded": 1}
    assert _counts(county.weipaitang(FEB, [a])) == {"unchanged": 1}
    assert _counts(county.weipaitang(MAR, [b])) == {"loaded": 1}
    assert _counts(county.weipaitang("2026-04-30", [a])) == {"loaded": 1}, "back to an earlier version is a change"
    assert len(county.sql("SELECT id FROM record")) == 2, "and yet each content is kept once"


def test_a_dry_run_keeps_nothing(county: World) -> None:
    path = kuaishou(county.file("kuaishou_20260131.csv"), [row("ks1", person(1))])
    tried = county.load(path, dry_run=True)
    assert _counts(tried) == {"loaded": 1}
    for table in ("report_file", "report", "record", "sighting", "subject"):
        assert len(county.sql(f"SELECT * FROM {table}")) == 0, table
    assert _counts(county.load(path)) == {"loaded": 1}


def test_rows_that_only_lack_a_valid_number_load_with_a_warning(county: World) -> None:
    wrong = person(1).person_id[:-1] + ("1" if person(1).person_id[-1] != "1" else "2")
    assert _counts(county.kuaishou(JAN, [row("ks1", person(1), person_id=wrong), row("ks2", firm(2))])) == {"loaded": 2}
    assert "ID_CHECK" in county.sql("SELECT code FROM fault WHERE reject_id IS NULL")["code"].tolist()
    assert len(county.sql("SELECT id FROM record WHERE id_hash IS NULL AND uscc IS NULL")) == 1


# -- counts add up whatever the dirt

_LAYOUTS = ("douyin", "kuaishou", "taobao", "wechat_channels", "xiaohongshu", "pinduoduo", "jd", "weipaitang")


@settings(max_examples=4, phases=(Phase.explicit, Phase.generate))  # each example is a whole world: too slow to shrink
@given(seed=st.integers(0, 10**6), dirt=st.floats(0, 25), first=st.integers(0, 7))
def test_every_row_of_dirty_files_is_accounted_for(seed: int, dirt: float, first: int) -> None:
    """read = loaded + unchanged + repeated + rejected + skipped for every file, as told, as stored, and told again."""
    with tempfile.TemporaryDirectory() as folder:
        out, layouts = Path(folder), (*(_LAYOUTS[(first + k) % 8] for k in (0, 3)), "province_share")
        generate(out / "w", seed=seed, parties=25, months=2, dirt=Dirt().scaled(dirt), layouts=layouts)
        with world(out / "home", out / "files") as made:
            everything = sorted((out / "w").glob("reports/**/*.*")) + sorted((out / "w").glob("pledges/*.*"))
            assert everything
            for path in everything:
                kind = "pledge" if path.parent.name == "pledges" else "report"
                told = made.try_load(path, kind=kind)  # asserts the sum
                if told.state in ("refused", "asked"):
                    continue
                stored = (
                    made.sql(
                        "SELECT rows_read, rows_loaded, rows_unchanged, rows_repeated, rows_rejected, rows_skipped "
                        "FROM report_file WHERE id = (SELECT MAX(id) FROM report_file)"
                    )
                    .astype(int)
                    .iloc[0]
                    .tolist()
                )
                assert stored == list(vars(told.counts).values())
                kept = made.sql("SELECT id FROM reject WHERE file_id = (SELECT MAX(id) FROM report_file)")
                assert len(kept) == told.counts.rejected, "each rejected row waits in quarantine, once"
                again = made.try_load(path, kind=kind)
                assert (again.state, again.counts.loaded) == ("unchanged", 0)
            made.night()


# -- the schema


def test_models_and_migrations_agree(database_url: str) -> None:
    engine = open_database(database_url)
    upgrade(engine)
    command.check(alembic_config(engine))  # raises when a model has what no migration makes
    engine.dispose()


@pytest.mark.parametrize("writer", [weipaitang, wechat])
def test_one_content_in_two_orders_is_one_content(county: World, writer: object) -> None:
    """The order of rows makes no news."""
    assert callable(writer)
    rows = [row(f"a{n}", person(n)) for n in range(4)]
    suffix = "jsonl" if writer is weipaitang else "xlsx"
    base = "weipaitang" if writer is weipaitang else "wechat_channels"
    county.load(writer(county.file(f"{base}_20260131.{suffix}"), rows, JAN))
    again = county.load(writer(county.file(f"{base}_20260228.{suffix}"), rows[::-1], FEB))
    assert _counts(again) == {"unchanged": 4}
