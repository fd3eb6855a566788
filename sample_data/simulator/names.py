"""Invented names with the frequencies of real ones, so that namesakes happen by themselves."""

from __future__ import annotations

import numpy as np

from .base import ENTERPRISE, SOLE, Bool, Int, Obj, Rng, either, fill, glue, obj, pick, text

_SURNAMES = (
    "王 7.2,李 7.0,张 6.7,刘 5.4,陈 4.5,杨 3.1,赵 2.6,黄 2.2,周 2.1,吴 2.0,徐 1.7,孙 1.5,胡 1.3,朱 1.3,高 1.2,"
    "林 1.1,何 1.1,郭 1.3,马 1.2,罗 .9,梁 .8,宋 .8,郑 .8,谢 .7,韩 .7,唐 .7,冯 .7,于 .6,董 .6,肖 .6,程 .6,曹 .6,"
    "袁 .5,邓 .5,许 .5,付 .5,沈 .5,曾 .5,彭 .5,吕 .5,苏 .5,卢 .5,蒋 .5,蔡 .5,贾 .5,丁 .4,魏 .4,薛 .4,叶 .4,闫 .4,"
    "余 .4,潘 .4,杜 .4,戴 .4,夏 .4,钟 .4,汪 .4,田 .4,任 .4,姜 .4,范 .4,方 .4,石 .4,姚 .4,谭 .4,廖 .4,邹 .4,熊 .4,"
    "金 .3,陆 .3,郝 .3,孔 .3,白 .3,崔 .3,康 .3,毛 .3,邱 .3,秦 .3,江 .3,史 .3,顾 .3,侯 .3,邵 .3,孟 .3,龙 .3,万 .3,"
    "段 .3,雷 .3,钱 .3,汤 .3,尹 .3,黎 .3,易 .3,常 .3,武 .3,乔 .3,贺 .3,赖 .2,龚 .2,文 .2,仵 .5,靳 .2,毕 .2,"
    "欧阳 .1,上官 .04,司马 .04,诸葛 .02,皇甫 .03"
)
_DOUBLE = ("欧阳", "上官", "司马", "诸葛", "皇甫")
_MALE = "伟强军勇磊涛明超刚平辉鹏杰峰波斌宇浩凯健俊帆飞建国华志文东海林成龙新永春金玉宏学光德庆中长远义生松全顺有立保红晓"
_FEMALE = "芳娜敏静丽艳娟霞秀英兰玲桂红梅燕萍莹雪琳婷丹倩慧颖洁云凤珍爱香月彩菊春荣琴素巧美惠小玉晓瑞雅佳怡欣梦"
_BRAND = (
    "玉翠瑞祥福隆盛恒宝润御石缘和聚金圣中鼎天工艺博雅德良吉华韵美源兴泰丰和信诚鑫凯凤麒麟云清泽古今正东方明珠琢成万昌荣安康"
)
_TYPOS = dict(zip("伟军静丽辉平红玲梅明永英志文建国海芳", "玮君靖莉晖萍虹铃枚铭勇瑛治雯健帼诲方", strict=True))


def persons(rng: Rng, male: Bool) -> tuple[Obj, Obj]:
    """Surnames and given names; one in five given names has one character."""
    n = len(male)
    pairs = [item.split(" ") for item in _SURNAMES.split(",")]
    surnames = pick(rng, [p[0] for p in pairs], n, [float(p[1]) for p in pairs])
    given = fill(n, "")
    single = rng.random(n) < 0.2
    for table, who in ((_MALE, male), (_FEMALE, ~male)):
        at = np.flatnonzero(who)
        weights = [1 / (k + 4) for k in range(len(table))]
        first, second = pick(rng, tuple(table), len(at), weights), pick(rng, tuple(table), len(at), weights)
        given[at] = either(single[at], first, glue(first, second))
    return surnames, given


