"""The form of the 疑似重复主体核对表: its columns, its closed choices and the key that both lines of a pair carry."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Final

from zp_registry.lists.workbook import Col

SHEET, GUIDE_SHEET, KEY_SHEET = "疑似重复主体", "填写说明", "_zp"
PAIR, CONCLUSION, REASON, PERSON, KEY_HEADER = "核对编号", "结论", "理由", "核对人", "回传码"
CONCLUSIONS: Final = {"同一主体": "same", "不是同一主体": "different", "暂不能确定": "unsure"}
FILL_INS: Final = (CONCLUSION, REASON, PERSON)

FORM: Final = (
    Col("序号", "int", 4, 5),
    Col(PAIR, least=10.5, most=10.5, centred=True),
    Col("方", least=3, most=3, centred=True),
    Col("主体名称", least=10, most=17),
    Col("类型", least=6, most=8, centred=True),
    Col("证照号码", least=10.5, most=15, centred=True),
    Col("联系电话", least=7.5, most=12.5, centred=True),
    Col("收款账户", least=8, most=11, centred=True),
    Col("经营地址", least=12, most=20),
    Col("乡镇街道", least=8, most=8, centred=True),
    Col("账号", least=12, most=16),
    Col("来源（文件 › 工作表 › 行）", least=14, most=20),
    Col("比对说明", least=20, most=30),
    Col(CONCLUSION, least=9, most=9, editable=True, centred=True),
    Col(REASON, least=16, most=16, editable=True),
    Col(PERSON, least=7.5, most=7.5, editable=True, centred=True),
    Col(KEY_HEADER, least=10, most=10, hidden=True),
)
SHARED: Final = ("序号", PAIR, "比对说明", *FILL_INS)  # one cell for both lines of a pair

_KEY = re.compile(r"ZPD1\|(E\d+-E\d+)\|((?:\d+(?:,\d+)*)?)\|([0-9a-f]{8})")


def pack_key(pair: str, standing: Iterable[int]) -> str:
    """The key of a pair: its name, the numbers of the people's judgements that stood when the list was written, and a check."""
    body = f"ZPD1|{pair}|{','.join(map(str, sorted(standing)))}"
    return f"{body}|{zlib.crc32(body.encode()):08x}"


def unpack_key(text: str) -> tuple[str, frozenset[int]] | None:
    """(pair, judgements) of a key, or None if it is none or was altered."""
    found = _KEY.fullmatch(text.strip())
    if found is None or zlib.crc32(text.strip().rpartition("|")[0].encode()) != int(found[3], 16):
        return None
    return found[1], frozenset(int(n) for n in found[2].split(",") if n)
