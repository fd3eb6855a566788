"""Invented numbers with right check digits: GB 11643 (citizens), GB 32100 with GB 11714 inside (credit codes), Luhn cards.

Everything works on digit matrices, so a million numbers cost a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .base import Bool, Int, Obj, Rng, either, glue, obj, pick, text

_CITIZEN_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CITIZEN_CHECK = np.frombuffer(b"10X98765432", dtype=np.uint8)
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_BYTES = np.frombuffer(_CREDIT_ALPHABET.encode(), dtype=np.uint8)
_CREDIT_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
# First three digits of mobiles that Chinese operators really hand out.
_MOBILE = (
    "130",
    "131",
    "132",
    "133",
    "135",
    "136",
    "137",
    "138",
    "139",
    "150",
    "151",
    "152",
    "155",
    "156",
    "157",
    "158",
    "159",
    "176",
    "177",
    "178",
    "180",
    "181",
    "182",
    "183",
    "185",
    "186",
    "187",
    "188",
    "189",
    "198",
    "199",
)
_CARDS = ("622848", "621785", "622202", "623059", "621799", "622908")


def _digits(numbers: Int, width: int) -> Int:
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    out: Int = (numbers[:, None] // powers) % 10
    return out


def _strings(matrix: npt.NDArray[np.uint8]) -> Obj:
    wide = np.ascontiguousarray(matrix)
    out: Obj = wide.view(f"S{wide.shape[1]}").ravel().astype(str).astype(object)
    return out


def citizen_numbers(rng: Rng, birthdays: Int, male: Bool, areas: Int) -> Obj:
    """18-character citizen numbers, all different. ``birthdays``: days since 1970; ``areas``: six-digit codes as numbers.

    The last of the three sequence digits is odd for men (GB 11643-1999).
    """
    day = birthdays.astype("datetime64[D]")
    months = day.astype("datetime64[M]")
    year = months.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    date = year * 10000 + month * 100 + (day - months.astype("datetime64[D]")).astype(np.int64) + 1
    stem = areas * 10**11 + date * 1000
    body = stem.copy()
    todo = np.arange(len(stem))
    while len(todo):
        body[todo] = stem[todo] + rng.integers(0, 500, len(todo)) * 2 + male[todo]
        first = np.zeros(len(body), dtype=bool)
        first[np.unique(body, return_index=True)[1]] = True
        todo = np.flatnonzero(~first)
    matrix = _digits(body, 17)
    check = _CITIZEN_CHECK[(matrix * _CITIZEN_WEIGHTS).sum(axis=1) % 11]
    return _strings(np.hstack([(matrix + 48).astype(np.uint8), check[:, None]]))


def fifteen(number: str) -> str:
    """The old 15-digit form of an 18-character number: without the century and the check digit."""
    return number[:6] + number[8:17]


def credit_codes(rng: Rng, kinds: Int, areas: Int) -> Obj:
    """18-character credit codes of market bodies, all different: ``91`` enterprise, ``92`` sole proprietor, ``93``
    cooperative (kinds 2, 1, 3); organisation code with its own check digit in positions 9-17."""
    n = len(kinds)
    second = np.array([0, 2, 1, 3])[kinds]
    modern = rng.random(n) < 0.6  # codes given since 2015 begin with MA
    org = _digits(_distinct(rng, n, 10**8), 8)
    newer = (_distinct(rng, n, 31**6)[:, None] // 31 ** np.arange(6, dtype=np.int64)) % 31
    org[modern, 0], org[modern, 1] = _CREDIT_ALPHABET.index("M"), _CREDIT_ALPHABET.index("A")
    org[modern, 2:] = newer[modern]
    values = np.array([int(c) if c.isdigit() else ord(c) - 55 for c in _CREDIT_ALPHABET])[org]
    rest = 11 - (values * _ORG_WEIGHTS).sum(axis=1) % 11
    org_check = np.where(rest == 10, _CREDIT_ALPHABET.index("X"), np.where(rest == 11, 0, rest))
    body = np.hstack([np.full((n, 1), 9), second[:, None], _digits(areas, 6), org, org_check[:, None]])
    check = (31 - (body * _CREDIT_WEIGHTS).sum(axis=1) % 31) % 31
    return _strings(_CREDIT_BYTES[np.hstack([body, check[:, None]])])


def _distinct(rng: Rng, n: int, top: int) -> Int:
    """n different numbers below ``top``."""
    out = np.unique(rng.integers(0, top, n))
    while len(out) < n:
        out = np.unique(np.concatenate([out, rng.integers(0, top, n - len(out))]))
    return rng.permutation(out)


def mobiles(rng: Rng, n: int) -> Obj:
    """Different mobile numbers."""
    heads = np.array([int(h) for h in _MOBILE], dtype=np.int64)
    body = _distinct(rng, n, len(heads) * 10**8)
    return text(heads[body // 10**8] * 10**8 + body % 10**8)


def landlines(rng: Rng, n: int) -> Obj:
    """Numbers of Nanyang's area code; they may come twice."""
    return glue("0377-6", text(rng.integers(10**6 * 5, 10**7 - 1, n)))


