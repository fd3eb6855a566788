"""The form of a follow-up list: its columns, its closed choices and the key that every row carries."""

from __future__ import annotations

import re
import zlib
from typing import Final

from zp_registry.lists.workbook import Col

METHODS: Final = ("电话", "短信", "上门", "微信", "集中签订", "其他")
OUTCOMES: Final = ("已签订", "承诺近期签订", "拒绝签订", "无法联系", "不在本地", "主体信息有误", "已停止经营", "其他")
REASONS: Final = {"missing": "未签", "expired": "过期", "outdated": "版本过旧", "mismatch": "签署人与主体不符"}
NO_TOWN, NO_PLATFORM, NO_OFFICER = "未知乡镇", "未知平台", "未定责任人"
KEY_SHEET: Final = "_zp"
KEY_HEADER: Final = "回传码"
DATE, METHOD, OUTCOME, NOTE, ENTITY = "本次催签日期", "催签方式", "办理结果", "备注", "主体编号"
FILL_INS: Final = (DATE, METHOD, OUTCOME, NOTE)

FORM: Final = (
    Col("序号", "int", 4, 5),
    Col(ENTITY, least=9, most=12, centred=True),
    Col("主体名称", least=12, most=20),
    Col("乡镇街道", least=8, most=9, centred=True),
    Col("责任单位/网格员", least=9, most=10),
    Col("平台与账号数", least=8, most=10),
    Col("未签原因", least=6, most=9),
    Col("首次列入日期", "date", 10.5, 10.5),
    Col("已催次数", "int", 5.5, 5.5),
    Col("最近催签日期", "date", 10.5, 10.5),
    Col("上次情况", least=6, most=9),
    Col("催办阶段", least=5, most=5, centred=True),
    Col("期限", "date", 10.5, 10.5),
    Col("联系人", least=7, most=8),
    Col("联系电话", least=12, most=13.5),
    Col("经营地址", least=12, most=22),
    Col(DATE, "date", 10.5, 10.5, editable=True),
    Col(METHOD, least=8.5, most=8.5, editable=True),
    Col(OUTCOME, least=9, most=9, editable=True),
    Col(NOTE, least=12, most=12, editable=True),
    Col(KEY_HEADER, least=10, most=10, hidden=True),
)

_KEY = re.compile(r"ZP1\|([^|\s]*)\|([^|\s]*)\|([^|\s]*)\|([0-9a-f]{8})")


def pack_key(list_name: str, flag_id: str, entity_id: str) -> str:
    """The key of a row: list, flag, entity and a check. A fill-down that counts up must not name another entity."""
    body = f"ZP1|{list_name}|{flag_id}|{entity_id}"
    if not _KEY.fullmatch(f"{body}|00000000"):
        raise ValueError("ids with blanks or | cannot go on a list")
    return f"{body}|{zlib.crc32(body.encode()):08x}"


def unpack_key(text: str) -> tuple[str, str, str] | None:
    """(list, flag_id, entity_id) of a key, or None if it is none or was altered."""
    found = _KEY.fullmatch(text.strip())
    if found is None or zlib.crc32(text.strip().rpartition("|")[0].encode()) != int(found[4], 16):
        return None
    return found[1], found[2], found[3]
