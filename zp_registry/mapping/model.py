"""What one mapping file says about one layout.

A mapping is data that an operator of the county can read and change, so its descriptions are Chinese; they become the JSON
Schema that editors show. Nothing here knows a platform. Rules of the layouts: fields are canonical (``frames.CANONICAL``,
``frames.PLEDGE_FIELDS``), ``streamer.<field>`` for the people on camera, or a helper name that begins with ``_`` and lives
only until the rules have run.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from zp_registry.frames import CANONICAL, NOTICE_FIELDS, PLEDGE_FIELDS, STREAMER_FIELDS
from zp_registry.sources.api.spec import ApiSpec

Record = Literal["account", "streamer", "pledge", "notice", "ignore"]
STREAMER_PREFIX = "streamer."
BLANK_WORDS = [
    "无", "空", "暂无", "未填", "未填写", "不详", "没有", "-", "--", "---", "—", "——", "/", "//", "\\", "n/a", "#n/a", "na",
    "nan", "null", "none", "nil", "<null>", "(null)", "(空)",
]
SKIP_ROWS = [
    r"^(合计|总计|共计|小计|累计)", r"^.{0,12}(小计|合计|总计)([:：\d]|$)", r"^(注|备注|说明|填表说明|填报说明)\d?[:：]",
    r"^(制表|填表|审核|复核|经办|受理|填报|联系)人[:：]", r"^(制表|填表|填报|报送|导出)(单位|日期|时间)[:：]",
]


def _as_text(value: Any) -> Any:
    """YAML reads ``1`` as a number; in a mapping it is always a word."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_as_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """一列：表头名与系统字段的对应。"""

    header: Word = Field(description="表头原文；多层表头可写“上层/下层”；JSON 用点号路径，如 subject.name")
    field: str | None = Field(
        None, description="系统字段；不写则作为附加信息保留；以 _ 开头的是中间值，供 rules 使用；streamer.x 为主播字段")
    aliases: list[Word] = Field(default_factory=list, description="平台改过的其他表头写法")
    required: bool = Field(False, description="缺少此列时整份文件不予导入；也用来认出版式")
    ignore: bool = Field(False, description="此列无用（如序号），不保留")
    lookup: str | None = Field(None, description="用 lookups 中的哪一张对照表")
    split: bool = Field(False, description="一格内可能有几个人，用顿号、分号、逗号或斜线隔开（仅限 streamer.x）")
    items: list[Column] = Field(
        default_factory=list, description="此列是 JSON 列表时，列表中每个对象的键与字段的对应（仅限 streamer.x）")


class Condition(_Strict):
    """规则的条件：取值在内、取值不在内，或符合正则。"""

    any_of: list[Word] | None = Field(None, description="取值是其中之一（对照之后的代码）")
    none_of: list[Word] | None = Field(None, description="取值不是其中任何一个（空值也算不是）")
    matches: str | None = Field(None, description="取值符合此正则表达式")


class Either(_Strict):
    """一列中既可能是信用代码也可能是证件号码：按位数、字符和校验位分开。"""

    source: str = Field(description="存放号码的字段")
    uscc: str = Field("uscc", description="信用代码放入的字段")
    id_number: str = Field("id_number", description="证件号码放入的字段")
    kind: str | None = Field(None, description="按号码得出主体类型后放入的字段；不写则不得出")


class Join(_Strict):
    """几列拼成一列，空的略过。"""

    into: str
    sources: list[str] = Field(min_length=2)
    separator: str = ""


class Rule(_Strict):
    """一条规则。按 join、either、move、copy、set 的次序执行；只填空格，从不覆盖已有的值。"""

    when: dict[str, Literal["empty", "filled"] | Condition] = Field(
        default_factory=dict, description="全部条件都满足的行才执行；不写则每行执行")
    join: Join | None = None
    either: Either | None = None
    move: dict[str, str] = Field(default_factory=dict, description="把左边字段的值移到右边字段")
    copy_: dict[str, str] = Field(default_factory=dict, alias="copy", description="把左边字段的值抄到右边字段")
    set_: dict[str, Word] = Field(default_factory=dict, alias="set", description="填入固定值")


class FromName(_Strict):
    """本行没有填写时，从工作表名、再从文件名中取值。"""

    field: str
    pattern: str = Field(description="正则表达式；有括号时取第一个括号中的内容")


class Sheet(_Strict):
    """一种工作表。csv 和 JSON Lines 只有一种。"""

    names: list[Word] = Field(default_factory=list, description="工作表名（“(续)”“(2)”等尾巴不计）；不写则不限")
    part: str = Field("main", description="报送部分：同一日期的不同部分相加，同一部分后到的取代先到的")
    record: Record = Field(
        "account", description="每行是什么：account 账号、streamer 主播、pledge 承诺书、notice 外部名单、ignore 不读"
    )
    header_rows: int = Field(1, ge=1, le=4, description="表头有几层")
    columns: list[Column] = Field(default_factory=list, description="只属于这种工作表的列")
    rules: list[Rule] = Field(default_factory=list, description="先于公共规则执行")
    constants: dict[str, Word] = Field(default_factory=dict, description="每行都相同的值，规则之后填入空格")


class Meta(_Strict):
    """表头以上“标签：值”中的信息。"""

    as_of: list[str] = Field(default_factory=list, description="报送日期的标签，如 报送日期")


Share = Annotated[float, Field(ge=0, le=1)]


class Expectations(_Strict):
    """一份报送应有的样子；低于下限不予导入，高于上限只作提醒。比例从 0 到 1；不写的按系统设置。"""

    min_rows: int | None = Field(None, ge=0, description="最少数据行数")
    max_drop_share: Share | None = Field(None, description="与上一次全量报送相比，账号数最多减少的比例")
    max_rejected_share: Share | None = Field(None, description="不合格行的最高比例，超过则整份拒收")
    warn_rejected_share: Share | None = Field(None, description="不合格行超过此比例时提醒")
    max_invalid_share: Share | None = Field(None, description="含无效值的行超过此比例时提醒")
    max_masked_share: Share | None = Field(None, description="含脱敏值的行超过此比例时提醒")
    min_fill: dict[str, Share] = Field(default_factory=dict, description="字段的最低填充率")


class Mapping(_Strict):
    """一个版式。"""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="版式代号，与文件名相同")
    title: str = Field(description="中文名")
    platform: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9_]*$", description="平台代号；不写则与 id 相同；有新旧版式时才需要")
    kind: Literal["report", "pledge", "notice"] = Field(
        "report", description="report 平台报送，pledge 承诺书台账，notice 外部名单（执照名册、核查结果、风险标记、黑名单）")
    names: list[Word] = Field(default_factory=list, description="文件名中出现即认为是本平台的词")
    scope: Literal["full", "delta"] = Field(
        "full", description="full 全量：未列出的账号视为已消失；delta 增量：未列出的不变")
    valid_from: dt.date | None = Field(None, description="版式从何日起有效")
    valid_to: dt.date | None = Field(None, description="版式到何日止")
    account_match: Literal["exact", "loose"] = Field(
        "exact", description="loose：账号一列可能是标识、平台号、网址或名称，入库时再比对")
    account_id_pattern: str | None = Field(
        None, description="账号标识的正则；数字单元格不符合时视为丢失了位数（如开头的 0）")
    unknown_columns: Literal["fail", "warn", "ignore"] = Field("warn", description="出现未写明的列时：拒收、提醒、不提醒")
    sheets: list[Sheet] = Field(default_factory=lambda: [Sheet.model_validate({})], min_length=1)
    columns: list[Column] = Field(default_factory=list, description="各种工作表共有的列")
    rules: list[Rule] = Field(default_factory=list)
    constants: dict[str, Word] = Field(default_factory=dict)
    lookups: dict[str, dict[Word, Word]] = Field(
        default_factory=dict, description="对照表：原文 → 代码；“201|居民身份证”可只写其中一半")
    meta: Meta = Field(default_factory=lambda: Meta.model_validate({}))
    from_names: list[FromName] = Field(default_factory=list)
    blank_words: list[Word] = Field(default_factory=lambda: list(BLANK_WORDS), description="表示“没有”的词")
    skip_rows: list[str] = Field(
        default_factory=lambda: list(SKIP_ROWS), description="首个有字的格符合这些正则的行不是数据（合计、注等）")
    stop_rows: list[str] = Field(default_factory=list, description="首个有字的格符合这些正则时，从这一行起都不是数据")
    expectations: Expectations = Field(default_factory=lambda: Expectations.model_validate({}))
    api: ApiSpec | None = Field(None, description="平台接口")

    @property
    def platform_id(self) -> str:
        """The platform whose report this is (the looked-up platform of a row may be another)."""
        return self.platform or self.id

    def columns_of(self, sheet: Sheet) -> list[Column]:
        """The sheet's own columns, then the common ones."""
        return [*sheet.columns, *self.columns]

    def rules_of(self, sheet: Sheet) -> list[Rule]:
        """The sheet's own rules, then the common ones."""
        return [*sheet.rules, *self.rules]

    def constants_of(self, sheet: Sheet) -> dict[str, str]:
        """The constants of the sheet over the common ones."""
        return {**self.constants, **sheet.constants}


def known_field(name: str, record: Record) -> bool:
    """Whether a mapping may fill this field in rows of this record kind."""
    if name.startswith("_"):
        return len(name) > 1
    if name.startswith(STREAMER_PREFIX):
        return record not in ("pledge", "notice") and name.removeprefix(STREAMER_PREFIX) in STREAMER_FIELDS
    return name in {"pledge": PLEDGE_FIELDS, "notice": NOTICE_FIELDS}.get(record, CANONICAL)
