"""The labels say what the written files say."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from sim_readback import grids, holders, labels, pages
from stdnum import luhn
from stdnum.cn import ric, uscc

FULL = ("douyin", "kuaishou", "taobao", "xiaohongshu", "pinduoduo", "jd", "weipaitang")


def _rows(world: Path) -> list[dict[str, Any]]:
    return [r for p in pages(world) if p.platform != "province_share" for r in holders(p)]


def test_row_counts_repeats_and_unusable_rows(dirty: Path) -> None:
    want = {(r["file"], r["sheet"]): r for r in labels(dirty, "rows")}
    repeats = unusable = 0
    for page in pages(dirty):
        label = want.pop((page.file, page.sheet))
        assert len(page.rows) == int(label["data_rows"]), page.file
        skip = 1 if page.headers[0] == "序号" else 0
        content = Counter(tuple(map(str, r[skip:])) for r in page.rows)
        assert sum(n - 1 for n in content.values()) == int(label["repeated"]), page.file
        repeats += int(label["repeated"])
        unusable += int(label["unusable"])
    assert repeats > 0
    assert unusable > 0
    for (file, sheet), label in want.items():  # what is left are the ledgers
        grid = grids(dirty / file)[sheet]
        assert sum(isinstance(r[0], int) for r in grid) == int(label["data_rows"])


def test_dirt_is_written_where_it_is_noted(dirty: Path) -> None:
    notes = labels(dirty, "dirt")
    kinds = {n["kind"] for n in notes}
    assert {
        "masked",
        "bad_check",
        "phone_style",
        "date_style",
        "repeated",
        "account_missing",
        "swapped",
        "traditional",
        "lower_x",
    } <= kinds
    files = {(p.file, p.sheet): p for p in pages(dirty)}
    checked = 0
    for note in notes:
        page = files.get((note["file"], note["sheet"]))
        if page is None or page.platform != "taobao" or note["kind"] not in ("account_missing", "masked", "lower_x"):
            continue
        if note["field"] not in page.headers:
            continue
        value = page.rows[int(note["row"]) - 3][page.headers.index(note["field"])]
        assert {"account_missing": value is None, "masked": "*" in str(value), "lower_x": str(value).endswith("x")}[
            note["kind"]
        ]
        checked += 1
    assert checked > 5


def test_numbers_are_valid_and_one_per_party(clean: Path) -> None:
    party = {(r["platform"], r["account_id"], r["month"]): r["party_id"] for r in labels(clean, "accounts")}
    number_of: dict[str, set[str]] = defaultdict(set)
    party_of: dict[str, set[str]] = defaultdict(set)
    old_forms = {
        (r["platform"], r["account_id"])
        for r in labels(clean, "benign")
        if r["type"] in ("id15_to_18", "typo_corrected", "number_slip")
    }
    for row in _rows(clean):
        if row["info"] is not None and (row["until"] or row["info"] == "作废"):
            continue  # the old holder beside the new one
        if (row["platform"], row["account"]) in old_forms:
            continue
        holder = party[(row["platform"], row["account"], row["month"])]
        number = row["number"]
        number_of[holder].add(number)
        party_of[number].add(holder)
        if number[0] == "9":
            assert uscc.is_valid(number)
            assert _organisation_check(number[8:16]) == number[16]
        else:
            assert ric.calc_check_digit(number) == number[17]
    assert len(number_of) > 400
    assert all(len(v) == 1 for v in number_of.values())
    assert all(len(v) == 1 for v in party_of.values())


def _organisation_check(code: str) -> str:
    """GB 11714 by hand."""
    total = sum((int(c) if c.isdigit() else ord(c) - 55) * w for c, w in zip(code, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return "0123456789X"[(11 - total % 11) % 11]


def test_payout_cards_have_a_luhn_digit(clean: Path) -> None:
    cards = {r["payee"] for r in _rows(clean) if r["platform"] in ("kuaishou", "pinduoduo") and len(r["payee"]) == 19}
    assert len(cards) > 50
    assert all(luhn.is_valid(c) for c in cards)


def test_full_reports_list_exactly_the_accounts_of_the_month(clean: Path) -> None:
    listed, true = defaultdict(set), defaultdict(set)
    for row in _rows(clean):
        if row["platform"] in FULL:
            listed[row["month"]].add((row["platform"], row["account"]))
    for label in labels(clean, "accounts"):
        if label["platform"] in FULL and "share_first" not in label["traps"]:
            true[label["month"]].add((label["platform"], label["account_id"]))
    early = {(r["platform"], r["account_id"]) for r in labels(clean, "accounts") if "share_first" in r["traps"]}
    assert len(true) == 4
    for month, accounts in true.items():
        assert listed[month] - early == accounts


def test_clean_world_is_clean(clean: Path) -> None:
    assert labels(clean, "dirt") == []
    assert all(r["repeated"] == r["unusable"] == "0" for r in labels(clean, "rows"))
    rows = _rows(clean)
    assert not any("*" in str(r[k]) for r in rows for k in ("number", "phone", "payee"))
    assert all(isinstance(r["payee"], str) and r["phone"] and r["account"] for r in rows)
    months = Counter((r["platform"], r["account"], r["month"]) for r in rows if r["platform"] in FULL)
    assert set(months.values()) == {1}
    assert {r["decidable"] for r in labels(clean, "accounts")} == {"1"}
    assert all(
        r["first_visible_month"]
        for r in labels(clean, "transfers")
        if r["type"] in ("sale", "pingpong", "dormant", "hidden_sale")
    )


def test_transfers_show_from_their_first_visible_month(clean: Path) -> None:
    history: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in _rows(clean):
        if row["platform"] in FULL:
            history[(row["platform"], row["account"])][row["month"]] = row
    kinds = Counter()
    for t in labels(clean, "transfers"):
        if t["platform"] not in FULL or not t["first_visible_month"]:
            continue
        months = history[(t["platform"], t["account_id"])]
        now = months[t["first_visible_month"]]
        before = [months[m] for m in sorted(months) if m < t["first_visible_month"]]
        if t["type"] in ("sale", "pingpong", "dormant"):
            assert before[-1]["number"] != now["number"]
            assert len({r["number"] for r in before}) == 1
            kinds[t["type"]] += 1
        elif t["type"] in ("hidden_sale", "rent"):
            assert before[-1]["number"] == now["number"]
            changed = sum(before[-1][k] != now[k] for k in ("phone", "payee", "streamer"))
            assert changed >= (2 if t["type"] == "hidden_sale" else 1)
            kinds[t["type"]] += 1
    assert set(kinds) == {"sale", "pingpong", "dormant", "hidden_sale", "rent"}


def test_farms_and_lenders_stand_behind_several_holders(clean: Path) -> None:
    last = {(r["platform"], r["account"]): r for r in _rows(clean) if r["month"] == "2026-04" and r["platform"] in FULL}
    flagged = defaultdict(list)
    for t in labels(clean, "transfers"):
        if t["type"] in ("farm", "lend") and (t["platform"], t["account_id"]) in last:
            flagged[t["type"]].append(last[(t["platform"], t["account_id"])])
    for kind, least in (("lend", 3), ("farm", 5)):
        behind: dict[Any, set[str]] = defaultdict(set)
        for row in flagged[kind]:
            for k in ("phone", "payee", "streamer"):
                behind[(k, row[k])].add(row["number"])
        behind = {k: v for k, v in behind.items() if k[1]}
        assert max(len(v) for v in behind.values()) >= least - 1  # one more may stand on a delta layout


def test_undecidable_accounts_show_no_full_number(dirty: Path) -> None:
    truth = labels(dirty, "accounts")
    party = {(r["platform"], r["account_id"], r["month"]): r for r in truth}
    true_number: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _rows(dirty):
        label = party.get((row["platform"], row["account"], row["month"]))
        if label and row["number"]:
            true_number[label["party_id"]][row["number"]] += 1
    sure = Counter(r["decidable"] for r in truth)
    assert sure["1"] > 0.9 * len(truth)
    for row in _rows(dirty):
        label = party.get((row["platform"], row["account"], row["month"]))
        if label and label["decidable"] == "0" and row["number"] and "two_holders" not in label["traps"]:
            number = str(row["number"])
            assert not (
                len(number) == 18 and uscc.is_valid(number) and number == true_number[label["party_id"]].most_common(1)[0][0]
            )


def test_delta_report_lists_both_operators_of_a_changed_account(clean: Path) -> None:
    changed = {
        (t["account_id"], t["first_visible_month"])
        for t in labels(clean, "transfers")
        if t["platform"] == "wechat_channels" and t["type"] == "sale"
    }
    upgraded = {
        (t["account_id"], t["month"])
        for t in labels(clean, "benign")
        if t["platform"] == "wechat_channels" and t["type"] == "licence_upgrade"
    }
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for page in pages(clean):
        if page.platform == "wechat_channels":
            for row in holders(page):
                rows[(row["account"], row["month"])].append(row)
    assert changed | upgraded
    for key in changed | upgraded:
        old, new = rows[key]
        assert old["number"] != new["number"]
        assert new["info"] == "新增"
        assert old["info"] == "作废" or old["until"]


def test_pledge_labels_follow_the_ledger(clean: Path) -> None:
    numbers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in (clean / "pledges").iterdir():
        for grid in grids(path).values():
            for r in grid:
                if isinstance(r[0], int) and r[3]:
                    numbers[r[3]].append((r[7], r[8]))
    number_of = {}
    party = {(r["platform"], r["account_id"], r["month"]): r["party_id"] for r in labels(clean, "accounts")}
    typed = {
        (r["platform"], r["account_id"])
        for r in labels(clean, "benign")
        if r["type"] in ("id15_to_18", "typo_corrected", "number_slip")
    }
    for row in _rows(clean):
        if row["platform"] in FULL and (row["platform"], row["account"]) not in typed:
            number_of[party[(row["platform"], row["account"], row["month"])]] = row["number"]
    seen = Counter()
    for label in labels(clean, "pledges"):
        if label["party_id"] not in number_of:
            continue
        signed = numbers.get(number_of[label["party_id"]], [])
        valid = [v for v, d in signed if d > "2024-04-30"]
        status = "missing" if not signed else "expired" if not valid else "signed" if "2024版" in valid else "outdated"
        assert status == label["status"]
        seen[status] += 1
    assert set(seen) == {"signed", "missing", "expired", "outdated"}
