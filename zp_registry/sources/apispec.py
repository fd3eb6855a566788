"""What a mapping says about its platform's interface: section ``api`` of the mapping file.

Like the rest of a mapping it is data that an operator may change, so the descriptions are Chinese. Secrets never stand here:
the token is named in the settings and read by :func:`zp_registry.sources.transport.read_token`.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

AS_OF = "{as_of}"


class ApiSpec(BaseModel):
    """平台接口：地址、分页方式、限度。令牌不写在这里，在设置中指明。"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field("", description="接口地址，如 https://open.example.com；设置中写了的以设置为准")
    path: str = Field(description="取报送数据的路径，如 /reports/identity")
    dialect: Literal["F"] = Field("F", description="接口方式：F 固定令牌（Bearer），offset 与 limit 分页")
    page_size: int = Field(200, ge=1, le=10_000, description="每页条数；平台给得少时按实际条数翻页")
    record_path: str = Field("data", description="返回内容中记录列表的位置，用点号分层；空表示返回内容本身就是列表")
    total_path: str = Field("total", description="返回内容中总条数的位置；空表示平台不给总条数")
    offset_param: str = Field("offset", min_length=1, description="起始位置的参数名")
    limit_param: str = Field("limit", min_length=1, description="每页条数的参数名")
    params: dict[str, str] = Field(default_factory=dict, description="其他参数；值中可写 {as_of}，即报送日期（如 2026-03-31）")
    connect_timeout: float = Field(10.0, gt=0, le=300, description="连接最多等待的秒数")
    read_timeout: float = Field(60.0, gt=0, le=900, description="没有数据到达时最多等待的秒数；一次回应总共不超过它的 10 倍")
    max_pages: int = Field(10_000, ge=1, le=1_000_000, description="最多取多少页；超过时按不完整处理")
    max_bytes: int = Field(200 * 1024 * 1024, ge=1, description="一次拉取全部回应的字节数上限，超过即停止")
    requests_per_second: float = Field(5.0, gt=0, le=1000, description="每秒最多请求几次")
    attempts: int = Field(5, ge=1, le=20, description="同一页最多请求几次（含第一次）")
    backoff: float = Field(1.0, ge=0, le=60, description="第一次重试前等待的秒数，以后加倍，最多 30 秒")

    @field_validator("path")
    @classmethod
    def _only_a_path(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme or parts.netloc or parts.query or parts.fragment or not parts.path.strip("/"):
            raise ValueError("only a path such as /reports/identity: the address belongs in base_url, parameters in params")
        return value

    @property
    def needs_as_of(self) -> bool:
        """Whether a parameter holds the report date."""
        return any(AS_OF in v for v in self.params.values())