def brands(rng: Rng, n: int) -> Obj:
    """Trade names of three or four characters."""
    chars = tuple(dict.fromkeys(_BRAND))
    parts = [pick(rng, chars, n) for _ in range(4)]
    return glue(*parts[:3], either(rng.random(n) < 0.35, "", parts[3]))


def businesses(rng: Rng, kinds: Int, towns: Obj, people: Obj) -> Obj:
    """Names of licensed parties; None for natural persons. Half the sole proprietors trade under their own name."""
    n = len(kinds)
    brand = brands(rng, n)
    where = either(np.isin(towns, ("", "外县")), "", towns)
    trade = pick(rng, ("玉雕工作室", "玉器店", "翡翠商行", "珠宝店", "玉器行", "玉雕厂"), n)
    tail = either(rng.random(n) < 0.25, "（个体工商户）", "")
    sole = glue("镇平县", where, either(rng.random(n) < 0.5, people, brand), trade, tail)
    seat = pick(rng, ("镇平县", "南阳", "河南", "南阳市"), n, (4, 3, 2, 1))
    company = glue(seat, brand, pick(rng, ("玉器", "珠宝", "文化传播", "电子商务", "网络科技", "玉文化"), n), "有限公司")
    coop = glue("镇平县", brand, pick(rng, ("玉雕", "艾草种植", "金鱼养殖", "食用菌种植"), n), "农民专业合作社")
    licensed = either(kinds == SOLE, sole, either(kinds == ENTERPRISE, company, coop))
    return either(kinds == 0, None, licensed)


def nicknames(rng: Rng, people: Obj) -> Obj:
    """Names of shops and live accounts; many have a number behind, a few an emoji."""
    n = len(people)
    brand = brands(rng, n)
    short = obj([str(p)[-1:] for p in people])
    forms = (
        glue(brand, "玉器"),
        glue(brand, "翡翠"),
        glue(people, "玉雕"),
        glue("小", short, "说玉"),
        glue("镇平", brand, "珠宝"),
    )
    kind = rng.integers(0, len(forms), n)
    out = np.choose(kind, np.arange(len(forms)))
    shown = fill(n, "")
    for i, form in enumerate(forms):
        shown = either(out == i, form, shown)
    number = either(rng.random(n) < 0.5, text(rng.integers(1, 1000, n)), "")
    return glue(shown, number, either(rng.random(n) < 0.03, "💎", ""))


def surname(name: str) -> str:
    """The surname of a name as :func:`persons` makes it."""
    return name[:2] if name[:2] in _DOUBLE and len(name) > 2 else name[:1]


def sibling(name: str, other: str) -> str:
    """A sister's or brother's name: the surname and a first character in common, the last one from ``other``."""
    head = surname(name)
    given = name[len(head) :]
    last = other[-1] if other[-1] != given[-1] else "新" if given[-1] != "新" else "春"
    return head + (given[0] if len(given) > 1 else "") + last


def renamed(rng: Rng, name: str) -> str:
    """Another given name with the same surname."""
    while True:
        given = "".join(rng.choice(list(_MALE + _FEMALE), 2))
        if surname(name) + given != name:
            return surname(name) + given


def minority(rng: Rng, n: int) -> Obj:
    """Names of two parts with a middle dot between, as several peoples bear them."""
    first = ("买买提", "阿卜杜拉", "古丽娜尔", "艾力", "阿依古丽", "玉素甫", "帕提古丽", "热合曼", "库尔班", "木拉提")
    second = ("艾合买提", "吐尔逊", "司马义", "阿不都", "托合提", "依明", "卡德尔", "尼亚孜", "肉孜", "达吾提")
    return glue(pick(rng, first, n), "·", pick(rng, second, n))


def typo(name: str) -> str | None:
    """The name with one character mistaken for another of the same sound; None where none fits."""
    for i in range(len(name) - 1, 0, -1):
        if name[i] in _TYPOS:
            return name[:i] + _TYPOS[name[i]] + name[i + 1 :]
    return None
