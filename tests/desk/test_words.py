"""What pages say and how names are searched, without a server: the trail and the runs in Chinese, names by their letters."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from zp_registry.jobs import pledging

import zp_registry
from zp_registry.desk.state import Asked
from zp_registry.desk.trail_words import act, told, why
from zp_registry.desk.words import work
from zp_registry.errors import UsageError
from zp_registry.registry import known
from zp_registry.registry.search import NameIndex

PLACES = (Path(zp_registry.__file__).parent, Path(__file__).parents[2] / "jobs")


def _calls(*names: str) -> Iterator[ast.Call]:
    for place in PLACES:
        for path in place.rglob("*.py"):
            source = path.read_text("utf-8")
            for node in ast.walk(ast.parse(source)) if any(f"{n}(" in source for n in names) else ():
                if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                    yield node


def _texts(node: ast.expr) -> list[str]:
    """The text of an argument as far as it stands in the source; a value that is filled in is written ``x``."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(v.value) if isinstance(v, ast.Constant) else "x" for v in node.values)]
    return []


def test_every_act_on_the_trail_has_words() -> None:
    acts = [t for c in _calls("audit.note") for t in _texts(c.args[1])]
    acts += [f"desk {t}" for c in _calls("noted") for t in _texts(c.args[0])]
    acts += [f"desk {t}" for c in _calls("note") for t in _texts(c.args[1])]
    acts = [a for a in acts if a not in ("desk x",)]
    assert len(set(acts)) > 45
    assert [a for a in acts if re.search("[a-z]", act(a))] == []


def test_every_command_of_a_run_has_words() -> None:
    names = [t for c in _calls("on_shift", "at_work", "office.at_work") for t in _texts(c.args[1])]
    assert len(set(names)) > 30
    assert [n for n in names if re.search("[a-z]", work(n))] == []


@pytest.mark.parametrize(("action", "subject", "said"), [
    ("write follow-up lists", "72 entities with phone and address, by town, as of 2026-09-30",
     "72 户，含电话和地址，按乡镇，截至 2026-09-30"),
    ("write transfer list", "names and accounts, as of 2026-09-30", "含名称和账号，截至 2026-09-30"),
    ("write review list", "1 pairs, numbers masked, as of 2026-09-30", "1 对，号码已遮住，截至 2026-09-30"),
    ("desk print notices", "3 entities", "3 户"),
    ("upload", "a b.xlsx (pledge, 20 bytes, 00ff)", "a b.xlsx（承诺书台账，20 字节，指纹 00ff）"),
    ("import follow-ups", "清单.xlsx: 3 attempts", "清单.xlsx：3 条"),
    ("import corrected rows", "网页登记（a）: 2 rows of k.csv (3, 4): 手机", "k.csv（3, 4），2 行：手机"),
    ("desk look up", "(number)", "（号码）"), ("desk look up", "3 entities", "3 entities"),
    ("desk show audit", "who ban; action desk user", "谁 ban；事项 管理用户"),
    ("desk show", "E00000001", "E00000001"),
])  # fmt: skip
def test_what_an_act_was_about_is_told_in_words(action: str, subject: str, said: str) -> None:
    assert told(subject, action) == said


def test_what_a_person_wrote_stays_as_it_is() -> None:
    assert why("scan and admin, all towns", "desk unmask") == "scan and admin, all towns"
    assert why("scan S-1", "register pledge") == "扫描件 S-1"
    assert why("clerk, 曲屯镇、石佛寺镇 → admin, all towns", "desk user access") == "办事人员，曲屯镇、石佛寺镇 → 管理员，全县"
    assert why(None, "show") == ""


@pytest.mark.parametrize("words", ["adzydc", "adz", "ADZ", "an ding", "An-Ding", "安鼎", "sfsz", "zpx", "shifosizhen", "zydc"])
def test_a_name_is_found_behind_the_places_it_begins_with(words: str) -> None:
    names = ["镇平县石佛寺镇安鼎琢玉雕厂", "王小明", "玉雕市场张三店"]
    index = NameIndex("", ["E1", "E2", "E3"], names, [None] * 3)
    assert index.containing(words, 9) == ["E1"]


@pytest.mark.parametrize(("words", "found"), [
    ("wxm", ["E2"]), ("xiaoming", ["E2"]), ("wang xiao ming", ["E2"]), ("zs", ["E3"]), ("shichang", ["E3"]),
    ("xyz", []), ("王小", ["E2"]), ("lzz", ["E4"]),
])  # fmt: skip
def test_names_without_places_are_found_as_before(words: str, found: list[str]) -> None:
    names = ["河南省南阳市镇平县李四店", "王小明", "玉雕市场张三店", "老庄镇"]
    index = NameIndex("", ["E1", "E2", "E3", "E4"], names, [None] * 4)
    assert index.containing(words, 9) == found


def test_today_is_that_of_those_who_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Evening(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Evening:
            return cls(2026, 3, 31, 20, tzinfo=dt.UTC).astimezone(tz)

    monkeypatch.setattr(known.dt, "datetime", Evening)
    assert known.today() == dt.date(2026, 4, 1)
    pledging._past("2026-04-01")
    with pytest.raises(UsageError, match="不能晚于今天"):
        pledging._past("2026-04-02")


def test_a_number_that_was_asked_is_its_askers_alone_and_the_oldest_are_forgotten() -> None:
    asked = Asked()
    key = asked.keep("cha", "13800000000")
    assert asked.words("cha", key) == "13800000000"
    assert asked.words("ban", key) == ""
    assert asked.words("cha", "unknown") == ""
    for n in range(Asked.MOST):
        asked.keep("ban", str(n))
    assert asked.words("cha", key) == ""
    assert len(asked.kept) == Asked.MOST