def cards(rng: Rng, n: int) -> Obj:
    """Different bank card numbers of 19 digits with a right Luhn digit."""
    body = _digits(_distinct(rng, n, 10**12), 12)
    matrix = np.hstack([_digits(np.array([int(c) for c in _CARDS], dtype=np.int64)[rng.integers(0, len(_CARDS), n)], 6), body])
    doubled = matrix[:, ::-1].copy()
    doubled[:, ::2] *= 2
    total = np.where(doubled > 9, doubled - 9, doubled).sum(axis=1)
    return _strings(np.hstack([(matrix + 48).astype(np.uint8), ((10 - total % 10) % 10 + 48).astype(np.uint8)[:, None]]))


def company_accounts(rng: Rng, n: int) -> Obj:
    """Different account numbers of companies, 17 digits."""
    return glue("4100", text(_distinct(rng, n, 9 * 10**12) + 10**12))


def account_ids(rng: Rng, platform: str, n: int) -> Obj:
    """Different account ids in the way of the platform: digits of several lengths, or letters and digits."""
    if platform in ("wechat_channels", "weipaitang"):
        letters = np.frombuffer(b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789", dtype=np.uint8)
        prefix, width = ("sph", 12) if platform == "wechat_channels" else ("wpt", 9)
        serial = _distinct(rng, n, 58**7)  # written out in base 58 it makes the id unlike any other
        places = 58 ** np.arange(7, dtype=np.int64)
        tail = rng.integers(0, 58, (n, width - 7))
        return glue(prefix, _strings(letters[np.hstack([tail, (serial[:, None] // places) % 58])]))
    low, high = {
        "douyin": (15, 19),
        "kuaishou": (10, 16),
        "jd": (8, 11),
        "pinduoduo": (8, 9),
        "taobao": (9, 9),
        "xiaohongshu": (9, 11),
    }[platform]
    head = rng.integers(low, high + 1, n)
    serial = _distinct(rng, n, 9 * 10 ** (low - 1)) + 10 ** (low - 1)  # the first digits alone tell two ids apart
    longer = text(serial) + text(rng.integers(10**9, 10**10, n))
    return obj(s[:w] for s, w in zip(longer, head.tolist(), strict=True))


def wrong_check(number: str) -> str:
    """The number with another last character: a typing error that the check digit shows."""
    wrong = "3" if number[-1] != "3" else "7"
    return number[:-1] + wrong


def _with_check(body: str) -> str:
    total = sum(int(c) * int(k) for c, k in zip(body, _CITIZEN_WEIGHTS, strict=True))
    return body + chr(_CITIZEN_CHECK[total % 11])


def next_in_line(number: str, known: set[str]) -> str:
    """The number of somebody registered right after (or before) at the same place on the same day."""
    serial = int(number[14:17])
    for step in (1, -1, 2, -2, 3, -3):
        if 0 <= serial + step <= 999 and (out := _with_check(f"{number[:14]}{serial + step:03}")) not in known:
            return out
    raise ValueError("no number is free beside this one")


def same_ends(rng: Rng, number: str, birthday: int, known: set[str]) -> tuple[str, int]:
    """Another number with the same first six and last four characters, of somebody born some other day; with that birthday
    (days since 1970)."""
    for step in rng.permutation(np.arange(30, 3000)).tolist():
        day = birthday - step
        date = str(np.datetime64(day, "D")).replace("-", "")
        out = _with_check(number[:6] + date + number[14:17])
        if out[-1] == number[-1] and out not in known:
            return out, day
    raise ValueError("no other number has these ends")


def residence_areas(rng: Rng, birthdays: Int, home: Bool) -> Int:
    """Area codes of the citizens: 412925 or 411324 for people of the county (the former only if born before 1994),
    neighbours and other provinces for the rest."""
    near = pick(
        rng, ("411302", "411303", "411381", "411325", "411326", "410122", "441284", "445202", "350582", "320381"), len(home)
    ).astype(np.int64)
    old = (birthdays < np.datetime64("1994-07-01").astype(np.int64)) & (rng.random(len(home)) < 0.55)
    own: Obj = either(old, 412925, 411324)
    return either(home & (rng.random(len(home)) < 0.93), own, near).astype(np.int64)
