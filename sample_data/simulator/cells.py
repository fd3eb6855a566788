"""What dirt does to single cells: how a value is respelt, and whether the true value can still be read afterwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .base import Rng
from .ids import wrong_check
from .render import mask_number

_SIMPLE = "刘陈张杨赵黄吴孙马罗郑谢韩冯邓许苏卢蒋贾叶镇县号区楼乡国华东龙庆伟军丽艳兰凤红晓东宝润圣联广众"
_OLD = "劉陳張楊趙黃吳孫馬羅鄭謝韓馮鄧許蘇盧蔣賈葉鎮縣號區樓鄉國華東龍慶偉軍麗艷蘭鳳紅曉東寶潤聖聯廣眾"
TRADITIONAL = str.maketrans(_SIMPLE, _OLD)
_WIDE = str.maketrans(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "".join(chr(ord(c) + 0xFEE0) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
)
_CONFUSED = (("0", "O"), ("1", "I"), ("5", "S"), ("2", "Z"))

NUMBERS = ("uscc", "id", "number", "person_id", "streamer_id")
PEOPLE = ("id", "number", "person_id", "streamer_id")
NAMES = ("name", "name_natural", "name_licensed", "person_name", "streamer", "contact", "payee_name", "operator")
EMPTY_OK = ("uscc", "agency", "person_name", "payee_name", "date", "id")


def _blank_inside(value: str, rng: Rng) -> str:
    k = int(rng.integers(1, len(value))) if len(value) > 1 else 0
    return value[:k] + str(rng.choice(["\u00a0", " ", "\u200b", "\u3000"])) + value[k:]


def _confuse(value: str, rng: Rng) -> str | None:
    options = [(a, b) for a, b in _CONFUSED if a in value[2:17]]
    if not options:
        return None
    a, b = options[int(rng.integers(len(options)))]
    k = value.index(a, 2)
    return value[:k] + b + value[k + 1 :]


def _phone_style(value: str, rng: Rng) -> str | None:
    if not (value.isdigit() and len(value) == 11):
        return None
    parts = f"{value[:3]} {value[3:7]} {value[7:]}"
    return str(
        rng.choice([f"+86{value}", f"86-{value}", f"+86 {parts}", parts, parts.replace(" ", "-"), value.translate(_WIDE)])
    )


def _date_style(value: str, rng: Rng, serial: bool) -> object | None:
    day = value[:10].replace("/", "-")
    try:
        y, m, d = (int(x) for x in day.split("-"))
    except ValueError:
        return None
    options: list[object] = [f"{y}-{m}-{d}", f"{y}/{m:02}/{d:02}", f"{y}.{m:02}.{d:02}", f"{y}{m:02}{d:02}", f"{y}年{m}月{d}日"]
    if serial:
        options.append(int((np.datetime64(f"{y:04}-{m:02}-{d:02}") - np.datetime64("1899-12-30")).astype(int)))
    return options[int(rng.integers(len(options)))]


def scientific(value: str, workbook: bool) -> object | None:
    if not value.isdigit() or len(value) < (16 if workbook else 12):
        return None
    return float(value) if workbook else f"{float(value):.5E}"


def cell_kinds(role: str, form: str) -> list[tuple[str, bool, Callable[[str, Rng], object | None]]]:
    """(kind, does it destroy the value, how) for the cells of a role in a csv, xlsx/xls or jsonl file."""
    number = [
        ("lower_x", False, lambda v, g: v[:-1] + "x" if v.endswith("X") else None),
        ("full_width", False, lambda v, g: v.translate(_WIDE)),
        ("blank_inside", False, _blank_inside),
        ("apostrophe", False, lambda v, g: "'" + v),
        ("bad_check", True, lambda v, g: wrong_check(v) if len(v) == 18 else None),
        ("scientific", True, lambda v, g: None if form == "jsonl" else scientific(v, form != "csv")),
    ]
    out: list[tuple[str, bool, Callable[[str, Rng], object | None]]] = []
    if role in NUMBERS:
        out += number
        if role in PEOPLE:
            out.append(("masked", True, lambda v, g: mask_number(v) if len(v) == 18 and not v.startswith("9") else None))
        if role in ("uscc", "number"):
            out.append(("confusable", True, lambda v, g: _confuse(v, g) if v.startswith("9") else None))
    elif role == "phone":
        out += [
            ("phone_style", False, _phone_style),
            ("phone_bad", True, lambda v, g: v[:-1]),
            ("masked", True, lambda v, g: v[:3] + "****" + v[7:]),
            ("landline", True, lambda v, g: f"0377-6{int(g.integers(5 * 10**6, 10**7 - 1))}"),
        ]
    elif role == "payee_account":
        out += [
            ("blank_inside", False, lambda v, g: " ".join(v[i : i + 4] for i in range(0, len(v), 4))),
            ("apostrophe", False, lambda v, g: "'" + v),
            ("masked", True, lambda v, g: v[:4] + "*" * (len(v) - 8) + v[-4:]),
            ("scientific", True, lambda v, g: None if form == "jsonl" else scientific(v, form != "csv")),
        ]
    elif role in NAMES or role == "nick":
        out += [("traditional", False, lambda v, g: v.translate(TRADITIONAL)), ("blank_inside", False, _blank_inside)]
    elif role == "address":
        out += [
            ("traditional", False, lambda v, g: v.translate(TRADITIONAL)),
            ("full_width", False, lambda v, g: v.translate(_WIDE)),
            ("blank_inside", False, _blank_inside),
            ("line_break", False, lambda v, g: v[: len(v) // 2] + "\n" + v[len(v) // 2 :]),
        ]
    elif role == "date":
        out.append(("date_style", False, lambda v, g: _date_style(v, g, form in ("xlsx", "xls"))))
    return out
