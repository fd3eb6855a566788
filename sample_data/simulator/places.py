"""Towns of the county with weights, markets with hundreds of stalls, villages, and places outside that look like home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Bool, Int, Obj, Rng, either, fill, glue, pick, text

TOWNS = {
    "石佛寺镇": 46.0,
    "涅阳街道": 7.5,
    "玉都街道": 7.5,
    "雪枫街道": 6.5,
    "晁陂镇": 5.0,
    "侯集镇": 3.5,
    "贾宋镇": 3.0,
    "老庄镇": 2.5,
    "卢医镇": 2.0,
    "遮山镇": 2.0,
    "高丘镇": 2.0,
    "曲屯镇": 1.6,
    "枣园镇": 1.5,
    "杨营镇": 1.5,
    "安字营镇": 1.4,
    "张林镇": 1.4,
    "柳泉铺镇": 1.3,
    "彭营镇": 1.2,
    "二龙乡": 0.8,
    "王岗乡": 0.8,
    "马庄乡": 0.7,
    "郭庄回族乡": 0.6,
}
OUTSIDE = "外县"
MARKETS = ("国际玉城", "天下玉源", "玉博苑", "真玉天地", "玉雕湾")
_STREETS = ("建设大道", "健康路", "校场路", "平安大道", "工业路", "府前街", "玉源大道")
_VILLAGE = "王李张刘赵杨马高魏姜常仝榆柳枣石"
_VILLAGE_TAIL = ("庄村", "营村", "岗村", "湾村", "坡村", "沟村")
# (province, city, county, beginning of the detail); the second list has towns that bear a name of the county's towns.
_AWAY = (
    ("河南省", "南阳市", "卧龙区", "七一街道"),
    ("河南省", "南阳市", "宛城区", "仲景街道"),
    ("河南省", "南阳市", "内乡县", "湍东镇"),
    ("广东省", "肇庆市", "四会市", "东城街道"),
    ("广东省", "佛山市", "南海区", "桂城街道"),
    ("云南省", "德宏傣族景颇族自治州", "瑞丽市", "勐卯街道"),
)
_LOOKALIKE = (
    ("湖北省", "黄冈市", "武穴市", "石佛寺镇"),
    ("河北省", "邢台市", "南和区", "贾宋镇"),
    ("山东省", "菏泽市", "曹县", "侯集镇"),
    ("山东省", "济宁市", "梁山县", "杨营镇"),
    ("陕西省", "汉中市", "城固县", "老庄镇"),
    ("山东省", "临沂市", "兰山区", "枣园镇"),
)


@dataclass
class Places:
    """Addresses in parts. ``town`` is the county's town or ``外县``; ``detail`` begins with the town."""

    province: Obj
    city: Obj
    county: Obj
    detail: Obj
    town: Obj
    market: Bool
    lookalike: Bool

    def full(self, at: Int) -> Obj:
        """Whole addresses of these rows."""
        return glue(self.province[at], self.city[at], self.county[at], self.detail[at])

    def copy_to(self, source: Int, target: Int) -> None:
        """Give the target rows the source rows' addresses."""
        for column in (self.province, self.city, self.county, self.detail, self.town):
            column[target] = column[source]
        for flag in (self.market, self.lookalike):
            flag[target] = flag[source]


def villages(rng: Rng, towns: Obj) -> Obj:
    """House addresses in a village, or in a street for the county town's three subdistricts; they begin with the town."""
    n = len(towns)
    street = np.array([str(t).endswith("街道") for t in towns], dtype=bool)
    house = glue(
        pick(rng, tuple(_VILLAGE), n),
        pick(rng, _VILLAGE_TAIL, n),
        text(rng.integers(1, 13, n)),
        "组",
        text(rng.integers(1, 130, n)),
        "号",
    )
    road = glue(pick(rng, _STREETS, n), text(rng.integers(1, 400, n)), "号")
    return glue(towns, either(street, road, house))


def make(rng: Rng, n: int, *, away: float = 0.04, lookalike: float = 0.006, market: float = 0.5) -> Places:
    """n addresses. ``market`` is the share of 石佛寺镇's addresses that lie in a jade market; a third name no stall."""
    towns = pick(rng, tuple(TOWNS), n, tuple(TOWNS.values()))
    detail = villages(rng, towns)
    stalls = (towns == "石佛寺镇") & (rng.random(n) < market)
    hall = pick(rng, MARKETS, n, (5, 3, 2, 2, 1))
    stall = glue(pick(rng, tuple("ABCD"), n), "区", text(rng.integers(1, 12, n)), "号楼", text(rng.integers(1, 500, n)), "号")
    detail = either(stalls, glue("石佛寺镇", hall, either(rng.random(n) < 0.35, "", stall)), detail)
    out = Places(fill(n, "河南省"), fill(n, "南阳市"), fill(n, "镇平县"), detail, towns, stalls, np.zeros(n, dtype=bool))
    far, alike = rng.random(n) < away, rng.random(n) < lookalike
    for table, rows in ((_AWAY, far & ~alike), (_LOOKALIKE, alike)):
        at = np.flatnonzero(rows)
        which = rng.integers(0, len(table), len(at))
        columns = [
            pick(rng, [r[i] for r in table], 0) if not len(at) else np.array([table[k][i] for k in which], dtype=object)
            for i in range(4)
        ]
        out.province[at], out.city[at], out.county[at] = columns[0], columns[1], columns[2]
        out.detail[at] = (
            glue(columns[3], pick(rng, _STREETS, len(at)), text(rng.integers(1, 300, len(at))), "号") if len(at) else columns[3]
        )
        out.town[at], out.market[at] = OUTSIDE, False
    out.lookalike |= alike
    return out
