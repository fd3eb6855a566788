from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_cases import text

from zp_registry.normalise.addresses import ELSEWHERE, addresses, towns
from zp_registry.normalise.divisions import COUNTY, divisions
from zp_registry.normalise.text import clean, simplify

OWN = [t.name for t in divisions().towns]

# address → township, 外县 (elsewhere) or None (not told)
CASES: list[tuple[str, str | None]] = [
    # whole, shortened, level by level
    ("河南省南阳市镇平县石佛寺镇国际玉城A区12号", "石佛寺镇"),
    ("河南省镇平县石佛寺镇", "石佛寺镇"),
    ("镇平县石佛寺镇", "石佛寺镇"),
    ("镇平县石佛寺", "石佛寺镇"),
    ("镇平石佛寺国际玉城", "石佛寺镇"),
    ("石佛寺镇国际玉城3栋", "石佛寺镇"),
    ("石佛寺国际玉城", "石佛寺镇"),
    ("河南南阳镇平石佛寺天下玉源", "石佛寺镇"),
    ("南阳镇平县石佛寺镇", "石佛寺镇"),
    ("南阳市石佛寺镇", "石佛寺镇"),
    ("河南省南阳市镇平县河南省南阳市镇平县石佛寺镇玉雕湾", "石佛寺镇"),
    ("中国河南省南阳市镇平县晁陂镇", "晁陂镇"),
    ("地址：河南省南阳市镇平县杨营镇", "杨营镇"),
    ("河南省 南阳市，镇平县-石佛寺镇", "石佛寺镇"),
    ("鎮平縣石佛寺鎮國際玉城", "石佛寺镇"),
    ("镇平县产业集聚区石佛寺镇", "石佛寺镇"),
    ("石佛寺", "石佛寺镇"),
    # former names and levels, offices
    ("南阳镇平县石佛寺乡", "石佛寺镇"),
    ("镇平县郭庄乡", "郭庄回族乡"),
    ("镇平县郭庄回族乡", "郭庄回族乡"),
    ("镇平县雪枫办事处", "雪枫街道"),
    ("雪枫街道办事处健康路", "雪枫街道"),
    ("镇平县涅阳街道三里河社区", "涅阳街道"),
    ("涅阳办事处平安街", "涅阳街道"),
    ("镇平县玉都街道办", "玉都街道"),
    ("镇平县柳泉铺乡", "柳泉铺镇"),
    ("镇平县二龙乡", "二龙乡"),
    ("镇平县侯集东门外", "侯集镇"),
    ("镇平县老庄", "老庄镇"),
    ("镇平县安字营", "安字营镇"),
    # names that other counties have too, with nothing said against
    ("老庄镇老庄村", "老庄镇"),
    ("侯集镇东街", "侯集镇"),
    ("二龙乡", "二龙乡"),
    ("高丘镇", "高丘镇"),
    ("遮山镇倒座堂", "遮山镇"),
    ("南阳市张林镇", "张林镇"),
    # markets are a weak hint
    ("国际玉城A区5号", "石佛寺镇"),
    ("镇平县国际玉城", "石佛寺镇"),
    ("真玉天地二楼", "石佛寺镇"),
    ("玉博苑对面石佛寺镇", "石佛寺镇"),
    ("镇平县玉都街道国际玉城", "玉都街道"),
    ("郑州市国际玉城", ELSEWHERE),
    ("广东省四会市天下玉源", ELSEWHERE),
    # lookalikes: the address's own county decides
    ("孟津县平乐镇平乐村", ELSEWHERE),
    ("洛阳市孟津县平乐镇平乐村1组", ELSEWHERE),
    ("河南省洛阳市孟津区平乐镇平乐村", ELSEWHERE),
    ("平乐镇平乐村", ELSEWHERE),
    ("洛阳市洛龙区张林镇", ELSEWHERE),
    ("洛阳市张林镇", ELSEWHERE),
    ("武穴市石佛寺镇", ELSEWHERE),
    ("湖北省武穴市石佛寺镇", ELSEWHERE),
    ("城固县老庄镇", ELSEWHERE),
    ("陕西省汉中市城固县老庄镇", ELSEWHERE),
    ("曹县侯集镇", ELSEWHERE),
    ("枣园街道", ELSEWHERE),
    ("西安市枣园街道", ELSEWHERE),
    ("大安市二龙乡", ELSEWHERE),
    ("信阳市平桥区王岗乡", ELSEWHERE),
    ("原阳县马庄乡", ELSEWHERE),
    ("夏邑县雪枫街道", ELSEWHERE),
    ("湖北石佛寺镇", ELSEWHERE),
    # elsewhere
    ("南阳市卧龙区七一路", ELSEWHERE),
    ("南阳宛城区", ELSEWHERE),
    ("南阳市高新区信臣路", ELSEWHERE),
    ("南阳市内乡县", ELSEWHERE),
    ("南召县", ELSEWHERE),
    ("邓州市穰东镇", ELSEWHERE),
    ("河南省济源市", ELSEWHERE),
    ("郑州市管城区南阳路88号", ELSEWHERE),
    ("郑州市金水区镇平路5号", ELSEWHERE),
    ("北京朝阳建国路", ELSEWHERE),
    ("朝阳区建国路", ELSEWHERE),
    ("广东平洲玉器街", ELSEWHERE),
    ("云南瑞丽姐告", ELSEWHERE),
    ("云南省德宏州瑞丽市", ELSEWHERE),
    ("四会市东城街道", ELSEWHERE),
    ("内蒙古呼和浩特市新城区", ELSEWHERE),
    ("吉林市船营区", ELSEWHERE),
    ("新疆和田市玉龙喀什镇", ELSEWHERE),
    ("重庆市渝中区", ELSEWHERE),
    ("岫岩县玉都", ELSEWHERE),
    # not told
    ("镇平县", None),
    ("镇平县城关镇", None),
    ("镇平县玉都大道与雪枫路交叉口", None),
    ("镇平县马庄村", None),
    ("镇平县枣园小区", None),
    ("镇平县高丘路", None),
    ("镇平工业园区", None),
    ("南阳市中州路", None),
    ("南阳路88号", None),
    ("镇平路5号", None),
    ("上海路5号", None),
    ("河南村12号", None),
    ("城关镇北大街", None),
    ("马庄村", None),
    ("侯集", None),
    ("随便什么地方", None),
    ("网店经营，无实体", None),
    ("河南省", None),
]


