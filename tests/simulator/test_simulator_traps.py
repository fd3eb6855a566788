"""Every trap is there, often enough to test, and looks as its name says in the written files."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from sim_readback import holders, labels, pages
from zp_registry.simulator import generate

TRAPS = {
    "namesake": 20,
    "namesake_market": 6,
    "namesake_digits": 6,
    "couple": 10,
    "one_purse": 4,
    "family": 10,
    "twins": 6,
    "market": 100,
    "agency_phone": 10,
    "agency_client": 20,
    "bookkeeper": 12,
    "bookkeeper_payee": 6,
    "person_and_sole": 50,
    "one_chief": 10,
    "many_shops": 50,
    "middle_dot": 6,
    "rename": 1,
    "name_form": 8,
    "name_change": 2,
    "traditional": 8,
    "typo_stays": 5,
    "typo_corrected": 5,
    "no_name": 4,
    "mask_and_name": 8,
    "number_slip": 4,
    "phone": 10,
    "phone_recycled": 1,
    "new_legal_rep": 1,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("traps")
    generate(out, seed=21, parties=800, months=6)
    return out


def by_trap(world: Path) -> dict[str, dict[tuple[str, str], str]]:
    """The accounts of each trap with their party."""
    out: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for r in labels(world, "accounts"):
        for trap in filter(None, r["traps"].split("|")):
            out[trap][(r["platform"], r["account_id"])] = r["party_id"]
    return out


def shown(world: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What the platforms' reports show of each account: cells by what they hold, in order of time."""
    out: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    names = {
        "douyin": ("认证主体名称",),
        "kuaishou": ("企业名称", "实名姓名"),
        "taobao": ("名称", "姓名"),
        "wechat_channels": ("名称（姓名）", "姓名"),
        "xiaohongshu": ("subject_name",),
        "pinduoduo": ("主体名称",),
        "jd": ("公司名称/姓名",),
        "weipaitang": ("subject.name",),
    }
    for page in pages(world):
        if page.platform == "province_share":
            continue
        for row, cells in zip(holders(page), page.rows, strict=True):
            cell = dict(zip(page.headers, cells, strict=False))
            name = next((cell[h] for h in names[page.platform] if cell.get(h)), None)
            out[(row["platform"], str(row["account"]))].append({**row, "name": name})
    return out


def plain(text: object) -> str:
    """Without the dirt that hides nothing."""
    wide = unicodedata.normalize("NFKC", str(text or ""))
    return "".join(c for c in wide if not c.isspace() and c not in "\u200b'").upper()


def test_every_trap_is_labelled_and_frequent(world: Path) -> None:
    found = {trap: len(accounts) for trap, accounts in by_trap(world).items()}
    assert {t: found.get(t, 0) for t, least in TRAPS.items() if found.get(t, 0) < least} == {}


def test_namesakes_with_the_same_visible_digits_are_told_apart_by_whole_numbers_alone(world: Path) -> None:
    truth, rows = labels(world, "accounts"), shown(world)
    numbers: dict[str, set[str]] = defaultdict(set)
    for r in truth:
        if "namesake_digits" in r["traps"]:
            for row in rows[(r["platform"], r["account_id"])]:
                if row["month"] == r["month"] and len(plain(row["number"])) == 18 and "*" not in str(row["number"]):
                    numbers[r["party_id"]].add(plain(row["number"]))
    most = {p: Counter(n).most_common(1)[0][0] for p, n in numbers.items()}
    ends = Counter(n[:6] + n[-4:] for n in most.values())
    assert max(ends.values()) >= 2
    assert len(set(most.values())) == len(most)


def test_twins_have_neighbouring_numbers_and_live_together(world: Path) -> None:
    parties: dict[str, str] = {}
    rows = shown(world)
    for account, party in by_trap(world)["twins"].items():
        for row in rows[account]:
            number = plain(row["number"])
            if len(number) == 18 and "*" not in number:
                parties.setdefault(party, number)
    days = defaultdict(list)
    for number in set(parties.values()):
        days[number[:14]].append(int(number[14:17]))
    close = [s for s in days.values() if len(s) == 2 and abs(s[0] - s[1]) <= 3]
    assert close


