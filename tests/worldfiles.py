"""Real report files of several layouts from rows of plain words (see ``worlds.row``)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from openpyxl import Workbook
from zp_registry.simulator import words


class Holder(Protocol):
    """What a shared report tells of a holder."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uscc(self) -> str | None: ...
    @property
    def person_id(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def address(self) -> str: ...


def _headers(packed: str) -> list[str]:
    return [part.split("=")[0] for part in packed.split("|")]


def _joined(r: dict[str, Any], k: int, sep: str = "、") -> str:
    return sep.join(str(s[k] or "") for s in r["streamers"])


def _csv(path: Path, headers: Sequence[str], rows: Sequence[dict[str, Any]], encoding: str) -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, headers, lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows([{k: "" if v is None else v for k, v in r.items()} for r in rows])
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def kuaishou(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """快手: csv, gb18030; as_of from the file name."""
    codes = {"normal": "1", "suspended": "2", "closed": "3"}
    return _csv(path, _headers(words.KUAISHOU), [{
        "快手ID": r["account_id"], "用户昵称": r["account_name"], "实名姓名": r["person"], "实名证件号": r["person_id"],
        "企业名称": r["name"] if r["kind"] != "natural_person" else "", "信用代码": r["uscc"], "手机号": r["phone"],
        "地址": r["address"], "开播人": _joined(r, 0), "开播人证件号": _joined(r, 1), "收款人": r["payee_name"],
        "收款账号": r["payee"], "MCN机构": r["agency"], "粉丝量": "100", "开通时间": "2023-05-01 10:00:00",
        "状态码": codes[r["status"]],
    } for r in rows], "gb18030")


def xiaohongshu(path: Path, rows: Sequence[dict[str, Any]], as_of: str) -> Path:
    """小红书: csv, utf-8 with BOM; as_of in a column (a row's own ``as_of`` beats the file's)."""
    kinds = {"natural_person": "PERSON", "sole_proprietor": "INDIVIDUAL_BIZ", "enterprise": "COMPANY", "cooperative": "COOP"}
    return _csv(path, _headers(words.XIAOHONGSHU), [{
        "red_id": r["account_id"], "nickname": r["account_name"], "subject_name": r["name"], "subject_type": kinds[r["kind"]],
        "uscc": r["uscc"], "id_no": r["person_id"], "phone": r["phone"], "province": "", "city": "", "county": "",
        "address_detail": r["address"], "anchor_name": _joined(r, 0), "anchor_id_no": _joined(r, 1),
        "anchor_relation": _joined(r, 2), "settle_name": r["payee_name"], "settle_no": r["payee"],
        "verified_at": "2026-01-05T10:00:00+08:00", "status": {"normal": "ACTIVE", "closed": "CLOSED"}[r["status"]],
        "report_date": r["as_of"] or as_of,
    } for r in rows], "utf-8-sig")


def weipaitang(path: Path, rows: Sequence[dict[str, Any]], as_of: str) -> Path:
    """微拍堂: JSON Lines; the one layout that tells each streamer's relation and the agency besides."""
    kinds = {"natural_person": "person", "sole_proprietor": "individual", "enterprise": "company", "cooperative": "coop"}
    lines = [{
        "report_date": r["as_of"] or as_of,
        "shop": {"id": r["account_id"], "name": r["account_name"], "url": r["url"], "kind": "live", "opened": "2022-05-01",
                 "status": r["status"], "fans": 10},
        "subject": {"type": kinds[r["kind"]], "name": r["name"], "uscc": r["uscc"], "id_type": "居民身份证",
                    "id_no": r["person_id"] if r["kind"] == "natural_person" else None,
                    "legal_rep": r["person"] if r["kind"] == "enterprise" else None,
                    "operator": {"name": r["person"], "id_no": r["person_id"]} if r["kind"] == "sole_proprietor" else None},
        "contact": {"name": r["person"], "phone": r["phone"], "address": r["address"]},
        "anchors": [{"name": a, "id_no": b, "phone": None, "relation": c, "agency": r["agency"]} for a, b, c in r["streamers"]],
        "agency": {"name": r["agency"], "uscc": None},
        "settlement": {"name": r["payee_name"], "account": r["payee"], "bank": "中国农业银行"},
    } for r in rows]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return path


def _xlsx(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = Workbook()
    del book[book.sheetnames[0]]
    for title, lines in sheets.items():
        page = book.create_sheet(title)
        for line in lines:
            page.append(line)
    book.save(path)
    return path


def douyin(path: Path, rows: Sequence[dict[str, Any]], as_of: str) -> Path:
    """抖音: xlsx with title, date line and footer."""
    kinds = {"natural_person": "个人", "sole_proprietor": "个体工商户", "enterprise": "企业", "cooperative": "农民专业合作社"}
    relations = {"self": "本人", "employee": "员工", "signed": "签约主播", "family": "亲属", "other": "其他"}
    body = [[
        n, r["handle"], r["account_id"], r["account_name"], r["url"], 100, kinds[r["kind"]], r["name"], r["uscc"],
        r["person"] if r["kind"] != "natural_person" else None, "居民身份证", r["person_id"], r["phone"], r["address"],
        _joined(r, 0), _joined(r, 1), "、".join(relations[s[2]] for s in r["streamers"]), r["agency"], r["payee_name"],
        r["payee"], "2026-01-05", {"normal": "正常", "closed": "注销"}[r["status"]],
    ] for n, r in enumerate(rows, start=1)]
    day = f"{as_of[:4]}年{as_of[5:7]}月{as_of[8:]}日"
    titles: list[list[Any]] = [["抖音平台网络直播主体身份信息报送表"], [f"报送日期：{day}　　平台名称：抖音"]]
    foot: list[list[Any]] = [[f"合计：{len(rows)}户"], ["制表人：周某某　审核人：秦某某"]]
    return _xlsx(path, {"主播身份报送": [*titles, _headers(words.DOUYIN), *body, *foot]})


def wechat(path: Path, rows: Sequence[dict[str, Any]], as_of: str) -> Path:
    """视频号: xlsx, 23 columns under two header rows; a delta report."""
    headers = _headers(words.WECHAT)
    meta: list[Any] = [None] * 23
    meta[0], meta[16] = "互联网平台企业名称：深圳市腾讯计算机系统有限公司", "平台名称：微信视频号"
    meta[22] = f"报送日期：{as_of}"
    groups: list[Any] = [None] * 23
    groups[2], groups[5] = "已取得登记证照的经营者", "未取得登记证照的经营者"
    body = []
    for n, r in enumerate(rows, start=1):
        alone = r["kind"] == "natural_person"
        line = dict.fromkeys(headers)
        line |= {"序号": n, "是否已取得登记证照": "否" if alone else "是", "名称（姓名）": None if alone else r["name"],
                 "统一社会信用代码（纳税人识别号）": r["uscc"], "姓名": r["name"] if alone else None,
                 "证件类型": "201|居民身份证" if alone else None, "证件号码": r["person_id"] if alone else None,
                 "国家或地区": "156|中国" if alone else None, "是否存在免于报送收入信息情形": "否", "地址": r["address"],
                 "店铺（用户）名称": r["account_name"], "店铺（用户）唯一标识码": r["account_id"], "网址链接": r["url"],
                 "账户名称": r["payee_name"], "银行账号/支付账户": r["payee"], "联系人姓名": r["person"],
                 "联系电话": r["phone"],
                 "经营开始时间": r["held_from"], "经营结束时间": r["held_to"], "信息状态标识": r["info"]}
        body.append([line[h] for h in headers])
    titles: list[list[Any]] = [["平台内的经营者和从业人员身份信息报送表"], [], meta, groups, list(headers)]
    foot: list[list[Any]] = [["谨声明：本表所填报的身份信息真实、准确、完整。"], ["互联网平台企业（签章）："]]
    return _xlsx(path, {"身份信息报送表": [*titles, *body, *foot]})


def taobao(path: Path, rows: Sequence[dict[str, Any]], *, lists: str = "AB") -> Path:
    """淘宝: the two lists as sheets, ``lists`` which of them; as_of from the file name."""
    a = [[n, r["name"], r["uscc"], r["address"], r["phone"], r["account_name"], r["url"], r["account_id"], r["person"],
          r["payee_name"]] for n, r in enumerate([r for r in rows if r["kind"] != "natural_person"], start=1)]
    b = [[n, r["name"], "居民身份证", r["person_id"], r["address"], r["phone"], r["account_name"], r["url"], r["account_id"],
          "零星小额", "否", r["payee_name"]] for n, r in enumerate([r for r in rows if r["kind"] == "natural_person"], start=1)]
    sheets: dict[str, list[list[Any]]] = {}
    if "A" in lists:
        sheets["已办理市场主体登记"] = [["平台内经营者身份信息"], _headers(words.TAOBAO_A), *a]
    if "B" in lists:
        sheets["未办理市场主体登记"] = [["平台内经营者身份信息"], _headers(words.TAOBAO_B), *b]
    return _xlsx(path, sheets)


def share(path: Path, rows: Sequence[tuple[str, str, Holder]]) -> Path:
    """省局共享: (platform's Chinese name, what the sheet calls the account, holder); as_of from the file name."""
    a = [[p, h.name, h.uscc, h.address, h.phone, ref] for p, ref, h in rows if h.kind != "natural_person"]
    b = [[p, h.name, h.person_id, h.address, h.phone, ref] for p, ref, h in rows if h.kind == "natural_person"]
    return _xlsx(path, {"A已登记运营者": [_headers(words.SHARE_A), *a], "B未登记运营者": [_headers(words.SHARE_B), *b]})


LEDGER = (
    "序号", "承诺书编号", "主体名称", "统一社会信用代码/身份证号", "经营者/负责人", "联系电话", "所属乡镇街道",
    "承诺书版本", "签订日期", "有效期至", "签订方式(纸质/电子)", "扫描件编号", "备注",
)


def ledger(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """诚信经营承诺书台账 of one town."""
    return _xlsx(path, {"石佛寺镇": [list(LEDGER), *([r.get(h) for h in LEDGER] for r in rows)]})
