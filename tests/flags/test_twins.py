"""Rule by rule: an account that the rule catches, and for every innocent cause that the rulebook names the look-alike that it
leaves alone. All stand in one county at once, so that no twin is innocent only for want of neighbours."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from worlds import Party, World, firm, kuaishou, masked, person, row, shop, world
from zp_registry.jobs import cases

from zp_registry.flags.rulebook import packaged

JAN, FEB, MAR, JUN = DATES = ("2026-01-31", "2026-02-28", "2026-03-31", "2026-06-30")
AGENCY = "镇平县星河文化传媒有限公司"
MARKET = "河南省南阳市镇平县石佛寺镇国际玉城"
BOOKKEEPER = {"payee_name": "镇平县算盘代账有限公司", "payee": "4100123456789012999"}


@dataclass
class Twins:
    """``caught``: rule → accounts · ``innocent``: (rule, cause) → accounts and what may remain: ``nothing`` of this family,
    ``low`` flags that make no case, ``lowered`` (the explanation stands on it, and the score is below the caught one's), or
    ``other`` flags but not this one."""

    weipaitang: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    wechat: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    kuaishou: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    notices: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    caught: dict[str, list[str]] = field(default_factory=dict)
    innocent: dict[tuple[str, str], tuple[list[str], str]] = field(default_factory=dict)
    used: int = 0

    def new(self, count: int = 1) -> Iterator[Party]:
        """So many persons of whom nobody else speaks."""
        first = self.used
        self.used += count
        return (person(n) for n in range(first, self.used))

    def account(self, *rows: dict[str, Any] | None) -> str:
        """An account with a row for each of DATES; the last one goes on, None is absence."""
        key = f"w{len(self.weipaitang)}"
        own = {"account_id": key, "account_name": f"昵称{key}", "url": f"https://example.test/u/{key}"}
        told = [r and r | own for r in rows]
        self.weipaitang[key] = told + told[-1:] * (len(DATES) - len(told))
        return key

    def notice(self, kind: str, *line: str) -> None:
        """A line of an import file."""
        self.notices.setdefault(kind, []).append(line)

    def catch(self, code: str, *accounts: str) -> None:
        """These are caught by the rule."""
        assert code not in self.caught
        self.caught[code] = list(accounts)

    def spare(self, code: str, cause: str, *accounts: str, leaves: str = "nothing") -> None:
        """These have the innocent cause."""
        assert (code, cause) not in self.innocent
        self.innocent[code, cause] = (list(accounts), leaves)


def _cam(*people: tuple[Party, str]) -> list[tuple[str, str, str]]:
    return [(p.person, p.person_id, relation) for p, relation in people]


def _changes_of_holder(t: Twins) -> None:
    a, b = t.new(2)
    t.catch("HOLDER_CHANGED", t.account(row("", a), row("", b)))
    a, b = t.new(2)
    t.catch("HOLDER_RETURNED", t.account(row("", a), row("", b), row("", a)))
    (a,) = t.new()
    bad = a.person_id[:-1] + ("0" if a.person_id[-1] != "0" else "1")
    slip = replace(a, name=a.name[:-1] + "丽", person=a.name[:-1] + "丽")
    right, wrong = row("", a, streamers=[]), row("", slip, person_id=bad, streamers=[])
    t.spare("HOLDER_CHANGED", "更正填报", t.account(wrong, right))
    t.spare("HOLDER_RETURNED", "更正填报", t.account(right, wrong, right))
    a, b, c, d = t.new(4)
    t.spare("HOLDER_CHANGED", "个转企", t.account(row("", a), row("", firm(t.used, a))))
    t.spare("HOLDER_CHANGED", "本人的个体工商户", t.account(row("", b), row("", shop(t.used, b))))
    t.spare("HOLDER_CHANGED", "证件脱敏", t.account(row("", c), row("", c, person_id=masked(c.person_id))))
    company = firm(t.used + 1, d)
    t.spare("HOLDER_CHANGED", "更名", t.account(row("", company), row("", replace(company, name="镇平县新名珠宝有限公司"))))
    old, new = t.new(2)
    company = firm(t.used, old)
    led = replace(company, person=new.person, person_id=new.person_id)
    t.spare("HOLDER_CHANGED", "换法定代表人", t.account(row("", company), row("", led, streamers=_cam((old, "employee")))))
    a, b, c = t.new(3)
    t.wechat.append((JAN, [row("x1", a), row("x2", c), row("x9", person(399))]))
    t.wechat.append((FEB, [row("x1", b, info="变更"), row("x9", person(399))]))
    t.spare("HOLDER_CHANGED", "平台批准的变更", "x1", leaves="lowered")
    d, e, f, g = t.new(4)
    dated = [row("x3", d, held_to="2026-02-10"), row("x3", e, held_from="2026-02-11", info="变更")]
    t.wechat.append((MAR, [row("x2", c), row("x2", f), row("x4", g), row("x4", g), *dated, row("x9", person(399))]))
    t.catch("TWO_SUBJECTS", "x2")
    t.spare("TWO_SUBJECTS", "重复行", "x4")
    t.spare("TWO_SUBJECTS", "漏注期间", "x2", leaves="low")


def _other_hands(t: Twins) -> None:
    a, b = t.new(2)
    taken = {"phone": b.phone, "payee_name": b.name, "payee": b.card}
    t.catch("CONTROL_CHANGED", t.account(row("", a), row("", a, **taken, streamers=_cam((b, "other")))))
    a, b = t.new(2)
    t.spare("CONTROL_CHANGED", "更换号码和银行卡", t.account(row("", a), row("", a, phone=b.phone, payee=b.card)))
    a, b, c, d = t.new(4)
    t.catch("DORMANT_RETURNED", t.account(row("", a), None, None, row("", a, phone=b.phone, payee_name=b.name, payee=b.card)))
    t.spare("DORMANT_RETURNED", "季节性经营", t.account(row("", c), None, None, row("", c, phone=d.phone, payee=d.card)))
    a, b = t.new(2)
    taken = {"phone": b.phone, "payee_name": b.name, "payee": b.card}
    away = [row("k9", person(398))]
    t.kuaishou += [(JAN, [row("k1", a), *away]), (FEB, away), (MAR, away), (JUN, [row("k1", a, **taken), *away])]
    t.kuaishou += [(FEB, [row("k1", a), *away]), (MAR, [row("k1", a), *away])]  # reported after all
    t.spare("DORMANT_RETURNED", "平台补报", "k1", leaves="other")
    for cause, relation in ((None, "other"), ("倒班主播", "signed")):
        a, b, c, d = t.new(4)
        seen = [row("", a, streamers=_cam(*((p, relation) for p in people))) for people in ((b,), (b,), (b,), (c, d))]
        t.spare("SEVERAL_HANDS", cause, t.account(*seen)) if cause else t.catch("SEVERAL_HANDS", t.account(*seen))
    a, b, c, d, e = t.new(5)
    before, after = row("", a, streamers=_cam((b, "other"))), row("", e, streamers=_cam((c, "other"), (d, "other")))
    t.spare("SEVERAL_HANDS", "期间内变更", t.account(before, before, before, after), leaves="other")


def _money_and_camera(t: Twins) -> None:
    a, b = t.new(2)
    t.catch("PAYEE_STRANGER", t.account(row("", a), row("", a, payee_name=b.name, payee=b.card)))
    a, b = t.new(2)
    spouse = replace(b, phone=a.phone, address=a.address)
    own = t.account(row("", spouse))
    paid = t.account(row("", a), row("", a, payee_name=spouse.name, payee=spouse.card))
    t.spare("PAYEE_STRANGER", "配偶收款", paid, own)
    a, b = t.new(2)
    cast = _cam((a, "self"), (b, "family"))
    paid = t.account(row("", a, streamers=cast), row("", a, streamers=cast, payee_name=b.name, payee=b.card))
    t.spare("PAYEE_STRANGER", "家属收款", paid)
    (a,) = t.new()
    paid = t.account(row("", a, agency=AGENCY), row("", a, agency=AGENCY, payee_name=AGENCY, payee="4100123456789012345"))
    t.spare("PAYEE_STRANGER", "机构代收", paid)
    a, b = t.new(2)
    t.catch("STREAMER_STRANGER", t.account(row("", a), row("", a, streamers=_cam((b, "other")))))
    for cause, relation in (("雇佣主播", "employee"), ("家属出镜", "family")):
        a, b = t.new(2)
        t.spare("STREAMER_STRANGER", cause, t.account(row("", a), row("", a, streamers=_cam((b, relation)))))


def _shared(t: Twins) -> None:
    def each(count: int, **changed: Any) -> list[str]:
        return [t.account(row("", p, **changed)) for p in t.new(count)]

    def businesses(count: int, **changed: Any) -> list[str]:
        return [t.account(row("", firm(t.used - 1, p), **changed)) for _ in range(count) for p in t.new()]

    (stranger,) = t.new()
    t.catch("SHARED_PAYEE", *each(5, payee_name=stranger.name, payee=stranger.card))
    t.spare("SHARED_PAYEE", "机构代收", *each(3, agency=AGENCY, payee_name=AGENCY, payee="4100123456789012345"))
    t.spare("SHARED_PAYEE", "代账", *businesses(4, **BOOKKEEPER), leaves="low")
    (stranger,) = t.new()
    t.catch("SHARED_PHONE", *each(5, phone=stranger.phone))
    t.spare("SHARED_PHONE", "代办", *businesses(5, phone="13803770002"), leaves="low")
    t.spare("SHARED_PHONE", "机构电话", *each(5, agency=AGENCY, phone="13803770001"))
    t.spare("SHARED_PHONE", "市场管理方", *businesses(5, phone="13803770003", address=MARKET), leaves="low")
    (stranger,) = t.new()
    t.catch("SHARED_STREAMER", *each(5, streamers=_cam((stranger, "other"))))
    (signed,) = t.new()
    t.spare("SHARED_STREAMER", "机构签约主播", *each(5, streamers=_cam((signed, "signed"))))
    street = "河南省南阳市镇平县石佛寺镇玉源路"
    t.catch("SHARED_ADDRESS", *each(8, address=street + "8881号"))
    t.spare("SHARED_ADDRESS", "市场房东", *each(8, address=MARKET + "12号"))
    t.spare("SHARED_ADDRESS", "机构地址", *each(8, address=street + "8882号", agency="镇平县又一文化传媒有限公司"))
    t.spare("SHARED_ADDRESS", "集中注册地址", *businesses(8, address=street + "8883号"), leaves="low")
    far = "广东省广州市荔湾区华林街道长寿西路"
    t.catch("FAR_ADDRESS", *each(3, address=far + "12号"))
    t.spare("FAR_ADDRESS", "外地仓库", *businesses(3, address=far + "14号"))
    t.spare("FAR_ADDRESS", "家人同住", *each(2, address=far + "16号"))
    t.spare("FAR_ADDRESS", "同乡合租经营", *each(4, address=far + "18号"), leaves="low")


def _persons(t: Twins) -> None:
    def born(year: int) -> Party:
        (p,) = t.new()
        body = f"411324{year}0501{t.used:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return replace(p, person_id=body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11])

    t.catch("HOLDER_AGE", t.account(row("", born(2013))))
    t.spare("HOLDER_AGE", "高龄人员本人经营", t.account(row("", born(1940))), leaves="low")
    child = born(2013)
    bad = child.person_id[:-1] + ("0" if child.person_id[-1] != "0" else "1")
    t.spare("HOLDER_AGE", "证件号码填报差错", t.account(row("", child, person_id=bad)))
    many, fewer = t.new(2)
    t.catch("MANY_ACCOUNTS", *(t.account(row("", many)) for _ in range(10)))
    owner = shop(t.used, fewer)
    t.spare("MANY_ACCOUNTS", "合法多店经营", *(t.account(row("", owner)) for _ in range(10)))


def _from_outside(t: Twins) -> None:
    def held(*, business: bool = False, **changed: Any) -> tuple[str, Party]:
        (p,) = t.new()
        party = firm(t.used, p) if business else p
        return t.account(row("", party, **changed)), party

    for cause, day in ((None, "2026-03-01"), ("变更尚在10个工作日期限内", "2026-06-25"), ("主体已换照", "2026-03-01")):
        account, party = held(business=True)
        t.notice("licence", party.name, str(party.uscc), "注销", day)
        if cause == "主体已换照":
            t.notice("licence", party.name, str(party.uscc), "存续", "2026-04-01")
        t.spare("LICENCE_ENDED", cause, account) if cause else t.catch("LICENCE_ENDED", account)
    calls = (("HOLDER_UNREACHABLE", "空号", "地址或电话过旧"), ("HOLDER_DENIES", "否认经营", "家属代为经营而本人不知情"))
    for code, said, cause in calls:
        account, _ = held()
        t.notice("call", "微拍堂", account, said, "2026-05-10")
        t.catch(code, account)
        account, _ = held()
        t.notice("call", "微拍堂", account, said, "2026-05-10")
        t.notice("call", "微拍堂", account, "确认本人经营", "2026-05-20")
        t.spare(code, cause, account)
    for cause, said in ((None, "人证不符"), ("手机遗失", "人证不符"), ("外出经营", "异地设备")):
        account, _ = held()
        t.notice("risk", "微拍堂", account, said, "2026-05-10")
        if cause:
            t.notice("risk", "微拍堂", account, "已解除", "2026-05-12")
        t.spare("RISK_MARK", cause, account) if cause else t.catch("RISK_MARK", account)
    (listed,) = t.new()
    account, _ = held(phone=listed.phone)
    t.notice("blacklist", listed.name, listed.person_id, listed.phone, "黑名单", "2026-01-10")
    t.catch("BLACKLISTED", account)
    account, party = held()
    (namesake,) = t.new()
    t.notice("blacklist", party.name, namesake.person_id, namesake.phone, "黑名单", "2026-01-10")
    t.spare("BLACKLISTED", "同名", account)
    (listed,) = t.new()
    desk = [held(agency="镇平县第三文化传媒有限公司", phone="13803770009")[0] for _ in range(2)]
    t.notice("blacklist", listed.name, listed.person_id, "13803770009", "黑名单", "2026-01-10")
    t.spare("BLACKLISTED", "市场公用电话", *desk)
    t.catch("TIP", held()[0])
    t.spare("TIP", "恶意举报", held()[0])
    account, _ = held()
    t.notice("call", "微拍堂", account, "确认本人经营", "2026-06-20")
    t.spare("TIP", "核查确认本人经营", account)


_FILES = {
    "licence": ("营业执照名册", ("名称", "统一社会信用代码", "登记状态", "状态日期")),
    "call": ("核查结果", ("平台", "账号标识", "核查结果", "核查日期")),
    "risk": ("风险标记", ("平台", "账号标识", "风险类型", "标记日期")),
    "blacklist": ("严重违法失信名单", ("名称", "证件号码", "联系电话", "名单类型", "列入日期")),
}


@pytest.fixture(scope="module")
def twins() -> Twins:
    made = Twins()
    for stories in (_changes_of_holder, _other_hands, _money_and_camera, _shared, _persons, _from_outside):
        stories(made)
    assert made.used < 390, "the persons of the bystanders are not to be used twice"
    return made


@pytest.fixture(scope="module")
def county(twins: Twins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("twins")
    with world(folder / "home", folder / "files") as made:
        for n, day in enumerate(DATES):
            made.weipaitang(day, [r for rows in twins.weipaitang.values() if (r := rows[n])])
        for day, rows in twins.wechat:
            made.wechat(day, rows)
        for day, rows in twins.kuaishou:
            made.load(kuaishou(made.file(f"kuaishou_{day.replace('-', '')}.csv"), rows))
        for kind, (title, header) in _FILES.items():
            path = made.file(f"{title}.csv")
            with path.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows([header, *twins.notices[kind]])
            outcome = made.load(path, kind="notice")
            assert outcome.counts.loaded == len(twins.notices[kind]), outcome
        made.night()
        tips = twins.caught["TIP"] + [a for (code, _), (of, _) in twins.innocent.items() if code == "TIP" for a in of]
        told = {a: cases.add_tip(made.office, f"weipaitang:{a}", "网上有人卖号", "2026-06-10")["case_id"] for a in tips}
        (malicious,), _ = twins.innocent["TIP", "恶意举报"]
        cases.act(made.office, told[malicious], "dismissed", "举报不实，系同行纠纷", who="甲")
        made.night()
        yield made


def test_every_rule_has_a_caught_account_and_a_twin_for_each_innocent_cause_it_names(twins: Twins) -> None:
    rules = {code: rule for code, rule in packaged().rules.items() if rule.family == "TRANSFER"}
    assert set(twins.caught) == set(rules)
    assert set(twins.innocent) == {(code, cause) for code, rule in rules.items() for cause in rule.innocent}


@pytest.mark.parametrize("code", [c for c, r in packaged().rules.items() if r.family == "TRANSFER"])
def test_it_catches_its_case_and_leaves_its_twins_alone(twins: Twins, county: World, code: str) -> None:
    open_now = [f for f in county.flags() if f["family"] == "TRANSFER" and f["status"] == "open"]
    strong = {c["account_id"] for c in cases.list_cases(county.office)["cases"]}
    caught = [f for f in open_now if f["code"] == code]
    assert set(twins.caught[code]) <= {f["account_id"] for f in caught}
    rule = packaged().rules[code]
    if rule.weight >= 0.8 or rule.usual == "high":
        assert set(twins.caught[code]) <= strong, "one high sign makes a case"
    for (of, cause), (accounts, leaves) in twins.innocent.items():
        if of != code:
            continue
        left = {(f["account_id"], f["code"], f["level"]) for f in open_now if f["account_id"] in accounts}
        if leaves == "nothing":
            assert left == set(), cause
            assert strong.isdisjoint(accounts), cause
        elif leaves == "low":
            assert {level for _, _, level in left} == {"low"}, (cause, left)
            assert strong.isdisjoint(accounts), cause
        elif leaves == "other":
            assert code not in {c for _, c, _ in left}, (cause, left)
        else:
            found = county.sql("SELECT account_id, score, explained FROM flag WHERE code = :code", code=code)
            told = found.set_index("account_id")
            (account,) = accounts
            assert told.loc[account, "explained"] == "平台已注明变更"
            assert float(told.loc[account, "score"]) < min(float(told.loc[a, "score"]) for a in twins.caught[code])