def place(address: str) -> dict[str, str | None]:
    row = addresses(simplify(clean(text(address)))).iloc[0]
    return {k: v if isinstance(v, str) else None for k, v in row.items()}


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len({a for a, _ in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize(("address", "town"), CASES)
def test_township_of_an_address(address: str, town: str | None) -> None:
    assert place(address)["town"] == town


@pytest.mark.parametrize(
    ("address", "province", "city", "county"),
    [
        ("镇平石佛寺", "河南省", "南阳市", "镇平县"),
        ("国际玉城", "河南省", "南阳市", "镇平县"),
        ("孟津县平乐镇", "河南省", "洛阳市", "孟津区"),
        ("云南瑞丽姐告", "云南省", "德宏傣族景颇族自治州", "瑞丽市"),
        ("北京朝阳建国路", "北京市", "北京市", "朝阳区"),
        ("朝阳区建国路", None, None, "朝阳区"),
        ("北京市市辖区东城区", "北京市", "北京市", "东城区"),
        ("河南省济源市", "河南省", None, "济源市"),
        ("吉林市船营区", "吉林省", "吉林市", "船营区"),
        ("南阳市中州路", "河南省", "南阳市", None),
        ("随便什么地方", None, None, None),
        ("郑州市管城区", "河南省", "郑州市", "管城回族区"),
    ],
)
def test_upper_divisions_get_their_full_names(address: str, province: str | None, city: str | None, county: str | None) -> None:
    found = place(address)
    assert (found["province"], found["city"], found["county"]) == (province, city, county)


@given(
    st.sampled_from(OWN),
    st.sampled_from(["河南省南阳市镇平县", "南阳市镇平县", "镇平县", "河南省镇平县", "河南南阳镇平县"]),
    st.integers(1, 999),
)
def test_every_own_township_is_found_behind_every_beginning(town: str, beginning: str, number: int) -> None:
    assert place(f"{beginning}{town}玉器街{number}号")["town"] == town


@given(
    st.sampled_from(OWN),
    st.sampled_from(
        sorted((d for d in divisions().by_code.values() if len(d.code) == 6 and d.code != COUNTY), key=lambda d: d.code)
    ),
)
def test_a_township_of_the_same_name_in_any_other_county_is_elsewhere(town: str, county: object) -> None:
    tables = divisions()
    code, name = county.code, county.name  # type: ignore[attr-defined]
    full = tables.by_code[code[:2]].name + (tables.city_of(code) or "") + name + town
    found = place(full)
    assert found["town"] == ELSEWHERE
    assert found["county"] == name


def test_spellings_of_one_address_have_one_key() -> None:
    spellings = (
        "河南省南阳市镇平县石佛寺镇国际玉城A区12号",
        "镇平县 石佛寺乡 国际玉城，a区12号",
        "石佛寺国际玉城Ａ区１２号",
        "国际玉城A区12号",
    )
    assert {place(a)["address_key"] for a in spellings} == {"石佛寺镇国际玉城A区12号"}


def test_a_street_of_the_same_name_in_two_counties_is_two_addresses() -> None:
    assert place("南阳市卧龙区人民路1号")["address_key"] != place("郑州市金水区人民路1号")["address_key"]


def test_an_address_without_detail_is_no_evidence() -> None:
    assert place("河南省南阳市镇平县石佛寺镇")["address_key"] is None


def test_markets_are_a_setting() -> None:
    column = text("某某玉市3号", "国际玉城")
    out = addresses(column, markets=[("某某玉市", "晁陂镇")])
    assert out["town"].fillna("").tolist() == ["晁陂镇", ""]
    assert out["market"].fillna("").tolist() == ["某某玉市", ""]


@given(
    st.lists(
        st.one_of(st.none(), st.text(alphabet="河南省阳市镇平县石佛寺国际玉城路1号AB 街道村乐孟津", max_size=20)), max_size=10
    )
)
def test_any_text_is_read_and_rows_stay_in_place(values: list[str | None]) -> None:
    out = addresses(text(*values))
    assert len(out) == len(values)
    assert set(out["town"].dropna()) <= {*OWN, ELSEWHERE}
    assert out.loc[[v is None for v in values]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("cell", "town"),
    [
        ("涅阳", "涅阳街道"),
        ("石佛寺", "石佛寺镇"),
        ("石佛寺乡", "石佛寺镇"),
        ("镇平县石佛寺镇", "石佛寺镇"),
        ("郭庄", "郭庄回族乡"),
        ("雪枫办事处", "雪枫街道"),
        ("外县", ELSEWHERE),
        ("外地", ELSEWHERE),
        ("南召县", ELSEWHERE),
        ("某某", None),
    ],
)
def test_townships_of_a_ledger(cell: str, town: str | None) -> None:
    found = towns(text(cell)).iloc[0]
    assert (found if isinstance(found, str) else None) == town
