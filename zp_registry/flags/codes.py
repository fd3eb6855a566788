"""Every flag code, with its family, level, title and legal ground. A flag is a lead for a person to check, never a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["PLEDGE", "TRANSFER", "DATA"]
Level = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class FlagCode:
    """One published code: ``level`` is the usual one (a rule may lower or lift it), ``event`` tells whether the flag stays open
    until a person decides (a change of holder) or resolves itself when the state ends (a shared phone)."""

    code: str
    family: Family
    level: Level
    event: bool
    title: str
    ground: str
    innocent: str = ""


_ACCOUNT = "镇政办〔2023〕40号（一）；反电信网络诈骗法第31条"
_ALL = (
    FlagCode("PLEDGE_MISSING", "PLEDGE", "medium", False, "未签订诚信经营承诺书", "镇政办〔2023〕40号（一）"),
    FlagCode("PLEDGE_EXPIRED", "PLEDGE", "medium", False, "诚信经营承诺书已过期", "镇政办〔2023〕40号（一）"),
    FlagCode("PLEDGE_OUTDATED", "PLEDGE", "low", False, "承诺书版本过旧", "镇政办〔2023〕40号（一）"),
    FlagCode("PLEDGE_MISMATCH", "PLEDGE", "medium", False, "承诺书签署人与主体不符", "镇政办〔2023〕40号（一）"),
    FlagCode(
        "HOLDER_CHANGED", "TRANSFER", "high", True, "账号的登记主体变更为另一主体", _ACCOUNT, "平台批准的变更、个转企、更正填报"
    ),
    FlagCode("HOLDER_RETURNED", "TRANSFER", "high", True, "账号的登记主体变更后又变回", _ACCOUNT, "更正填报"),
    FlagCode(
        "CONTROL_CHANGED",
        "TRANSFER",
        "high",
        True,
        "登记主体未变，但电话、收款账户、主播中至少两项换人",
        _ACCOUNT,
        "更换号码和银行卡",
    ),
    FlagCode(
        "PAYEE_STRANGER",
        "TRANSFER",
        "medium",
        False,
        "收款账户改为与主体无关的他人",
        "三部门意见（取酬账户）；" + _ACCOUNT,
        "配偶收款、机构代收",
    ),
    FlagCode(
        "STREAMER_STRANGER",
        "TRANSFER",
        "medium",
        False,
        "自然人或个体工商户的账号改由他人出镜，未申报雇佣、签约或家属关系",
        "令117号第8条、第28条；" + _ACCOUNT,
        "雇佣主播、家属出镜",
    ),
    FlagCode("SHARED_PAYEE", "TRANSFER", "medium", False, "同一收款账户收取多个无关主体的款项", _ACCOUNT, "机构代收、代账"),
    FlagCode(
        "SHARED_PHONE",
        "TRANSFER",
        "medium",
        False,
        "同一联系电话控制多个无关主体的账号",
        _ACCOUNT,
        "代办、市场管理方、机构电话",
    ),
    FlagCode(
        "SHARED_STREAMER",
        "TRANSFER",
        "medium",
        False,
        "同一人在多个无关主体的账号出镜",
        "令117号第8条；" + _ACCOUNT,
        "机构签约主播",
    ),
    FlagCode(
        "HOLDERS_SEVERAL", "DATA", "low", False, "同一账号在同一报送中有多个主体", "税务问答：变更期内新旧经营者应分别注明期间"
    ),
    FlagCode("ACCOUNT_UNMATCHED", "DATA", "low", False, "共享数据中的账号在平台报送中未找到", "令117号第48条"),
    FlagCode("ENTITY_UNSURE", "DATA", "low", False, "主体身份无法确定，暂作独立主体", "令117号第8条"),
    FlagCode("PLEDGE_UNMATCHED", "DATA", "low", False, "台账中的承诺书找不到对应主体", "镇政办〔2023〕40号（一）"),
)
FLAG_CODES: dict[str, FlagCode] = {c.code: c for c in _ALL}
