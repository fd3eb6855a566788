"""The rules of the flags: a packaged file that an official can read, with the home's own changes laid over it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zp_registry.errors import UsageError

Family = Literal["PLEDGE", "TRANSFER", "DATA"]
Level = Literal["high", "medium", "low"]
OWN_FILE = "flag-rules.yaml"  # in the home folder
HIGH, MEDIUM = 0.8, 0.5


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Rule(_Strict):
    """One rule. ``weight`` from 0 to 1; ``window`` in days; ``least``: from how many on; ``younger``,
    ``older``: ages below and above which it speaks; ``event``: open until a person decides."""

    family: Family = Field("TRANSFER", alias="门类")
    title: str = Field(alias="名称")
    indicators: tuple[str, ...] = Field((), alias="指标")
    weight: float = Field(ge=0, le=1, alias="分值")
    window: int = Field(0, ge=0, alias="窗口天数")
    least: int = Field(0, ge=0, alias="起数")
    younger: int = Field(0, ge=0, alias="未满岁数")
    older: int = Field(150, ge=0, alias="超过岁数")
    event: bool = Field(False, alias="事件")
    usual: Level | None = Field(None, alias="通常级别")
    ground: str = Field(alias="依据")
    innocent: tuple[str, ...] = Field((), alias="无辜情形")
    off: bool = Field(False, alias="停用")

    @property
    def level(self) -> Level:
        """The usual level."""
        return self.usual or ("high" if self.weight >= HIGH else "medium" if self.weight >= MEDIUM else "low")


class Rulebook(_Strict):
    """All rules; ``first``: above which score a case is to be looked at first; ``lowered`` and ``lifted``: what an explanation
    takes from a score, and what other signs add to it."""

    version: str = Field(alias="版本")
    grace_days: int = Field(10, ge=0, alias="宽限工作日")
    case_days: int = Field(10, ge=1, alias="办理工作日")
    reviewed_days: int = Field(365, ge=1, alias="复核有效天数")
    first: float = Field(0.9, ge=0, le=1, alias="优先分值")
    lowered: dict[str, float] = Field(default_factory=dict, alias="减分")
    lifted: dict[str, float] = Field(default_factory=dict, alias="加分")
    rules: dict[str, Rule] = Field(alias="规则")

    def hash(self) -> str:
        """Eight characters that change with any rule."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    def rule_version(self, code: str) -> str:
        """The version of one rule: the book's number, and a hash of this rule and of what all rules share."""
        shared = self.model_dump_json(exclude={"rules", "version"})
        return f"{self.version}-{hashlib.sha256((shared + self.rules[code].model_dump_json()).encode()).hexdigest()[:8]}"

    def versions(self, codes: pd.Series[str]) -> pd.Series[str]:
        """The same for a column of codes."""
        return codes.map({c: self.rule_version(c) for c in codes.unique()}).astype("str")

    def weight(self, code: str) -> float:
        """A rule's score before anything lowers or lifts it."""
        return self.rules[code].weight

    def less(self, why: str) -> float:
        """What an explanation takes from a score; 0 when the book does not name it."""
        return self.lowered.get(why, 0.0)

    def more(self, why: str) -> float:
        """What another sign adds to a score."""
        return self.lifted.get(why, 0.0)


def level(score: pd.Series[float]) -> pd.Series[str]:
    """high from 0.8, medium from 0.5, else low."""
    return pd.Series("low", index=score.index, dtype="str").mask(score >= MEDIUM, "medium").mask(score >= HIGH, "high")


@functools.cache
def packaged() -> Rulebook:
    """The rules as they come with the program."""
    return Rulebook.model_validate(_text())


def _text() -> dict[str, Any]:
    return dict(yaml.safe_load(resources.files(__package__).joinpath("rules.yaml").read_text("utf-8")))


def load_rulebook(home: Path) -> Rulebook:
    """The packaged rules with the home's ``flag-rules.yaml`` over them. UsageError names what is wrong in that file."""
    file = home / OWN_FILE
    if not file.is_file():
        return packaged()
    try:
        own = yaml.safe_load(file.read_text("utf-8-sig"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or a date or number that is none
        raise UsageError(f"{file} is not valid YAML in UTF-8: {error}") from None
    if own is None:
        return packaged()
    if not isinstance(own, dict):
        raise UsageError(f"{file}: keys such as 规则 are expected at the top")
    base = _text()
    known = set(base["规则"])
    rules = own.get("规则") or {}
    if not isinstance(rules, dict) or not all(isinstance(v, dict) for v in rules.values()):
        raise UsageError(f"{file}: under 规则 each rule is written as CODE: {{项目: 值}}")
    if unknown := sorted(set(rules) - known):
        raise UsageError(f"{file}: no rule {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    try:
        return Rulebook.model_validate(_over(base, own))
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"{file}: {said}") from None


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in own.items():
        under = out.get(key)
        out[key] = _over(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return out
