"""What a mapping says about its platform's interface: section ``api`` of the mapping file.

Like the rest of a mapping it is data that an operator may change, so the descriptions are Chinese. Secrets never stand here:
a value ``{secret:NAME}`` is looked up in the settings. A platform that signs, pages and answers in a way that these keys can
tell needs no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from zp_registry.sources.api.template import faulty, names_in


def _only_a_path(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme or parts.netloc or parts.query or parts.fragment or not parts.path.strip("/"):
        raise ValueError("只写路径，如 /reports/identity：地址写在 base_url，参数写在 query")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error:
        raise ValueError("正则表达式有误") from None
    return value


def _words(value: Any) -> Any:
    """YAML reads ``10000`` as a number; a code is always compared as a word."""
    items = value if isinstance(value, list) else [value]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in items]


Path = Annotated[str, AfterValidator(_only_a_path)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Words = Annotated[list[str], BeforeValidator(_words)]
What = Literal["retry", "wait", "new_token", "clock", "stop", "tomorrow", "skip", "restart"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Request(_Strict):
    """一次请求。值中可写 {page} {size} {offset} {cursor} {token} {as_of} {now:ms} {secret:名称} 等；没有值的参数不发出。"""

    method: Literal["GET", "POST"] = Field("GET", description="请求方法")
    path: Path = Field(description="路径，如 /reports/identity")
    query: dict[str, Any] = Field(default_factory=dict, description="网址中的参数；值是键值对的，按键排序打包成 JSON 文字")
    form: dict[str, Any] = Field(default_factory=dict, description="表单（x-www-form-urlencoded）中的参数；打包同上")
    body: dict[str, Any] = Field(default_factory=dict, description="JSON 请求体；与 form 只能有一个")
    headers: dict[str, str] = Field(default_factory=dict, description="请求头，如 Authorization: Bearer {token}")
    signed: bool = Field(True, description="有 sign 时，此请求是否签名")

    @model_validator(mode="after")
    def _one_body(self) -> Request:
        if self.form and self.body:
            raise ValueError("form 与 body 只能有一个")
        if self.method == "GET" and (self.form or self.body):
            raise ValueError("GET 请求没有请求体")
        return self


class Sign(_Strict):
    """签名：before + 按键排序的各参数 + after，经 method 算出，写成 output 的样子，放进参数 name。先签名，后做网址编码。"""

    name: str = Field("sign", min_length=1, description="放签名的参数名")
    place: Literal["query", "form", "headers"] = Field("query", description="签名放在哪里")
    fields: list[str] = Field(default_factory=list, description="只签这些参数；不写则签 query 与 form 中的全部参数")
    leave_out: list[str] = Field(default_factory=list, description="不参与签名的参数，如 access_token")
    equals: str = Field("", description="键与值之间的字符，如 =")
    between: str = Field("", description="各参数之间的字符，如 &")
    before: str = Field("", description="最前面的文字，如 {secret:app_secret}")
    after: str = Field("", description="最后面的文字，如 &signSecret={secret:sign_secret}")
    method: Literal["md5", "sha256", "hmac-md5", "hmac-sha256"] = Field("md5", description="算法")
    key: str = Field("", description="hmac 的密钥，如 {secret:app_secret}")
    output: Literal["hex", "HEX", "base64"] = Field("hex", description="hex 小写十六进制，HEX 大写，base64")

    @model_validator(mode="after")
    def _keyed(self) -> Sign:
        if self.method.startswith("hmac") != bool(self.key):
            raise ValueError("hmac 须写 key，其他算法不写")
        return self


class Answer(_Strict):
    """回应的样子。位置用点号分层，如 data.list；空表示整个回应。"""

    ok_path: str = Field("", description="表示成败的代码的位置；不写则没有错误部分即为成功")
    ok: Words = Field(default_factory=list, description="表示成功的代码，如 10000")
    error_path: str = Field("", description="错误部分的位置，如 error_response；有它即为失败")
    codes: list[str] = Field(
        default_factory=lambda: ["code"], description="错误代码的位置（相对错误部分），可有几处，如 sub_code"
    )
    records: str = Field("data", description="记录列表的位置")
    total: str = Field("", description="总条数的位置；不写表示平台不给总条数")
    as_of: str = Field("", description="报送日期的位置；不写则用记录中的，再没有则用拉取开始之日")


class Rule(_Strict):
    """遇到什么错误，接下来做什么。自上而下，第一条符合的算数。"""

    http: list[int] = Field(default_factory=list, description="HTTP 状态码")
    codes: Words = Field(default_factory=list, description="平台的错误代码（answer.codes 各处之一）")
    do: What = Field(
        description="retry 稍后重试；wait 等 seconds 秒再试；new_token 换一次令牌再试；clock 按平台的钟校正后再试一次；"
        "stop 停止并告警；tomorrow 今天不再拉取；skip 略过此页（报送记为不完整）；restart 从头拉取"
    )
    seconds: float = Field(60, ge=0, le=3600, description="wait 时等几秒")
    seconds_in: Pattern = Field("", description="从错误文字中取秒数的正则（第一个括号），取到则等它加 1 秒")
    why: Literal["", "signature", "token", "rights", "secret", "request", "clock", "quota"] = Field(
        "", description="停止的原因，用于提示：签名、令牌、权限、密钥、参数、时钟、额度"
    )

    @model_validator(mode="after")
    def _something(self) -> Rule:
        if not self.http and not self.codes:
            raise ValueError("须写 http 或 codes")
        return self


class Token(_Strict):
    """令牌：怎样取得、怎样更新。状态加密保存；新的更新令牌先存盘再使用。"""

    request: Request | None = Field(None, description="取得令牌的请求；只能凭更新令牌取得时不写")
    refresh: Request | None = Field(None, description="凭 {refresh_token} 更新的请求")
    first: str = Field("", description="最初的更新令牌，如 {secret:refresh_token}")
    answer: Answer | None = Field(None, description="令牌回应的样子；不写则与数据回应相同（records、total 无用）")
    token_path: str = Field("access_token", description="令牌的位置")
    life_path: str = Field("expires_in", description="有效秒数的位置")
    refresh_path: str = Field("", description="新的更新令牌的位置；平台每次更换它（旧的失效）时必须写")
    life: int = Field(7200, ge=1, description="回应中没有有效秒数时按几秒算")
    margin: int = Field(300, ge=0, description="到期前几秒就换新的（最多为有效期的一半）")
    apart: float = Field(0, ge=0, description="强制换新（令牌被拒后）之间至少相隔几秒")
    per_day: int = Field(0, ge=0, description="一天最多强制换新几次；0 为不限")

    @model_validator(mode="after")
    def _a_way(self) -> Token:
        if self.request is None and not (self.refresh and self.first):
            raise ValueError("须写 request，或写 refresh 和 first")
        return self


class Paging(_Strict):
    """分页。page 页码；offset 起始位置；cursor 游标；link 回应给出下一页的网址（须是同一地址）。"""

    kind: Literal["page", "offset", "cursor", "link"] = Field("offset", description="方式")
    size: int = Field(100, ge=1, le=10_000, description="每页条数；平台给得少时按实际条数翻页")
    first: int = Field(1, ge=0, le=1, description="page 的第一页是 0 还是 1")
    next: str = Field("", description="cursor、link 的下一个值在回应中的位置")
    end: Words = Field(default_factory=list, description="表示没有下一页的游标值，如 nomore；空值总是表示没有")
    start: str = Field("", description="第一个游标；空则第一页不带游标")
    backwards: bool = Field(False, description="page：从最后一页向前取，新增的记录不会把旧的挤到已取过的页上")
    resumable: bool = Field(True, description="中断后能否从原处继续；游标随即失效的平台写 false")

    @model_validator(mode="after")
    def _next(self) -> Paging:
        if (self.kind in ("cursor", "link")) != bool(self.next):
            raise ValueError("cursor、link 须写 next，page、offset 不写")
        if self.backwards and self.kind != "page":
            raise ValueError("backwards 只用于 page")
        return self


class Window(_Strict):
    """按时间段分次拉取：从拉取开始之时向前 days 天，每段 hours 小时，请求中写 {from:s} {to:s}。"""

    days: float = Field(gt=0, le=3660, description="向前多少天")
    hours: float = Field(24, gt=0, description="每段最多几小时")


class Sublist(_Strict):
    """一次报送中的一份名单（如登记与未登记两份），各成一张工作表。"""

    sheet: str = Field(min_length=1, description="工作表名，与 sheets.names 对应")
    values: dict[str, str] = Field(default_factory=dict, description="此名单的参数，请求中写 {list:键}")


class Pace(_Strict):
    """礼貌：每秒几次、每天几次、什么时候。平台回应的 RateLimit-* 与 Retry-After 总是遵守。"""

    per_second: float = Field(5.0, gt=0, le=1000, description="每秒最多请求几次，重试也算")
    per_day: int = Field(0, ge=0, description="每天（北京时间）最多请求几次；0 为不限")
    hours: str = Field(
        "",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="每天允许拉取的时间（北京时间），如 22:00-06:30；不写为不限",
    )


class Limits(_Strict):
    """限度。"""

    connect_timeout: float = Field(10.0, gt=0, le=300, description="连接最多等待的秒数")
    read_timeout: float = Field(60.0, gt=0, le=900, description="没有数据到达时最多等待的秒数；一次回应总共不超过它的 10 倍")
    answer_bytes: int = Field(20 * 1024 * 1024, ge=1, description="一次回应的字节数上限（解压后）")
    pull_bytes: int = Field(500 * 1024 * 1024, ge=1, description="一次拉取全部回应的字节数上限")
    pages: int = Field(10_000, ge=1, le=1_000_000, description="最多取多少页；超过时按不完整处理")
    minutes: float = Field(180.0, gt=0, le=1440, description="一次拉取最多多少分钟；超过即停止，下次从原处继续")
    attempts: int = Field(6, ge=1, le=20, description="同一页最多请求几次（含第一次）")
    backoff: float = Field(1.0, ge=0, le=60, description="第一次重试前等待的秒数，以后加倍，最多 30 秒")
    breaker_failures: int = Field(12, ge=1, le=1000, description="接连失败多少次即断开，不再请求")
    breaker_minutes: float = Field(15.0, ge=0, le=1440, description="断开后多少分钟内不再请求（指名拉取时仍试一次）")
    resume_hours: float = Field(30.0, ge=0, le=720, description="中断的拉取在多少小时内可继续；再久则从头开始")


class ApiSpec(_Strict):
    """平台接口：请求、签名、令牌、分页、回应、错误、礼貌、限度。密钥不写在这里，在设置中指明。"""

    base_url: str = Field("", description="接口地址，如 https://open.example.com；设置中写了的以设置为准")
    request: Request = Field(description="取报送数据的请求")
    sign: Sign | None = Field(None, description="签名；不写则不签名")
    token: Token | None = Field(None, description="令牌；不写则不用会过期的令牌")
    paging: Paging = Field(default_factory=lambda: Paging.model_validate({}), description="分页")
    lists: list[Sublist] = Field(default_factory=list, description="报送分成几份名单时，各份的参数")
    window: Window | None = Field(None, description="按时间段拉取")
    answer: Answer = Field(default_factory=lambda: Answer.model_validate({}), description="回应的样子")
    errors: list[Rule] = Field(default_factory=list, description="错误与对策")
    otherwise: Literal["retry", "stop"] = Field("stop", description="没有列出的错误代码：重试，还是停止")
    pace: Pace = Field(default_factory=lambda: Pace.model_validate({}))
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}))

    @property
    def requests(self) -> list[Request]:
        """Every request that it may send."""
        return [self.request, *(r for r in (self.token.request, self.token.refresh) if r)] if self.token else [self.request]

    def texts(self) -> Iterator[str]:
        """Every text in which placeholders may stand."""
        for request in self.requests:
            yield from _leaves([request.query, request.form, request.body, request.headers])
        if self.sign:
            yield from (self.sign.before, self.sign.after, self.sign.key)
        if self.token:
            yield self.token.first

    @property
    def secrets(self) -> list[str]:
        """Names of the secrets that the settings must give, in order of their names."""
        return sorted({arg for text in self.texts() for name, arg in names_in(text) if name == "secret"})

    @property
    def needs_as_of(self) -> bool:
        """Whether a parameter holds the report date."""
        return any(name == "as_of" for text in self.texts() for name, _ in names_in(text))

    @model_validator(mode="after")
    def _placeholders(self) -> ApiSpec:
        keys = {key for one in self.lists for key in one.values}
        for text in self.texts():
            if fault := faulty(text):
                raise ValueError(fault)
            for name, arg in names_in(text):
                if name == "list" and arg not in keys:
                    raise ValueError(f"lists 中没有 {arg}")
                if name in ("from", "to") and self.window is None:
                    raise ValueError(f"写了 {{{name}:…}}，须有 window")
                if name in ("token", "refresh_token", "force") and self.token is None:
                    raise ValueError(f"写了 {{{name}}}，须有 token")
        needed = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(self.paging.kind)
        own = {name for t in _leaves([self.request.query, self.request.form, self.request.body]) for name, _ in names_in(t)}
        if needed and needed not in own:
            raise ValueError(f"分页方式是 {needed}，request 中须有 {{{needed}}}")
        return self


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
