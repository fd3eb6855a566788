"""Every code a row, a value or a file can earn, with one severity each and the Chinese text a clerk reads.

Severities: ``reject`` the row is kept in quarantine, the rest of the file loads · ``empty`` the value is emptied with a
warning, the row loads · ``note`` a remark, nothing is changed or the repair is certain · ``file`` the whole file is refused ·
``warn`` a remark about the whole file. The list is published in docs/codes.md, which is made from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["reject", "empty", "note", "file", "warn"]


@dataclass(frozen=True)
class Code:
    """One code: ``text`` says what is wrong, ``todo`` what the reader should do; both plain Chinese, without row values."""

    code: str
    severity: Severity
    text: str
    todo: str


_ALL = (
    # rows
    Code("ACCOUNT_ID_MISSING", "reject", "缺少账号标识（账号UID、店铺ID等）", "请向平台核实后补填账号标识"),
    Code(
        "ACCOUNT_ID_PRECISION",
        "reject",
        "账号标识以数字格式存放，已丢失位数",
        "请在原始系统中以文本格式重新导出，补填完整的账号标识",
    ),
    Code("HOLDER_MISSING", "reject", "没有任何主体信息（名称、信用代码、证件号码均为空或无效）", "请补填主体名称或证照号码"),
    Code("PLATFORM_UNKNOWN", "reject", "平台名称不在对照表中", "请改为规范的平台名称；如为新平台，请联系运维人员增加对照"),
    Code("AS_OF_INVALID", "reject", "本行的报送日期无法识别", "请填写如 2026-03-31 的日期"),
    Code("PERSON_MISSING", "reject", "直播营销人员既无姓名也无证件号码", "请补填姓名和身份证件号码"),
    Code("PLEDGE_EMPTY", "reject", "台账行既无主体名称也无证照号码", "请补填主体名称或证照号码"),
    Code("SIGNED_ON_MISSING", "reject", "签订日期为空或无法识别", "请填写如 2026-03-31 的签订日期"),
    Code("NOTICE_EMPTY", "reject", "没有账号，也没有名称或证照号码", "请补填账号标识，或名称和证照号码"),
    Code("NOTICE_OUTCOME_MISSING", "reject", "状态或结果为空，或不在对照表中",
         "请改用规定的取值；如为新取值，请联系运维人员增加对照"),
    Code("NOTICE_DATE_MISSING", "reject", "日期为空或无法识别", "请填写如 2026-03-31 的日期"),
    # values that are emptied
    Code("USCC_SHAPE", "empty", "统一社会信用代码不是18位，或含有不允许的字符", "请对照营业执照更正"),
    Code("USCC_CHECK", "empty", "统一社会信用代码校验位不符", "请对照营业执照更正"),
    Code(
        "USCC_CONFUSABLE",
        "empty",
        "统一社会信用代码含易混字母 I、O、S、Z（疑为 1、0、5、2）",
        "系统不自动改写，请对照营业执照更正",
    ),
    Code("ID_SHAPE", "empty", "证件号码的位数或字符不符合该证件类型", "请对照证件更正"),
    Code("ID_CHECK", "empty", "居民身份证号码校验位不符", "请对照身份证更正"),
    Code("ID_BIRTH_DATE", "empty", "居民身份证号码中的出生日期不存在或在报送日期之后", "请对照身份证更正"),
    Code("NUMBER_PRECISION", "empty", "号码以数字格式存放，16位以上的尾数已不可信", "请以文本格式重新填写完整号码"),
    Code("PHONE_INVALID", "empty", "联系电话不是有效的手机或固定电话号码", "请核实后更正"),
    Code("DATE_INVALID", "empty", "日期无法识别", "请填写如 2026-03-31 的日期"),
    Code("VALUE_UNKNOWN", "empty", "取值不在对照表中", "请改用规定的取值；如为新取值，请联系运维人员增加对照"),
    Code("PAYEE_ACCOUNT_SHAPE", "empty", "结算账号的位数或字符不合理", "请核实后更正"),
    # notes
    Code("USCC_ID_SWAPPED", "note", "信用代码与证件号码填反，已对调", "无需处理；下次请填入对应的列"),
    Code("USCC_ORG_CHECK", "note", "信用代码第9至17位的组织机构代码校验位不符", "建议对照营业执照核对"),
    Code("ID_15", "note", "15位旧身份证号码，已换算为18位", "建议请平台更新证件信息"),
    Code("ID_MASKED", "note", "证件号码已脱敏，仅作部分比对", "如需完整号码，请向平台调取"),
    Code("PHONE_MASKED", "note", "联系电话已脱敏，仅作部分比对", "如需完整号码，请向平台调取"),
    Code("PAYEE_MASKED", "note", "结算账号已脱敏，仅作部分比对", "如需完整号码，请向平台调取"),
    Code("TAXPAYER_20", "note", "20位纳税人识别号，已取其中的证件号码", "无需处理"),
    Code("KIND_MISMATCH", "note", "填报的主体类型与证照号码不一致，以证照号码为准", "建议核对主体类型"),
    Code("STREAMER_COUNT", "note", "主播姓名与证件号码的个数不一致，未能一一对应", "请核对后在同一顺序下填写"),
    Code("AS_OF_DIFFERS", "note", "表内报送日期与文件名日期不一致，以表内为准", "请核对报送日期"),
    Code("HOLDERS_SEVERAL", "note", "同一账号在同一报送中有多个主体", "请向平台核实当前的实际主体"),
    # whole files
    Code("FILE_EMPTY", "file", "文件是空的", "请重新导出并上传"),
    Code("FILE_NO_ROWS", "file", "文件只有表头，没有数据行", "请核对导出条件后重新上传"),
    Code("FILE_BROKEN", "file", "文件已损坏或不完整，无法打开", "请重新导出或重新下载后上传"),
    Code("FILE_ENCRYPTED", "file", "文件设有打开密码", "请去除密码后重新上传"),
    Code("FILE_FORMAT", "file", "不支持的文件格式", "请另存为 xlsx 或 csv 后上传"),
    Code("FILE_TOO_LARGE", "file", "文件超过允许的大小、行数或列数", "请拆分后上传，或请运维人员调整上限"),
    Code("FILE_TOO_SLOW", "file", "读取文件用时超过上限，已中止", "请拆分后上传，或请运维人员调整上限"),
    Code("FILE_LINK", "file", "不是普通文件（符号链接、管道等），不予读取", "请放入文件本身"),
    Code("FILE_CHANGING", "file", "读取时文件仍在变化，本次未读", "请等文件写完；文件仍在原处，下次运行再读"),
    Code("LAYOUT_UNKNOWN", "file", "表头与任何已知版式都不相符", "请核对是否选错文件；新版式请联系运维人员增加映射"),
    Code("LAYOUT_OTHER_PLATFORM", "file", "文件内容是另一平台的版式，与文件名或指定的平台不符", "请核对平台后重新上传"),
    Code("LAYOUT_AMBIGUOUS", "file", "表头同时符合多个版式", "请用 --platform 指明平台"),
    Code("HEADER_MISSING", "file", "缺少必需的列", "请恢复原表头，或请运维人员在映射中增加别名"),
    Code("HEADER_UNKNOWN", "file", "出现映射中没有的列", "请核对版式；确属新增列的，请运维人员更新映射"),
    Code("ROWS_TOO_FEW", "file", "数据行数低于该平台的最低行数", "请核对是否导出不全；确认无误可用 --accept 说明理由后导入"),
    Code(
        "ROWS_DROPPED",
        "file",
        "与上一次全量报送相比，账号数大幅减少",
        "请核对是否导出不全；确认无误可用 --accept 说明理由后导入",
    ),
    Code("REJECTED_TOO_MANY", "file", "不合格行超过规定比例，整份文件不予保留", "请更正后重新上传"),
    Code("FILL_TOO_LOW", "file", "必填列的填充率低于规定", "请核对是否导出不全；确认无误可用 --accept 说明理由后导入"),
    Code("DATE_CONFLICT", "file", "命令指定的报送日期晚于今天，或无法识别", "请核对报送日期"),
    # remarks about whole files
    Code("ENCODING_GB18030", "warn", "文件不是 UTF-8，已按 GB18030 读取", "无需处理"),
    Code("COLUMN_UNKNOWN", "warn", "有映射中没有的列，已作为附加信息保留", "如需使用，请运维人员更新映射"),
    Code("COLUMN_ABSENT", "warn", "缺少一个可选的列", "如平台已停止提供，请运维人员更新映射"),
    Code("SHEET_UNKNOWN", "warn", "有无法识别的工作表，未读取", "请核对该工作表是否应当导入；确属名单的，请运维人员更新映射"),
    Code("VALUES_UNKNOWN", "warn", "有不在对照表中的取值", "请运维人员更新对照表"),
    Code("AS_OF_FILE_DIFFERS", "warn", "表内、文件名或命令中的报送日期不一致", "请核对报送日期"),
    Code("SHARE_REJECTED", "warn", "不合格行比例偏高", "请向平台反馈数据质量"),
    Code("SHARE_MASKED", "warn", "脱敏值比例偏高", "请向平台反馈：报送应为完整证件号码"),
    Code("SHARE_INVALID", "warn", "无效值比例偏高", "请向平台反馈数据质量"),
    Code("MAPPING_EXPIRED", "warn", "报送日期不在该映射的有效期内", "请运维人员核对版式版本"),
    Code("ROWS_ACCEPTED", "warn", "未达预期但经说明理由予以接受", "理由已记入审计日志"),
)

CODES: dict[str, Code] = {c.code: c for c in _ALL}


def severity(code: str) -> Severity:
    """The severity of a code; KeyError for a code that is not published."""
    return CODES[code].severity


def message(code: str, note: str = "") -> str:
    """The Chinese sentence for a code: what is wrong, a detail, what to do."""
    c = CODES[code]
    return f"{c.text}{'：' + note if note else ''}。{c.todo}。"