def test_people_known_by_mask_and_name_share_no_phone_and_no_account(world: Path) -> None:
    rows, groups, traps = shown(world), defaultdict(list), by_trap(world)
    for account, party in traps["mask_and_name"].items():
        if account in traps["two_holders"]:
            continue
        groups[party].append(account)
        assert not any(len(plain(row["number"])) == 18 and "*" not in row["number"] for row in rows[account])
    widths = {
        (a[0], str(row["number"]).index("*"))
        for accounts in groups.values()
        for a in accounts
        for row in rows[a]
        if row["number"] and "*" in str(row["number"])
    }
    assert len({w for _, w in widths}) > 1 or len({p for p, _ in widths} & {"xiaohongshu", "jd"}) == 0
    for accounts in groups.values():
        phones = [{plain(row["phone"])[-4:] for row in rows[a] if row["phone"]} for a in accounts]
        assert sum(len(p) for p in phones) >= len(accounts)
    share = [p for p in pages(world) if p.platform == "province_share" and p.sheet == "B未登记运营者"]
    listed = {str(v) for p in share for v in p.cells("直播账号")}
    assert not listed & {a[1] for accounts in groups.values() for a in accounts}


def test_a_number_slips_in_one_month_and_is_right_before_and_after(world: Path) -> None:
    slips = {(b["platform"], b["account_id"]): b["month"] for b in labels(world, "benign") if b["type"] == "number_slip"}
    rows, checked = shown(world), 0
    for account, month in slips.items():
        numbers = {row["month"]: plain(row["number"]) for row in rows[account] if "*" not in str(row["number"])}
        others = {n for m, n in numbers.items() if m != month and len(n) == 18}
        if account[0] != "wechat_channels" and month in numbers and len(others) == 1:
            right = others.pop()
            assert numbers[month] != right
            checked += numbers[month][:-1] == right[:-1]
    assert checked >= 2


def test_a_phone_is_given_to_somebody_else_after_it_was_given_up(world: Path) -> None:
    rows, seen = shown(world), 0
    for b in labels(world, "benign"):
        account = (b["platform"], b["account_id"])
        if b["type"] != "phone_recycled" or account[0] == "wechat_channels":
            continue
        got = [plain(r["phone"]).replace("-", "")[-11:] for r in rows[account] if r["month"] == b["month"]]
        before = {
            r["month"]
            for other, months in rows.items()
            for r in months
            if other != account and got and plain(r["phone"]).replace("-", "")[-11:] == got[0]
        }
        if before and got[0].isdigit():
            assert min(before) < b["month"]
            seen += 1
    assert seen


def test_forms_of_a_name_differ_from_the_party_s_other_accounts(world: Path) -> None:
    rows, party = shown(world), by_trap(world)
    names: dict[str, set[str]] = defaultdict(set)
    for r in labels(world, "accounts"):
        if "name_form" not in r["traps"]:
            names[r["party_id"]] |= {plain(x["name"]) for x in rows[(r["platform"], r["account_id"])]}
    different = sum(plain(rows[a][0]["name"]) not in names[p] for a, p in party["name_form"].items() if p in names and rows[a])
    assert different >= 3
    unnamed = [all(r["name"] in (None, "无", "-", "/", "N/A", " ") for r in rows[a]) for a in party["no_name"] if rows[a]]
    assert sum(unnamed) >= 0.9 * len(unnamed) > 0
    assert any(c in plain(r["name"]) for a in party["middle_dot"] for r in rows[a] for c in "•．・‧∙")


def test_clean_worlds_hide_no_number(clean: Path) -> None:
    assert not by_trap(clean)["mask_and_name"]
    assert by_trap(clean)["namesake_digits"]
